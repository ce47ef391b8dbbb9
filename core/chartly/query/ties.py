"""Whether LIMIT keeps the same rows every time: ORDER BY must leave no ties that it cuts."""

from typing import TYPE_CHECKING

from chartly.api.place import Place
from chartly.query.grouping import aggregates_rows, has_plain_keys, is_aggregate
from chartly.query.sql_reader import QueryReading

if TYPE_CHECKING:
    from sqlglot import exp

_UNIQUE = "event_key"
"""The column of a dataset that no two of its events share."""


def check_ties(reading: QueryReading, where: Place) -> None:
    """Whether the order behind every LIMIT and OFFSET leaves no ties that matter.

    Raises:
        SpecError: which rows remain would differ from run to run.
    """
    from sqlglot import exp  # noqa: PLC0415 - costs start-up time

    check_orders(reading, where)
    for select in reading.tree.find_all(exp.Select):
        cut = _cut(select)
        missing = _undecided(select, select.args["order"]) if cut else None
        if missing is not None:
            why = (
                f"ORDER BY with {cut} leaves ties, and which of them stay is not "
                f"repeatable; add {missing!r} to ORDER BY"
            )
            raise reading.refusal(where, select.args["order"], why)


def check_orders(reading: QueryReading, where: Place) -> None:
    """Whether every LIMIT and OFFSET has an order.

    Raises:
        SpecError: which rows remain would differ from run to run.
    """
    from sqlglot import exp  # noqa: PLC0415 - costs start-up time

    for query in reading.tree.find_all(exp.Query):
        cut = _cut(query) or ("LIMIT" if query.args.get("limit") is not None else "")
        if not cut:
            continue
        clause = query.args[cut.partition(" ")[0].lower()]
        if query.args.get("order") is None:
            why = f"{cut} without ORDER BY is not repeatable"
            raise reading.refusal(where, clause, why)
        if not isinstance(query, exp.Select):
            why = f"{cut} behind UNION or brackets must be in a SELECT of its own"
            raise reading.refusal(where, clause, why)


def _cut(select: "exp.Query") -> str:
    """The clause that keeps some of the rows that are alike in the order, or ""."""
    from sqlglot import exp  # noqa: PLC0415 - costs start-up time

    limit = select.args.get("limit")
    options = None if limit is None else limit.args.get("limit_options")
    if limit is not None and not (options is not None and options.args.get("with_ties")):
        return "LIMIT"
    distinct = select.args.get("distinct")
    # That of a UNION is true or false.
    if isinstance(distinct, exp.Distinct) and distinct.args.get("on") is not None:
        return "DISTINCT ON"
    return "OFFSET" if select.args.get("offset") is not None else ""


def _undecided(select: "exp.Select", order: "exp.Order") -> str | None:
    """The first key or output of a row that its order does not determine; None if there is none."""
    from sqlglot import exp  # noqa: PLC0415 - costs start-up time

    aliases = {
        output.alias: output.this for output in select.selects if isinstance(output, exp.Alias)
    }
    ordered = [_resolved(term.this, select, aliases) for term in order.expressions]
    group = select.args.get("group")
    if any(term.name == _UNIQUE for term in ordered) and _is_of_events(select):
        return None
    if group is None and aggregates_rows(select):
        return None
    identities = [[_resolved(output, select, aliases) for output in select.selects]]
    if group is not None and group.expressions and has_plain_keys(group):
        identities.insert(0, [_resolved(key, select, aliases) for key in group.expressions])
    missing = [_first_undecided(parts, ordered) for parts in identities]
    return None if None in missing else missing[0]


def _first_undecided(parts: "list[exp.Expr]", ordered: "list[exp.Expr]") -> str | None:
    for part in parts:
        if not _is_decided(part, ordered):
            return part.sql("clickhouse")[:60]
    return None


def _is_decided(node: "exp.Expr", ordered: "list[exp.Expr]") -> bool:
    """Whether rows that are alike in the order have the same value of a node."""
    from sqlglot import exp  # noqa: PLC0415 - costs start-up time

    if node in ordered:
        return True
    if isinstance(node, exp.Literal | exp.Boolean | exp.Null):
        return True
    if isinstance(node, exp.Column | exp.Subquery | exp.Lambda | exp.Star) or is_aggregate(node):
        return False
    return all(
        _is_decided(child, ordered) for child in node.iter_expressions() if not _is_word(child)
    )


def _is_word(node: "exp.Expr") -> bool:
    from sqlglot import exp  # noqa: PLC0415 - costs start-up time

    return isinstance(node, exp.Identifier | exp.Var | exp.DataType | exp.DataTypeParam)


def _resolved(node: "exp.Expr", select: "exp.Select", aliases: "dict[str, exp.Expr]") -> "exp.Expr":
    """A node, or the output that it names by its position or its alias."""
    from sqlglot import exp  # noqa: PLC0415 - costs start-up time

    if isinstance(node, exp.Literal) and not node.is_string and node.name.isdigit():
        position = int(node.name)
        is_output = 0 < position <= len(select.selects)
        return select.selects[position - 1].unalias() if is_output else node
    if isinstance(node, exp.Alias | exp.Paren):
        return _resolved(node.this, select, {})
    if isinstance(node, exp.Column) and not node.table:
        return aliases.get(node.name, node).unnest()
    return node


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
