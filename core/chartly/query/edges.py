"""Whether a query takes each event into one window: a window's end is the start of the next."""

from typing import TYPE_CHECKING

from chartly.errors import SpecError
from chartly.query.placeholders import placeholder_of
from chartly.query.reader import Reading

if TYPE_CHECKING:
    from sqlglot import exp

_CLOSED_END = {("lte", "expression"), ("gte", "this")}
_OPEN_START = {("gt", "expression"), ("lt", "this")}
_SAYS = "a window holds its start and not its end"


def check_edges(reading: Reading, time: str, where: str) -> None:
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


def _edge(node: object) -> str:
    from sqlglot import exp  # noqa: PLC0415 - costs start-up time

    return placeholder_of(node.name) if isinstance(node, exp.Column) else ""


def _refused(compared: "exp.Expr", what: str, where: str) -> SpecError:
    column = compared.sql("clickhouse")[:60]
    return SpecError(
        f"{where}: {column}: {what}; {_SAYS}; write `{column} >= {{{{window_start}}}} "
        f"AND {column} < {{{{window_end}}}}`"
    )
