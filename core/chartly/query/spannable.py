"""Which queries give, over many windows at once, the same rows as over each by itself.

All of it errs towards no: what is not known to be the same runs window by window.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from chartly.query.lexer import Token
from chartly.query.placeholders import placeholder_of

if TYPE_CHECKING:
    from sqlglot import exp

START = "_window_start"
"""The column that says which window a row is of, in milliseconds since 1970."""

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
# These make rows, or names of their own.
_REFUSED = frozenset(("/", "->", "arrayjoin"))
_LONGEST_INTEGER = 18


def is_spannable(tree: "exp.Select", found: list[Token], time: str) -> bool:
    """Whether a checked query may be asked for many windows at once.

    Args:
        tree: of the text with marks for placeholders, as ``found`` is.
        time: the dataset's time column.
    """
    return (
        _is_exact(found)
        and _is_one_select(tree, found)
        and _names_are_clear(tree, time)
        and all(_varies(key, tree) for key in tree.args["group"].expressions)
        and _only_bounds_its_window(tree, found, time)
    )


def conditions(node: "exp.Expr") -> Iterator["exp.Expr"]:
    """The conditions of which all must hold."""
    from sqlglot import exp  # noqa: PLC0415 - costs start-up time

    waiting = [node]
    while waiting:
        one = waiting.pop()
        if isinstance(one, exp.And):
            waiting += [one.right, one.left]
        elif isinstance(one, exp.Paren):
            waiting.append(one.this)
        else:
            yield one


def clauses_of(tree: "exp.Select") -> set[str]:
    """What a SELECT consists of; newer parsers write ``from_``."""
    return {name.rstrip("_") for name, value in tree.args.items() if value}


def _is_exact(found: list[Token]) -> bool:
    for token in found:
        text = token.text.strip('`"').lower()
        if token.kind == "number" and (not text.isdigit() or len(text) > _LONGEST_INTEGER):
            return False
        if text in _REFUSED or text in _FLOAT_WORDS:
            return False
    return True


def _is_one_select(tree: "exp.Select", found: list[Token]) -> bool:
    from sqlglot import exp  # noqa: PLC0415 - costs start-up time

    if not {"from", "where", "group"} <= clauses_of(tree) <= _CLAUSES:
        return False
    keys = tree.args["group"]
    if any(value for name, value in keys.args.items() if name != "expressions"):
        return False
    return (
        len(list(tree.find_all(exp.Select))) == 1
        and tree.find(exp.Subquery, exp.WithFill, exp.CastToStrType) is None
        and _marks(found).count("dataset") == 1
        and not any(one.alias for one in tree.find_all(exp.Table))
    )


def _names_are_clear(tree: "exp.Select", time: str) -> bool:
    """Whether the time column means the dataset's, and our column's name is free.

    An alias is seen in the whole query, by whatever is named like it.
    """
    from sqlglot import exp  # noqa: PLC0415 - costs start-up time

    aliases = list(tree.find_all(exp.Alias, exp.Aliases))
    return all(
        one.parent is tree and isinstance(one, exp.Alias) and one.alias != time for one in aliases
    ) and all(one.name != START for one in tree.find_all(exp.Identifier))


def _varies(key: "exp.Expr", tree: "exp.Select") -> bool:
    """Whether a key is a value of rows: grouped by constants, no rows might still be one group."""
    from sqlglot import exp  # noqa: PLC0415 - costs start-up time

    named = {one.alias: one for one in tree.selects if isinstance(one, exp.Alias)}
    found: exp.Expr = key
    if isinstance(key, exp.Literal) and not key.is_string:
        position = int(key.name)
        if not 1 <= position <= len(tree.selects):
            return False
        found = tree.selects[position - 1]
    elif isinstance(key, exp.Column):
        found = named.get(key.name, key)
    # Within what an alias stands for, its own name is the column's.
    others = named.keys() - {found.alias}
    return any(one.name not in others for one in found.find_all(exp.Column))


def _only_bounds_its_window(tree: "exp.Select", found: list[Token], time: str) -> bool:
    """Whether the window's edges are conditions on the time, and appear nowhere else."""
    edges = sum(_is_edge(one, time) for one in conditions(tree.args["where"].this))
    marks = _marks(found)
    return edges == marks.count("window_start") + marks.count("window_end")


def _is_edge(condition: "exp.Expr", time: str) -> bool:
    sides = (condition.args.get(side) for side in ("this", "expression"))
    return (condition.key, *(_meaning(one, time) for one in sides)) in _EDGES


def _meaning(side: object, time: str) -> str:
    from sqlglot import exp  # noqa: PLC0415 - costs start-up time

    if not isinstance(side, exp.Column) or side.table:
        return ""
    return _TIME if side.name == time else placeholder_of(side.name)


def _marks(found: list[Token]) -> list[str]:
    return [placeholder_of(token.text) for token in found if token.kind == "word"]
