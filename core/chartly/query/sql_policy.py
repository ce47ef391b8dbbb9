"""What a query may read and call: one check for roll-ups and for ad-hoc queries.

The two differ in their tables, functions and words alone.
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from chartly.api.place import Place
from chartly.api.suggestion import suggestion_for
from chartly.errors import SpecError
from chartly.names import sql_name
from chartly.query.functions import CALLED_WITHOUT_BRACKETS, FunctionSet, hint
from chartly.query.lexer import Token, refusal_at, tokens
from chartly.query.relations import Relation
from chartly.query.sql_reader import QueryReading, calls_in, check_start, read, refusal_of_node

_DASHED = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(-[A-Za-z0-9_]+)+")
CLAUSES = dict.fromkeys(("settings", "format", "into", "outfile", "apply"), "")
"""Clauses that change how a query runs or where it writes, and one that calls by name."""


@dataclass(frozen=True)
class SqlPolicy:
    """What a query may contain.

    Attributes:
        functions: that it may call.
        words: that it may not contain but in quotes, with what to use instead, if there is that.
        callable_words: those of ``words`` that are allowed as the name of a function.
        is_repeatable: whether it must give the same answer every time.
    """

    functions: FunctionSet
    words: Mapping[str, str]
    callable_words: frozenset[str] = frozenset()
    is_repeatable: bool = False


@dataclass(frozen=True)
class ReadableTables:
    """The tables that a query may read.

    Attributes:
        contains: whether the name of a relation is one of theirs.
        names: those that a message lists.
    """

    contains: Callable[[str], bool]
    names: Collection[str]


def read_allowed(
    text: str, policy: SqlPolicy, tables: ReadableTables, where: Place
) -> QueryReading:
    """Reads a query that contains, reads and calls nothing but what it may.

    Words are checked first: a clause that is refused may be one that the parser cannot read.

    Raises:
        SpecError: as ``read``, or names the first word, relation or call that is not allowed.
    """
    scanned = tokens(text, where)
    check_start(scanned, text, where)
    _check_words(scanned, text, policy, where)
    try:
        reading = read(text, where)
    except SpecError:
        _check_dashes(scanned, text, tables, where)
        raise
    for relation in reading.relations:
        if not relation.is_cte and not tables.contains(relation.name):
            why = _relation_refusal(relation, tables)
            raise refusal_of_node(where, text, relation.node, why)
    _check_calls(reading, policy, where)
    return reading


def _check_words(scanned: Sequence[Token], text: str, policy: SqlPolicy, where: Place) -> None:
    calls = {token.start for token in calls_in(scanned)}
    for token in scanned:
        word = token.name.lower()
        is_callable = token.start in calls and word in policy.callable_words
        if token.kind == "word" and word in policy.words and not is_callable:
            instead = policy.words[word] or "a column of that name needs quotes"
            raise refusal_at(where, text, token.start, f"{token.text} is not allowed; {instead}")


def _check_dashes(
    scanned: Sequence[Token], text: str, tables: ReadableTables, where: Place
) -> None:
    """Whether no table is named as its dataset is, with dashes."""
    for before, name in pairwise(scanned):
        dashed = _DASHED.match(text, name.start)
        if dashed is None:
            continue
        table = sql_name(dashed.group())
        if before.text.lower() in ("from", "join") or table in tables.names:
            suggestion = suggestion_for(table, sorted(tables.names))
            why = f"the name of a table has '_' where that of its dataset has '-'; {suggestion}"
            raise refusal_at(where, text, name.start, why)


def _check_calls(reading: QueryReading, policy: SqlPolicy, where: Place) -> None:
    calls = {token.start for token in reading.calls}
    for before, token in zip((None, *reading.tokens), reading.tokens, strict=False):
        if token.start in calls:
            refusal = _call_refusal(token.name, policy)
        else:
            refusal = _bare_call_refusal(token, before) if policy.is_repeatable else ""
        if refusal:
            raise refusal_at(where, reading.text, token.start, refusal)


def _relation_refusal(relation: Relation, tables: ReadableTables) -> str:
    suggestion = suggestion_for(relation.label, tables.names)
    if relation.is_operand:
        return f"IN takes values, a subquery or a table, not {relation.label}; {suggestion}"
    return f"table {relation.label} is not there or may not be read; {suggestion}"


def _call_refusal(name: str, policy: SqlPolicy) -> str:
    if policy.functions.allows(name):
        return ""
    if policy.is_repeatable and hint(name) is not None:
        return _not_repeatable(f"{name}()", hint(name))
    nearest = policy.functions.nearest(name)
    suggestion = f"; did you mean {nearest!r}?" if nearest else ""
    return f"function {name}() is not allowed{suggestion}"


def _bare_call_refusal(token: Token, before: Token | None) -> str:
    """The refusal of a name that an engine calls where it finds no column of that name."""
    is_name = before is not None and before.text.lower() in (".", "as")
    if token.name.lower() not in CALLED_WITHOUT_BRACKETS or is_name:
        return ""
    return _not_repeatable(token.name, hint(token.name))


def _not_repeatable(call: str, instead: str | None) -> str:
    return f"{call} is not repeatable" + (f"; {instead}" if instead else "")
