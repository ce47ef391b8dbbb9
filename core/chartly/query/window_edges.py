"""Whether a query takes each event into one window: a window's end is the start of the next."""

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from chartly.api.place import Place
from chartly.errors import SpecError
from chartly.query.placeholders import placeholder_of
from chartly.query.spannable import conditions
from chartly.query.sql_reader import QueryReading

if TYPE_CHECKING:
    from sqlglot import exp

_CLOSED_END = {("lte", "expression"), ("gte", "this")}
_OPEN_START = {("gt", "expression"), ("lt", "this")}
_SAYS = "a window holds its start and not its end"


def check_edges(reading: QueryReading, time: str, where: Place) -> None:
    """Whether no comparison counts a window's end into it, or leaves its start out.

    Args:
        time: the time column of the dataset; empty where it is not known.

    Raises:
        SpecError: an event at the edge would be in two windows, or in none.
    """
    from sqlglot import exp  # noqa: PLC0415 - costs start-up time

    for node in reading.tree.walk():
        if isinstance(node, exp.Between) and _edge(node.args["high"]) == "window_end":
            raise _refused(node.this, "BETWEEN counts {{window_end}} in", where)
        for side in ("this", "expression"):
            edge = _edge(node.args.get(side))
            other: exp.Expr = node.args.get("expression" if side == "this" else "this", node)
            if edge == "window_end" and (node.key, side) in _CLOSED_END:
                raise _refused(other, "a comparison counts {{window_end}} in", where)
            is_time = isinstance(other, exp.Column) and other.name == time
            if is_time and edge == "window_start" and (node.key, side) in _OPEN_START:
                raise _refused(other, "a comparison leaves {{window_start}} out", where)


def check_bounds(reading: QueryReading, time: str, where: Place) -> None:
    """Whether conditions that must hold keep the query to one window, from both sides.

    Args:
        time: the time column of the dataset.

    Raises:
        SpecError: events of other windows, or none at all, would be in each.
    """
    from sqlglot import exp  # noqa: PLC0415 - costs start-up time

    names = _names_of(reading.tree, time)
    bounds = {
        edge
        for clause in reading.tree.find_all(exp.Where)
        for condition in conditions(clause.this)
        for edge in _bounded(condition, names)
    }
    for edge in ("window_start", "window_end"):
        if edge not in bounds:
            raise where.refusal(
                f"no condition of WHERE compares {time!r} with {{{{{edge}}}}}; write "
                f"`{time} >= {{{{window_start}}}} AND {time} < {{{{window_end}}}}`, neither within "
                "OR and NOT nor by a function"
            )


def check_aliases(reading: QueryReading, columns: Collection[str], where: Place) -> None:
    """Whether WHERE means columns by their names: an engine takes an output of the same name.

    Raises:
        SpecError: an output has the name of another column that WHERE reads.
    """
    from sqlglot import exp  # noqa: PLC0415 - costs start-up time

    for alias in reading.tree.find_all(exp.Alias):
        select = alias.find_ancestor(exp.Select)
        clause = None if select is None else select.args.get("where")
        is_itself = isinstance(alias.this, exp.Column) and alias.this.name == alias.alias
        if clause is None or is_itself or alias.alias not in columns:
            continue
        if any(one.name == alias.alias and not one.table for one in clause.find_all(exp.Column)):
            raise where.refusal(
                f"output {alias.alias!r} has the name of a column that WHERE reads, and "
                "an engine takes the output there; give it another name"
            )


def _names_of(tree: "exp.Query", time: str) -> set[str]:
    """The time column, and whatever is made of it under another name."""
    from sqlglot import exp  # noqa: PLC0415 - costs start-up time

    names, before = {time}, set[str]()
    while names != before:
        before = set(names)
        names |= {one.alias for one in tree.find_all(exp.Alias) if _mentions(one.this, names)}
    return names


def _bounded(condition: "exp.Expr", names: Collection[str]) -> Iterator[str]:
    """The edges of the window that a condition holds a time against."""
    from sqlglot import exp  # noqa: PLC0415 - costs start-up time

    if isinstance(condition, exp.Between):
        low, high = condition.args["low"], condition.args["high"]
        pairs = [(condition.this, low), (high, condition.this)]
    elif isinstance(condition, exp.GTE | exp.GT):
        pairs = [(condition.this, condition.expression)]
    elif isinstance(condition, exp.LTE | exp.LT):
        pairs = [(condition.expression, condition.this)]
    else:
        return
    for later, earlier in pairs:
        if _mentions(later, names) and _mentions_edge(earlier, "window_start"):
            yield "window_start"
        if _mentions(earlier, names) and _mentions_edge(later, "window_end"):
            yield "window_end"


def _mentions(node: "exp.Expr", names: Collection[str]) -> bool:
    from sqlglot import exp  # noqa: PLC0415 - costs start-up time

    return any(one.name in names for one in node.find_all(exp.Column))


def _mentions_edge(node: "exp.Expr", edge: str) -> bool:
    from sqlglot import exp  # noqa: PLC0415 - costs start-up time

    return any(_edge(one) == edge for one in node.find_all(exp.Column))


def _edge(node: object) -> str:
    from sqlglot import exp  # noqa: PLC0415 - costs start-up time

    return placeholder_of(node.name) if isinstance(node, exp.Column) else ""


def _refused(compared: "exp.Expr", what: str, where: Place) -> SpecError:
    column = compared.sql("clickhouse")[:60]
    return where.refusal(
        f"{column}: {what}; {_SAYS}; write `{column} >= {{{{window_start}}}} "
        f"AND {column} < {{{{window_end}}}}`"
    )
