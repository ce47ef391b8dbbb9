"""Runs a user's SELECT over a project's tables."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

from chartly.api.place import Place
from chartly.errors import Reason, RunError
from chartly.query.adhoc_query import check_select


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
            raise Place(object="query").refusal(
                f"two columns are named {twice!r}; give one another name"
            )
        return [dict(zip(self.names, row, strict=True)) for row in self.rows]


class QueryableProject(Protocol):
    """A project's store that runs queries."""

    def tables(self) -> Collection[str]:
        """The names of its tables and views."""
        ...

    def select(self, sql: str) -> QueryResult:
        """The rows of a SELECT, which may write nothing and read only the project's database.

        Raises:
            RunError: ``StoreUnavailable``: the engine refuses it, or does not answer.
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
    except RunError as error:
        if error.reason is not Reason.STORE_UNAVAILABLE:
            raise
        raise Place(object="query").refusal(error.message) from None
