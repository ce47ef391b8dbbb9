"""How a SELECT groups its rows: its keys, and the aggregates among its outputs."""

from typing import TYPE_CHECKING

from chartly.query.functions import REPEATABLE

if TYPE_CHECKING:
    from sqlglot import exp


def has_plain_keys(group: "exp.Group") -> bool:
    """Whether GROUP BY contains expressions alone, without ROLLUP, CUBE and their like."""
    return not any(value for name, value in group.args.items() if name != "expressions")


def aggregates_rows(select: "exp.Select") -> bool:
    """Whether an output of a SELECT contains an aggregate."""
    return any(is_aggregate(node) for output in select.selects for node in output.walk())


def is_aggregate(node: "exp.Expr") -> bool:
    """Whether a node is a call that makes one value of many rows."""
    from sqlglot import exp  # noqa: PLC0415 - costs start-up time

    return isinstance(node, exp.AggFunc) or (
        isinstance(node, exp.Anonymous) and REPEATABLE.is_aggregate(node.name)
    )
