"""Which columns a query may name, and where: those of its dataset, grouped or aggregated."""

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from chartly.api.place import Place
from chartly.api.suggestion import suggestion_for
from chartly.query.grouping import aggregates_rows, has_plain_keys, is_aggregate
from chartly.query.placeholders import placeholder_of
from chartly.query.sql_reader import QueryReading

if TYPE_CHECKING:
    from sqlglot import exp


def check_columns(reading: QueryReading, columns: Collection[str], where: Place) -> None:
    """Whether every name is a column of the dataset or an alias of the query.

    A name that is both is left to the engine.

    Raises:
        SpecError: the dataset has no such column, or the column is not in GROUP BY.
    """
    from sqlglot import exp  # noqa: PLC0415 - costs start-up time

    own = set(_own_names(reading.tree))
    for column in reading.tree.find_all(exp.Column):
        name = column.name
        if name not in own and name not in columns and not placeholder_of(name):
            why = f"the dataset has no column {name!r}; {suggestion_for(name, sorted(columns))}"
            raise reading.refusal(where, column, why)
    for select in reading.tree.find_all(exp.Select):
        for column in _outside_group(select):
            name = column.name
            if name in columns and name not in own:
                why = f"column {name!r} is neither in GROUP BY nor in an aggregate function"
                raise reading.refusal(where, column, why)


def _own_names(tree: "exp.Query") -> Iterator[str]:
    """Aliases of columns, tables and queries, and the arguments of lambdas."""
    from sqlglot import exp  # noqa: PLC0415 - costs start-up time

    for node in tree.find_all(exp.Alias, exp.TableAlias, exp.CTE, exp.Lambda):
        if isinstance(node, exp.Lambda):
            yield from (argument.name for argument in node.expressions)
        elif isinstance(node, exp.TableAlias):
            yield from (node.name, *(column.name for column in node.columns))
        else:
            yield node.alias


def _outside_group(select: "exp.Select") -> Iterator["exp.Column"]:
    """The columns of outputs that have many values in a group."""
    group = select.args.get("group")
    if group is not None and not has_plain_keys(group):
        return
    keys = [] if group is None else [_output(key, select) for key in group.expressions]
    if not keys and not aggregates_rows(select):
        return
    for output in select.selects:
        yield from _ungrouped(output, keys)


def _output(key: "exp.Expr", select: "exp.Select") -> "exp.Expr":
    """A key, or the output that it names by its position or its alias."""
    if key.is_int and 0 < int(key.name) <= len(select.selects):
        return select.selects[int(key.name) - 1].unalias()
    aliases = {output.alias: output.unalias() for output in select.selects if output.key == "alias"}
    return aliases.get(key.name, key) if key.key == "column" else key


def _ungrouped(node: "exp.Expr", keys: "list[exp.Expr]") -> Iterator["exp.Column"]:
    from sqlglot import exp  # noqa: PLC0415 - costs start-up time

    if node in keys or is_aggregate(node) or isinstance(node, exp.Query | exp.Subquery):
        return
    if isinstance(node, exp.Column):
        grouped = {column.name for key in keys for column in key.find_all(exp.Column)}
        if node.name not in grouped:
            yield node
        return
    for child in node.iter_expressions():
        yield from _ungrouped(child, keys)
