"""What ``chartly query`` may send to an engine: one SELECT over the project's own tables.

The embedded engine runs SQL with the powers of its process, so what is not known to be harmless is
refused: other databases, every function that makes rows or reads a file, the network or a setting.
"""

from collections.abc import Collection

from chartly.api.place import Place
from chartly.query.harmless import HARMLESS
from chartly.query.lexer import uncommented
from chartly.query.sql_policy import CLAUSES, ReadableTables, SqlPolicy, read_allowed
from chartly.query.sql_reader import read

_WHERE = Place(object="query")
_POLICY = SqlPolicy(HARMLESS, CLAUSES, callable_words=frozenset(("format",)))


def check_select(sql: str, tables: Collection[str]) -> str:
    """The one SELECT of a text, without comments and the semicolon at its end.

    Args:
        tables: the names of those that may be read, in the current database.

    Raises:
        SpecError: it is anything else.
    """
    text = uncommented(sql, _WHERE).strip().removesuffix(";").rstrip()
    readable = ReadableTables(tables.__contains__, sorted(tables))
    read_allowed(text, _POLICY, readable, _WHERE)
    return text


def tables_read(text: str) -> set[str]:
    """The tables that a text which ``check_select`` returned reads."""
    return {relation.name for relation in read(text, _WHERE).relations if not relation.is_cte}
