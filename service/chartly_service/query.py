"""Runs a user's SELECT over a project's tables."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

from chartly.api.place import Place
from chartly.api.suggestion import suggestion_for
from chartly.errors import Reason, RunError
from chartly.query.adhoc_query import check_select, tables_read

_WHERE = Place(object="query")


@dataclass(frozen=True)
class QueryResult:
    """The rows of a query, in the order of its columns, each value as the engine prints it."""

    names: list[str]
    rows: list[list[object]]

    def document(self) -> list[dict[str, object]]:
        """One object for each row.

        Raises:
            SpecError: two columns have one name, and an object could hold one of them.
        """
        twice = next((name for name in self.names if self.names.count(name) > 1), None)
        if twice is not None:
            raise _WHERE.refusal(f"two columns are named {twice!r}; give one another name")
        return [dict(zip(self.names, row, strict=True)) for row in self.rows]


class QueryRefusedError(RunError):
    """The engine refuses a query.

    Attributes:
        sentence: what is wrong, in the words of the engine.
        unknown: the name that it does not resolve; empty where that is not what is wrong.
    """

    def __init__(self, sentence: str, unknown: str = "") -> None:
        super().__init__(Reason.STORE_UNAVAILABLE, sentence)
        self.sentence = sentence
        self.unknown = unknown


class QueryableProject(Protocol):
    """A project's store that runs queries."""

    def tables(self) -> Collection[str]:
        """The names of its tables and views."""
        ...

    def columns(self, table: str) -> Collection[str]:
        """The names of the columns of a table or view."""
        ...

    def select(self, sql: str) -> QueryResult:
        """The rows of a SELECT, which may write nothing and read only the project's database.

        Raises:
            QueryRefusedError: the engine refuses it.
            RunError: ``StoreUnavailable``: the engine does not answer.
        """
        ...


def query(project: QueryableProject, sql: str, limit: int) -> QueryResult:
    """The first rows of a SELECT.

    Raises:
        SpecError: it is not one SELECT over the project's tables, or the engine refuses it.
    """
    text = check_select(sql, project.tables())
    try:
        return project.select(f"SELECT * FROM ({text}\n) LIMIT {limit}")  # noqa: S608 - checked above
    except QueryRefusedError as refused:
        raise _WHERE.refusal(_refusal(refused, project, text)) from None
    except RunError as error:
        if error.reason is not Reason.STORE_UNAVAILABLE:
            raise
        raise _WHERE.refusal(error.message) from None


def _refusal(refused: QueryRefusedError, project: QueryableProject, text: str) -> str:
    """The engine's refusal; of a name, with the columns of the tables that the query reads."""
    if not refused.unknown:
        return f"the query cannot run: {refused.sentence}"
    columns = {name for table in tables_read(text) for name in project.columns(table)}
    why = f"nothing that the query reads has a column {refused.unknown!r}"
    name = refused.unknown.rpartition(".")[2]
    return f"{why}; {suggestion_for(name, sorted(columns))}" if columns else why
