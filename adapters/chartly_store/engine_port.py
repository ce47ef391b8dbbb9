"""The port of an engine, which the embedded engine and the one of a server implement."""

from collections.abc import Mapping
from typing import Protocol

import pyarrow as pa

Parameters = Mapping[str, object]
Settings = Mapping[str, str | int]


class Engine(Protocol):
    """A ClickHouse engine.

    Raises:
        RunError: ``StoreUnavailable`` from every method when the engine refuses or is gone.
    """

    def command(self, sql: str, parameters: Parameters | None = None) -> None:
        """Runs a statement that returns nothing."""
        ...

    def rows(
        self, sql: str, parameters: Parameters | None = None, settings: Settings | None = None
    ) -> list[tuple[object, ...]]:
        """The rows of a query; instants come with their zone."""
        ...

    def arrow(
        self, sql: str, parameters: Parameters | None = None, settings: Settings | None = None
    ) -> pa.Table:
        """The result of a query as an Arrow table."""
        ...

    def formatted(self, sql: str, form: str, settings: Settings, database: str) -> bytes:
        """The result of a query in one of the engine's own formats.

        Args:
            database: the default database of the query.
        """
        ...

    def insert(self, database: str, table: str, rows: pa.Table) -> None:
        """Inserts rows as one block; columns are matched by name."""
        ...

    def release_unused(self) -> None:
        """Releases memory that an engine in this process keeps for similar statements."""
        ...

    def close(self) -> None:
        """Closes the store."""
        ...
