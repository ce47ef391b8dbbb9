"""Which queries return the same rows over many windows at once as over each window alone.

A query that is not known to do so runs window by window.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from chartly.query.grouping import has_plain_keys
from chartly.query.lexer import Token
from chartly.query.placeholders import placeholder_of

if TYPE_CHECKING:
    from sqlglot import exp

START = "_window_start"
"""The column of a row's window: its start in milliseconds since 1970."""

_CLAUSES = frozenset(("expressions", "from", "where", "group", "having", "order"))
_TIME = "time column"
_EDGES = {
    ("gte", _TIME, "window_start"),
    ("lte", "window_start", _TIME),
    ("lt", _TIME, "window_end"),
    ("gt", "window_end", _TIME),
}
# A sum of floats depends on the order of its rows, and one more key changes that order. Floats come
# from division, fractions, numbers beyond 64 bits, and these.
_FLOATS = ("varpopstable", "varsampstable", "stddevpopstable", "stddevsampstable", "divide")
_FLOAT_WORDS = frozenset((*_FLOATS, "nan", "inf", "infinity"))
# These make rows, or bind names.
_REFUSED = frozenset(("/", "->", "arrayjoin"))
_LONGEST_INTEGER = 18


def is_spannable(tree: "exp.Select", scanned: list[Token], time: str) -> bool:
    """Whether a checked query may run over many windows at once.

    Args:
        tree: of the text with markers for placeholders, as ``scanned`` is.
        time: the dataset's time column.
    """
    return (
        _is_exact(scanned)
        and _is_one_select(tree, scanned)
        and _names_are_clear(tree, time)
        and all(_varies(key, tree) for key in tree.args["group"].expressions)
        and _only_bounds_its_window(tree, scanned, time)
    )


def conditions(node: "exp.Expr") -> Iterator["exp.Expr"]:
    """The conditions of which all must hold."""
    from sqlglot import exp  # noqa: PLC0415 - costs start-up time

    waiting = [node]
    while waiting:
        condition = waiting.pop()
        if isinstance(condition, exp.And):
            waiting += [condition.right, condition.left]
        elif isinstance(condition, exp.Paren):
            waiting.append(condition.this)
        else:
            yield condition


def clauses_of(tree: "exp.Select") -> set[str]:
    """The names of a SELECT's clauses; newer parsers write ``from_``."""
    return {name.rstrip("_") for name, value in tree.args.items() if value}


def _is_exact(scanned: list[Token]) -> bool:
    for token in scanned:
        text = token.text.strip('`"').lower()
        if token.kind == "number" and (not text.isdigit() or len(text) > _LONGEST_INTEGER):
            return False
        if text in _REFUSED or text in _FLOAT_WORDS:
            return False
    return True


def _is_one_select(tree: "exp.Select", scanned: list[Token]) -> bool:
    from sqlglot import exp  # noqa: PLC0415 - costs start-up time

    if not {"from", "where", "group"} <= clauses_of(tree) <= _CLAUSES:
        return False
    return (
        has_plain_keys(tree.args["group"])
        and len(list(tree.find_all(exp.Select))) == 1
        and tree.find(exp.Subquery, exp.WithFill, exp.CastToStrType) is None
        and _placeholders(scanned).count("dataset") == 1
        and not any(table.alias for table in tree.find_all(exp.Table))
    )


def _names_are_clear(tree: "exp.Select", time: str) -> bool:
    """Whether the time column is the dataset's, and no name is the window column's.

    An alias is visible in the whole query and hides a column of its name.
    """
    from sqlglot import exp  # noqa: PLC0415 - costs start-up time

    aliases = list(tree.find_all(exp.Alias, exp.Aliases))
    return all(
        alias.parent is tree and isinstance(alias, exp.Alias) and alias.alias != time
        for alias in aliases
    ) and all(identifier.name != START for identifier in tree.find_all(exp.Identifier))


def _varies(key: "exp.Expr", tree: "exp.Select") -> bool:
    """Whether a key is computed from rows: without rows, constants might still be one group."""
    from sqlglot import exp  # noqa: PLC0415 - costs start-up time

    aliases = {output.alias: output for output in tree.selects if isinstance(output, exp.Alias)}
    resolved: exp.Expr = key
    if isinstance(key, exp.Literal) and not key.is_string:
        position = int(key.name)
        if not 1 <= position <= len(tree.selects):
            return False
        resolved = tree.selects[position - 1]
    elif isinstance(key, exp.Column):
        resolved = aliases.get(key.name, key)
    # Within the expression of an alias, the name of the alias is the column's.
    others = aliases.keys() - {resolved.alias}
    return any(column.name not in others for column in resolved.find_all(exp.Column))


def _only_bounds_its_window(tree: "exp.Select", scanned: list[Token], time: str) -> bool:
    """Whether the window's edges are conditions on the time, and appear nowhere else."""
    edges = sum(_is_edge(condition, time) for condition in conditions(tree.args["where"].this))
    placeholders = _placeholders(scanned)
    return edges == placeholders.count("window_start") + placeholders.count("window_end")


def _is_edge(condition: "exp.Expr", time: str) -> bool:
    sides = (condition.args.get(name) for name in ("this", "expression"))
    return (condition.key, *(_bound(side, time) for side in sides)) in _EDGES


def _bound(side: object, time: str) -> str:
    """What a side of a comparison is: the time column, an edge of the window, or ""."""
    from sqlglot import exp  # noqa: PLC0415 - costs start-up time

    if not isinstance(side, exp.Column) or side.table:
        return ""
    return _TIME if side.name == time else placeholder_of(side.name)


def _placeholders(scanned: list[Token]) -> list[str]:
    return [placeholder_of(token.text) for token in scanned if token.kind == "word"]
