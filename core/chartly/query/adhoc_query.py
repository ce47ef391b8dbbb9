"""What ``chartly query`` may send to an engine: one SELECT over the project's own tables.

The embedded engine runs SQL with the powers of its process, so what is not known to be harmless is
refused: other databases, every function that makes rows or reads a file, the network or a setting.
"""

from collections.abc import Collection

from chartly.api.place import Place
from chartly.api.suggestion import did_you_mean, suggestion_for
from chartly.query.functions import AGGREGATES, SCALARS, is_allowed, is_type
from chartly.query.harmless import HARMLESS, is_harmless
from chartly.query.lexer import Token, place, uncommented
from chartly.query.relations import Relation
from chartly.query.sql_reader import QueryReading, read

_WHERE = Place(object="query")
_REFUSED_WORDS = frozenset(("settings", "format", "into", "outfile", "apply"))
"""Clauses that change how a query runs or where it writes, and one that calls by name."""


def check_select(sql: str, tables: Collection[str]) -> str:
    """The one SELECT of a text, without comments and the semicolon at its end.

    Args:
        tables: the names of those that may be read, in the current database.

    Raises:
        SpecError: it is anything else.
    """
    text = uncommented(sql, _WHERE).strip().removesuffix(";").rstrip()
    reading = read(text, _WHERE)
    _check_words(reading)
    for relation in reading.relations:
        _check_relation(relation, tables)
    for call in reading.calls:
        _check_call(call, text)
    return text


def _check_words(reading: QueryReading) -> None:
    calls = {token.start for token in reading.calls}
    for token in reading.tokens:
        refused = token.kind == "word" and token.text.lower() in _REFUSED_WORDS
        if refused and token.start not in calls:
            at = place(reading.text, token.start)
            raise _WHERE.refusal(
                f"{at}: {token.text} is not allowed; a column of that name needs quotes"
            )


def _check_relation(relation: Relation, tables: Collection[str]) -> None:
    if relation.is_cte or relation.name in tables:
        return
    if relation.is_operand:
        raise _WHERE.refusal(
            f"IN takes values, a subquery or one of the project's tables, not {relation.shown}"
        )
    if not relation.name:
        raise _WHERE.refusal(f"table {relation.shown} is not one of the project's")
    raise _WHERE.refusal(
        f"table {relation.name!r} is not there; {suggestion_for(relation.name, tables)}"
    )


def _check_call(call: Token, text: str) -> None:
    if is_allowed(call.name) or is_type(call.name) or is_harmless(call.name):
        return
    near = did_you_mean(call.name.lower(), sorted(AGGREGATES | SCALARS | HARMLESS))
    raise _WHERE.refusal(
        f"{place(text, call.start)}: function {call.name}() is not allowed"
        + (f"; did you mean {near!r}?" if near else "")
    )
