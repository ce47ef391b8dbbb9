"""What the store needs of an engine; adapters are the embedded one and a server's."""

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
            database: of the tables that the query names without one.
        """
        ...

    def insert(self, database: str, table: str, rows: pa.Table) -> None:
        """Inserts rows as one block; columns are matched by name."""
        ...

    def release_unused(self) -> None:
        """Gives memory back that an engine in this process keeps for more of what it did."""
        ...

    def close(self) -> None:
        """Lets go of the store."""
        ...
