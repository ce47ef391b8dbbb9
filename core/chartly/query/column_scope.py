"""The columns that a query reads of its dataset: those that it has, each where it has a value."""

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from chartly.api.place import Place
from chartly.api.suggestion import suggestion_for
from chartly.query.functions import is_aggregate
from chartly.query.placeholders import placeholder_of
from chartly.query.sql_reader import QueryReading

if TYPE_CHECKING:
    from sqlglot import exp


def check_columns(reading: QueryReading, columns: Collection[str], where: Place) -> None:
    """Whether every name is a column of the dataset or a name that the query gives.

    What both may be is left to an engine.

    Raises:
        SpecError: the dataset has no such column, or the column stands outside GROUP BY.
    """
    from sqlglot import exp  # noqa: PLC0415 - costs start-up time

    own = set(_own_names(reading.tree))
    for column in reading.tree.find_all(exp.Column):
        name = column.name
        if name not in own and name not in columns and not placeholder_of(name):
            raise where.refusal(
                f"the dataset has no column {name!r}; {suggestion_for(name, sorted(columns))}"
            )
    for select in reading.tree.find_all(exp.Select):
        for name in _outside_group(select):
            if name in columns and name not in own:
                raise where.refusal(
                    f"column {name!r} is neither in GROUP BY nor in an aggregate function"
                )


def _own_names(tree: "exp.Query") -> Iterator[str]:
    """Aliases of columns, tables and queries, and the arguments of lambdas."""
    from sqlglot import exp  # noqa: PLC0415 - costs start-up time

    for node in tree.find_all(exp.Alias, exp.TableAlias, exp.CTE, exp.Lambda):
        if isinstance(node, exp.Lambda):
            yield from (one.name for one in node.expressions)
        elif isinstance(node, exp.TableAlias):
            yield from (node.name, *(one.name for one in node.columns))
        else:
            yield node.alias


def _outside_group(select: "exp.Select") -> Iterator[str]:
    """The columns of outputs that have many values in a group."""
    group = select.args.get("group")
    extra = {} if group is None else group.args
    if any(value for name, value in extra.items() if name != "expressions"):
        return
    keys = [] if group is None else list(group.expressions)
    if not keys and not any(aggregates(one) for each in select.selects for one in each.walk()):
        return
    meant = [_output(key, select) for key in keys]
    for output in select.selects:
        yield from _ungrouped(output, meant)


def _output(key: "exp.Expr", select: "exp.Select") -> "exp.Expr":
    """A key, or the output that it names by its place or its alias."""
    if key.is_int and 0 < int(key.name) <= len(select.selects):
        return select.selects[int(key.name) - 1].unalias()
    named = {one.alias: one.unalias() for one in select.selects if one.key == "alias"}
    return named.get(key.name, key) if key.key == "column" else key


def _ungrouped(node: "exp.Expr", keys: "list[exp.Expr]") -> Iterator[str]:
    from sqlglot import exp  # noqa: PLC0415 - costs start-up time

    if node in keys or aggregates(node) or isinstance(node, exp.Query | exp.Subquery):
        return
    if isinstance(node, exp.Column):
        if not any(one.name == node.name for key in keys for one in key.find_all(exp.Column)):
            yield node.name
        return
    for child in node.iter_expressions():
        yield from _ungrouped(child, keys)


def aggregates(node: "exp.Expr") -> bool:
    """Whether a node is a call that makes one value of many rows."""
    from sqlglot import exp  # noqa: PLC0415 - costs start-up time

    return isinstance(node, exp.AggFunc) or (
        isinstance(node, exp.Anonymous) and is_aggregate(node.name)
    )
