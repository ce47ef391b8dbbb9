"""Whether a query counts each event in one window: a window's end is the start of the next."""

from collections.abc import Callable, Collection, Iterator
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
_HALF_OPEN = "a window holds its start and not its end"


def check_edges(reading: QueryReading, time: str, where: Place) -> None:
    """Whether no comparison counts a window's end into it, or leaves its start out.

    Args:
        time: the time column of the dataset; empty where it is not known.

    Raises:
        SpecError: an event at the edge would be in two windows, or in none.
    """
    from sqlglot import exp  # noqa: PLC0415 - costs start-up time

    for node in reading.tree.walk():
        if isinstance(node, exp.Between) and _edge_of(node.args["high"]) == "window_end":
            raise _refused(reading, node.this, "BETWEEN counts {{window_end}} in", where)
        for side in ("this", "expression"):
            edge = _edge_of(node.args.get(side))
            other: exp.Expr = node.args.get("expression" if side == "this" else "this", node)
            if edge == "window_end" and (node.key, side) in _CLOSED_END:
                raise _refused(reading, other, "a comparison counts {{window_end}} in", where)
            is_time = isinstance(other, exp.Column) and other.name == time
            if is_time and edge == "window_start" and (node.key, side) in _OPEN_START:
                raise _refused(reading, other, "a comparison leaves {{window_start}} out", where)


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
    """Whether names in WHERE are those of columns: an engine prefers an output of the same name.

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
        if any(
            column.name == alias.alias and not column.table
            for column in clause.find_all(exp.Column)
        ):
            why = (
                f"output {alias.alias!r} has the name of a column that WHERE reads, and "
                "an engine takes the output there; give it another name"
            )
            raise reading.refusal(where, alias, why)


def _names_of(tree: "exp.Query", time: str) -> set[str]:
    """The time column, and the aliases that are computed from it."""
    from sqlglot import exp  # noqa: PLC0415 - costs start-up time

    names, before = {time}, set[str]()
    while names != before:
        before = set(names)
        names |= {
            alias.alias
            for alias in tree.find_all(exp.Alias)
            if _reads(alias.this, before.__contains__)
        }
    return names


def _bounded(condition: "exp.Expr", names: Collection[str]) -> Iterator[str]:
    """The edges of the window that a condition compares a time with."""
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
        if _reads(later, names.__contains__) and _reads_edge(earlier, "window_start"):
            yield "window_start"
        if _reads(earlier, names.__contains__) and _reads_edge(later, "window_end"):
            yield "window_end"


def _reads_edge(node: "exp.Expr", edge: str) -> bool:
    return _reads(node, lambda name: placeholder_of(name) == edge)


def _reads(node: "exp.Expr", matches: Callable[[str], bool]) -> bool:
    """Whether a node contains a column whose name matches."""
    from sqlglot import exp  # noqa: PLC0415 - costs start-up time

    return any(matches(column.name) for column in node.find_all(exp.Column))


def _edge_of(node: object) -> str:
    """The placeholder that a node itself is; empty for any other."""
    from sqlglot import exp  # noqa: PLC0415 - costs start-up time

    return placeholder_of(node.name) if isinstance(node, exp.Column) else ""


def _refused(reading: QueryReading, compared: "exp.Expr", mistake: str, where: Place) -> SpecError:
    column = compared.sql("clickhouse")[:60]
    why = (
        f"{column}: {mistake}; {_HALF_OPEN}; write `{column} >= {{{{window_start}}}} "
        f"AND {column} < {{{{window_end}}}}`"
    )
    return reading.refusal(where, compared, why)
