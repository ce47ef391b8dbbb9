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
from chartly_spool.file_lock import FileLock
from chartly_store.driver import SETTINGS, aware, check_written, refused
from chartly_store.engine_port import Parameters, Settings

_LOCK = "owner.lock"


class EmbeddedEngine:
    """chDB behind clickhouse-connect; never fork after it is open."""

    def __init__(self, path: Path, lock: FileLock) -> None:
        self._lock = lock
        scratch = path / "tmp"
        # A killed owner leaves its last batch there; this process holds the lock now.
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(exist_ok=True)
        # The driver passes inserts in files; they must lie where there is space for a batch.
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
            # With the settings of the read, so that both use one client.
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
            # The driver passes the rows in a file, for which the disk has no space.
            raise RunError(
                Reason.STORE_UNAVAILABLE, f"store {self._path}: {error.strerror}"
            ) from None
        check_written(table, rows.num_rows, summary.written_rows)

    def release_unused(self) -> None:
        """Releases memory that the engine keeps for similar statements."""
        # An engine with another allocator does not have this statement.
        with suppress(ClickHouseError):
            self._client.command("SYSTEM JEMALLOC PURGE")

    def _limited(self) -> Any:  # noqa: ANN401 - the driver's client is not typed for mypy
        """A second client: a client keeps a read-only setting once it was given one."""
        if self._reader is None:
            self._reader = _client(self._path)
        return self._reader

    def close(self) -> None:
        """Closes the store."""
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
    """Opens the engine in a folder, which is created where it does not exist.

    Raises:
        RunError: ``StoreUnavailable``: another process owns it, or it cannot be opened.
    """
    path.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path / _LOCK, f"store {path}", Reason.STORE_UNAVAILABLE)
    lock.acquire()
    try:
        return EmbeddedEngine(path, lock)
    except BaseException as error:
        # A signal may raise here, and the process may continue.
        lock.release()
        if isinstance(error, (ClickHouseError, RuntimeError, OSError)):
            raise refused(str(error)) from None
        raise
