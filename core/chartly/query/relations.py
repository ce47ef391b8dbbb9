"""What a query reads: every place where an engine may take a name for a table's."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chartly.query.vocabulary import IN_FUNCTIONS

if TYPE_CHECKING:
    from sqlglot import exp


@dataclass(frozen=True)
class Relation:
    """Something that a query reads.

    Attributes:
        name: of a table of the current database or a CTE, as it is written; empty for anything
            else: a table of a named database, a function that makes rows, an alias.
        shown: how it is called in a message.
        is_cte: whether it is a CTE that can be seen from where it is read.
        is_operand: whether it stands where IN takes values, too.
    """

    name: str
    shown: str
    is_cte: bool
    is_operand: bool


def relations_of(tree: "exp.Query") -> tuple[Relation, ...]:
    """Everything that a query reads, wherever it stands: FROM, JOIN, IN and the functions of IN.

    A CTE is seen by those behind it and by the query it stands before, with all that is within;
    names are told apart by case. No engine sees less.
    """
    aliases = frozenset(_aliases(tree))
    found: list[Relation] = []
    waiting: list[tuple[exp.Expr, frozenset[str]]] = [(tree, frozenset())]
    while waiting:
        node, visible = waiting.pop()
        children, visible = _with_visible(node, visible)
        found += _read_by(node, visible, aliases)
        waiting += children
        waiting += [(child, visible) for child in _children(node)]
    return tuple(found)


def _aliases(tree: "exp.Query") -> Iterator[str]:
    from sqlglot import exp  # noqa: PLC0415 - costs start-up time

    for one in tree.find_all(exp.Alias, exp.Aliases, exp.CTE):
        if not isinstance(one, exp.CTE) or one.args.get("scalar"):
            yield one.alias


def _children(node: "exp.Expr") -> Iterator["exp.Expr"]:
    return (child for child in node.iter_expressions() if child.key != "with")


def _with_visible(
    node: "exp.Expr", visible: frozenset[str]
) -> tuple[list[tuple["exp.Expr", frozenset[str]]], frozenset[str]]:
    """The CTEs that stand before a query, each with what it sees, and what the query sees."""
    found = []
    clause = node.args.get("with_")
    if clause is None:
        return [], visible
    for one in clause.expressions:
        named = set() if one.args.get("scalar") else {one.alias}
        found.append((one.this, visible | named if clause.args.get("recursive") else visible))
        visible |= named
    return found, visible


def _read_by(
    node: "exp.Expr", visible: frozenset[str], aliases: frozenset[str]
) -> Iterator[Relation]:
    from sqlglot import exp  # noqa: PLC0415 - costs start-up time

    if isinstance(node, exp.Table):
        # A table function whose argument is taken for the name of a column is one all the same.
        is_call = bool(node.alias_column_names)
        plain = isinstance(node.this, exp.Identifier) and not node.args.get("db") and not is_call
        yield _relation(node, node.name if plain else "", visible, is_operand=False)
    elif _makes_rows(node):
        yield _relation(node, "", visible, is_operand=False)
    for operand in _operands(node):
        for column in operand.find_all(exp.Column):
            # An alias may stand for the name of another table.
            plain = isinstance(column.this, exp.Identifier) and not column.table
            known = plain and column.name not in aliases
            yield _relation(column, column.name if known else "", visible, is_operand=True)


def _makes_rows(node: "exp.Expr") -> bool:
    """Whether it stands in FROM or JOIN without being a table or a query."""
    from sqlglot import exp  # noqa: PLC0415 - costs start-up time

    place = node.parent
    if node.arg_key != "this" or isinstance(node, exp.Subquery):
        return False
    is_joined = isinstance(place, exp.Join) and place.kind != "ARRAY"
    return isinstance(place, exp.From) or is_joined


def _operands(node: "exp.Expr") -> list["exp.Expr"]:
    from sqlglot import exp  # noqa: PLC0415 - costs start-up time

    if isinstance(node, exp.In):
        return [one for one in (node.args.get("field"), *node.expressions) if one is not None]
    if isinstance(node, exp.Anonymous) and node.name.lower() in IN_FUNCTIONS:
        return list(node.expressions[1:])
    return []


def _relation(
    node: "exp.Expr", name: str, visible: frozenset[str], *, is_operand: bool
) -> Relation:
    from sqlglot import exp  # noqa: PLC0415 - costs start-up time

    parts = (node.args.get(part) for part in ("catalog", "db", "table", "this"))
    shown = ".".join(one.sql("clickhouse") for one in parts if isinstance(one, exp.Expr))
    if not shown or (isinstance(node, exp.Table) and node.alias_column_names):
        shown = f"{shown or node.key}()"
    return Relation(name, shown[:80], is_cte=name in visible, is_operand=is_operand)
