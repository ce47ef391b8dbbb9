"""Whether LIMIT may cut off rows that ORDER BY cannot tell apart: now these, then others."""

from typing import TYPE_CHECKING

from chartly.api.place import Place
from chartly.query.column_scope import aggregates
from chartly.query.sql_reader import QueryReading

if TYPE_CHECKING:
    from sqlglot import exp

_UNIQUE = "event_key"
"""The column of a dataset that no two of its events share."""


def check_ties(reading: QueryReading, where: Place) -> None:
    """Whether every LIMIT and OFFSET stands behind an order without ties that matter.

    Raises:
        SpecError: which rows are left would differ from run to run.
    """
    from sqlglot import exp  # noqa: PLC0415 - costs start-up time

    for select in reading.tree.find_all(exp.Select):
        cut, order = _cut(select), select.args.get("order")
        if not cut:
            continue
        if order is None:
            raise where.refusal(f"{cut} without ORDER BY is not repeatable")
        left = _undecided(select, order)
        if left is not None:
            raise where.refusal(
                f"ORDER BY with {cut} leaves ties, and which of them stay is not "
                f"repeatable; add {left!r} to ORDER BY"
            )


def _cut(select: "exp.Select") -> str:
    limit = select.args.get("limit")
    options = None if limit is None else limit.args.get("limit_options")
    if limit is not None and not (options is not None and options.args.get("with_ties")):
        return "LIMIT"
    distinct = select.args.get("distinct")
    if distinct is not None and distinct.args.get("on") is not None:
        return "DISTINCT ON"
    return "OFFSET" if select.args.get("offset") is not None else ""


def _undecided(select: "exp.Select", order: "exp.Order") -> str | None:
    """What the order does not decide of a row: a key of its group, or a column; None if nothing."""
    from sqlglot import exp  # noqa: PLC0415 - costs start-up time

    aliases = {one.alias: one.this for one in select.selects if isinstance(one, exp.Alias)}
    ordered = [_meant(one.this, select, aliases) for one in order.expressions]
    group = select.args.get("group")
    if any(one.name == _UNIQUE for one in ordered) and _is_of_events(select):
        return None
    if group is None and _is_one_row(select):
        return None
    outputs = [_meant(one, select, aliases) for one in select.selects]
    ways = [outputs]
    if group is not None and _has_plain_keys(group):
        ways.insert(0, [_meant(one, select, aliases) for one in group.expressions])
    lacking = [_first_undecided(way, ordered) for way in ways]
    return None if None in lacking else lacking[0]


def _first_undecided(parts: "list[exp.Expr]", ordered: "list[exp.Expr]") -> str | None:
    for one in parts:
        if not _is_decided(one, ordered):
            return one.sql("clickhouse")[:60]
    return None


def _is_decided(node: "exp.Expr", ordered: "list[exp.Expr]") -> bool:
    """Whether rows that are alike in the order are alike in this."""
    from sqlglot import exp  # noqa: PLC0415 - costs start-up time

    if node in ordered:
        return True
    if isinstance(node, exp.Literal | exp.Boolean | exp.Null):
        return True
    if isinstance(node, exp.Column | exp.Subquery | exp.Lambda | exp.Star) or aggregates(node):
        return False
    return all(_is_decided(one, ordered) for one in node.iter_expressions() if not _is_word(one))


def _is_word(node: "exp.Expr") -> bool:
    from sqlglot import exp  # noqa: PLC0415 - costs start-up time

    return isinstance(node, exp.Identifier | exp.Var | exp.DataType | exp.DataTypeParam)


def _meant(node: "exp.Expr", select: "exp.Select", aliases: "dict[str, exp.Expr]") -> "exp.Expr":
    """What a place in the list of outputs, or an alias, stands for."""
    from sqlglot import exp  # noqa: PLC0415 - costs start-up time

    if isinstance(node, exp.Literal) and not node.is_string and node.name.isdigit():
        place = int(node.name)
        return select.selects[place - 1].unalias() if 0 < place <= len(select.selects) else node
    if isinstance(node, exp.Alias | exp.Paren):
        return _meant(node.this, select, {})
    if isinstance(node, exp.Column) and not node.table:
        return aliases.get(node.name, node).unnest()
    return node


def _is_one_row(select: "exp.Select") -> bool:
    return any(aggregates(one) for output in select.selects for one in output.walk())


def _has_plain_keys(group: "exp.Group") -> bool:
    return bool(group.expressions) and not any(
        value for name, value in group.args.items() if name != "expressions"
    )


def _is_of_events(select: "exp.Select") -> bool:
    """Whether each of its rows is an event: of a table alone, ungrouped."""
    from sqlglot import exp  # noqa: PLC0415 - costs start-up time

    source = select.args.get("from_") or select.args.get("from")
    return (
        source is not None
        and isinstance(source.this, exp.Table)
        and not select.args.get("joins")
        and select.args.get("group") is None
    )
