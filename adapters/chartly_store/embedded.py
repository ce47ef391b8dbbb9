"""The embedded engine: chDB in a folder, one owner process, one trust domain."""

import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import clickhouse_connect
import pyarrow as pa
from clickhouse_connect.driver.exceptions import ClickHouseError

from chartly.errors import Reason, RunError
from chartly.load.sql import quoted
from chartly_spool.file_lock import FileLock, holder
from chartly_store.driver import SETTINGS, aware, insist_on_written, refused
from chartly_store.engine_port import Parameters, Settings

_LOCK = "owner.lock"


class EmbeddedEngine:
    """chDB behind clickhouse-connect; never fork after it is open."""

    def __init__(self, path: Path, lock: FileLock) -> None:
        self._lock = lock
        scratch = path / "tmp"
        # Killed owners leave their last batch there; this process is the only one now.
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(exist_ok=True)
        # The driver hands inserts over in files; they must lie where there is room for a batch.
        self._before = tempfile.tempdir
        tempfile.tempdir = str(scratch)
        self._client = _client(path)
        self._reader: Any | None = None
        self._path = path

    def command(self, sql: str, parameters: Parameters | None = None) -> None:
        """Runs a statement that returns nothing."""
        try:
            self._client.command(sql, parameters=dict(parameters or {}))
        except ClickHouseError as error:
            raise refused(str(error)) from None

    def rows(
        self, sql: str, parameters: Parameters | None = None, settings: Settings | None = None
    ) -> list[tuple[object, ...]]:
        """The rows of a query; instants come with their zone."""
        client = self._limited() if settings else self._client
        try:
            result = client.query(
                sql, parameters=dict(parameters or {}), settings=dict(settings or {})
            )
        except ClickHouseError as error:
            raise refused(str(error)) from None
        return aware(result.result_rows)

    def arrow(
        self, sql: str, parameters: Parameters | None = None, settings: Settings | None = None
    ) -> pa.Table:
        """The result of a query as an Arrow table."""
        client = self._limited() if settings else self._client
        try:
            return client.query_arrow(
                sql, parameters=dict(parameters or {}), settings=dict(settings or {})
            )
        except ClickHouseError as error:
            raise refused(str(error)) from None

    def formatted(self, sql: str, form: str, settings: Settings, database: str) -> bytes:
        """The result of a query in one of the engine's own formats."""
        try:
            # With the same settings, so that it holds for the handle that reads.
            self._limited().query(f"USE {quoted(database)}", settings=dict(settings))
            return bytes(self._limited().raw_query(sql, fmt=form, settings=dict(settings)))
        except ClickHouseError as error:
            raise refused(str(error)) from None

    def insert(self, database: str, table: str, rows: pa.Table) -> None:
        """Inserts rows as one block; columns are matched by name."""
        try:
            summary = self._client.insert_arrow(table, rows, database=database)
        except ClickHouseError as error:
            raise refused(str(error)) from None
        except OSError as error:
            # The driver hands the rows over in a file, for which there is no room.
            said = f"store {self._path}: {error.strerror}"
            raise RunError(Reason.STORE_UNAVAILABLE, said) from None
        insist_on_written(table, rows.num_rows, summary.written_rows)

    def release_unused(self) -> None:
        """Gives memory back that the engine keeps for statements like those before."""
        # Where it is built with another allocator, it has no such statement.
        with suppress(ClickHouseError):
            self._client.command("SYSTEM JEMALLOC PURGE")

    def _limited(self) -> Any:  # noqa: ANN401 - the driver's client is not typed for mypy
        """A second handle: a read-only setting stays with the handle that once had it."""
        if self._reader is None:
            self._reader = _client(self._path)
        return self._reader

    def close(self) -> None:
        """Lets go of the store."""
        if self._reader is not None:
            self._reader.close()
        self._client.close()
        tempfile.tempdir = self._before
        self._lock.release()


def _client(path: Path) -> Any:  # noqa: ANN401 - the driver's client is not typed for mypy
    return clickhouse_connect.get_client(
        interface="chdb", path=str(path / "data"), settings=SETTINGS
    )


def open_embedded(path: Path) -> EmbeddedEngine:
    """The engine in a folder, which is made if it is not there.

    Raises:
        RunError: ``StoreUnavailable``: another process owns it, or it cannot be opened.
    """
    path.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path / _LOCK)
    if not lock.acquire():
        raise RunError(
            Reason.STORE_UNAVAILABLE,
            f"store {path} is in use by process {holder(path / _LOCK)}; it has one owner at a time",
        )
    try:
        return EmbeddedEngine(path, lock)
    except BaseException as error:
        # A signal may end the run just here, and its process may go on.
        lock.release()
        if isinstance(error, (ClickHouseError, RuntimeError, OSError)):
            raise refused(str(error)) from None
        raise
