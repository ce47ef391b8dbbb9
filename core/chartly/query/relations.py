"""What a query reads: every place where an engine may resolve a name to a table."""

from collections.abc import Iterator
from dataclasses import dataclass, field
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
        label: its name in a message.
        is_cte: whether it is a CTE that can be seen from where it is read.
        is_operand: whether it is an operand of IN, which takes values, too.
        node: where it is read.
    """

    name: str
    label: str
    is_cte: bool
    is_operand: bool
    node: "exp.Expr" = field(compare=False, repr=False)


def relations_of(tree: "exp.Query") -> tuple[Relation, ...]:
    """Everything that a query reads: in FROM, JOIN, IN and the functions of IN.

    A CTE is visible in the CTEs after it and in its query, with all that is nested there; names are
    case-sensitive. No engine sees less.
    """
    aliases = frozenset(_aliases(tree))
    relations: list[Relation] = []
    waiting: list[tuple[exp.Expr, frozenset[str]]] = [(tree, frozenset())]
    while waiting:
        node, visible = waiting.pop()
        children, visible = _with_visible(node, visible)
        relations += _read_by(node, visible, aliases)
        waiting += children
        waiting += [(child, visible) for child in _children(node)]
    return tuple(relations)


def _aliases(tree: "exp.Query") -> Iterator[str]:
    from sqlglot import exp  # noqa: PLC0415 - costs start-up time

    for alias in tree.find_all(exp.Alias, exp.Aliases, exp.CTE):
        if not isinstance(alias, exp.CTE) or alias.args.get("scalar"):
            yield alias.alias


def _children(node: "exp.Expr") -> Iterator["exp.Expr"]:
    return (child for child in node.iter_expressions() if child.key != "with")


def _with_visible(
    node: "exp.Expr", visible: frozenset[str]
) -> tuple[list[tuple["exp.Expr", frozenset[str]]], frozenset[str]]:
    """The CTEs of a query, each with those visible in it, and those visible in the query."""
    definitions = []
    clause = node.args.get("with_")
    if clause is None:
        return [], visible
    for cte in clause.expressions:
        names = set() if cte.args.get("scalar") else {cte.alias}
        definitions.append((cte.this, visible | names if clause.args.get("recursive") else visible))
        visible |= names
    return definitions, visible


def _read_by(
    node: "exp.Expr", visible: frozenset[str], aliases: frozenset[str]
) -> Iterator[Relation]:
    from sqlglot import exp  # noqa: PLC0415 - costs start-up time

    if isinstance(node, exp.Table):
        # A table function whose argument is parsed as the name of a column is one all the same.
        is_call = bool(node.alias_column_names)
        is_name = isinstance(node.this, exp.Identifier) and not node.args.get("db") and not is_call
        yield _relation(node, node.name if is_name else "", visible, is_operand=False)
    elif _makes_rows(node):
        yield _relation(node, "", visible, is_operand=False)
    for operand in _operands(node):
        for column in operand.find_all(exp.Column):
            # An alias may replace the name of another table.
            is_name = isinstance(column.this, exp.Identifier) and not column.table
            known = is_name and column.name not in aliases
            yield _relation(column, column.name if known else "", visible, is_operand=True)


def _makes_rows(node: "exp.Expr") -> bool:
    """Whether a node is in FROM or JOIN and neither a table nor a query."""
    from sqlglot import exp  # noqa: PLC0415 - costs start-up time

    parent = node.parent
    if node.arg_key != "this" or isinstance(node, exp.Subquery):
        return False
    is_joined = isinstance(parent, exp.Join) and parent.kind != "ARRAY"
    return isinstance(parent, exp.From) or is_joined


def _operands(node: "exp.Expr") -> list["exp.Expr"]:
    from sqlglot import exp  # noqa: PLC0415 - costs start-up time

    if isinstance(node, exp.In):
        return [part for part in (node.args.get("field"), *node.expressions) if part is not None]
    if isinstance(node, exp.Anonymous) and node.name.lower() in IN_FUNCTIONS:
        return list(node.expressions[1:])
    return []


def _relation(
    node: "exp.Expr", name: str, visible: frozenset[str], *, is_operand: bool
) -> Relation:
    from sqlglot import exp  # noqa: PLC0415 - costs start-up time

    parts = (node.args.get(level) for level in ("catalog", "db", "table", "this"))
    label = ".".join(part.sql("clickhouse") for part in parts if isinstance(part, exp.Expr))
    if not label or (isinstance(node, exp.Table) and node.alias_column_names):
        label = f"{label or node.key}()"
    return Relation(name, label[:80], is_cte=name in visible, is_operand=is_operand, node=node)
