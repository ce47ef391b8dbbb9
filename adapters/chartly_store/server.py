"""The engine of a ClickHouse server over HTTP(S), with the rights of one user."""

import logging
import random
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import clickhouse_connect
import pyarrow as pa
from clickhouse_connect.driver.exceptions import ClickHouseError, OperationalError
from urllib3 import BaseHTTPResponse, PoolManager
from urllib3.exceptions import NameResolutionError, ReadTimeoutError
from urllib3.exceptions import TimeoutError as NoAnswerError

from chartly.errors import Reason, RunError
from chartly_store.access import Access, read_access
from chartly_store.driver import aware, check_written, refused, settings_of
from chartly_store.engine_port import Parameters, Settings

_LOG = logging.getLogger(__name__)
# In a program without log handlers, Python would print the stack trace that the driver logs.
logging.getLogger("clickhouse_connect").addHandler(logging.NullHandler())
_TOO_MANY_QUERIES = 202
_READS_ONLY = "1"
"""The value for a user who may neither insert nor change settings, such as an analyst."""
_REFUSAL, _STATUS = "Code: ", "received HTTP "
_LOST = (OperationalError, pa.ArrowInvalid)
_LONGEST = 200
_T = TypeVar("_T")


@dataclass(frozen=True)
class Patience:
    """The timeouts and retries of requests to a server.

    Attributes:
        longest: seconds between two attempts at most; they double from ``first`` on.
        chance: a number in [0, 1), so that clients do not retry at the same moment.
        answer_seconds: the timeout of a response, after which the request is not retried.
    """

    sleep: Callable[[float], None] = time.sleep
    chance: Callable[[], float] = random.random
    attempts: int = 7
    first: float = 0.25
    longest: float = 8.0
    connect_seconds: int = 10
    answer_seconds: int = 300

    def seconds(self, attempt: int) -> float:
        """The seconds to wait after an attempt: one half is fixed, the other is random."""
        most: float = min(self.longest, self.first * 2 ** (attempt - 1))
        return most * (1 + self.chance()) / 2


AT_A_KEYBOARD = Patience(attempts=3)
"""For interactive commands: a person waits for the response, and may repeat the command."""


class _Direct(PoolManager):
    """Connections to the server only: no proxy, no redirect, no retry.

    Without a pool of our own the driver would read proxies from the environment.
    """

    def urlopen(  # type: ignore[override]  # as the class above does
        self,
        method: str,
        url: str,
        redirect: bool = True,  # noqa: ARG002, FBT001, FBT002 - the library's signature
        **kw: Any,  # noqa: ANN401 - the library's signature
    ) -> BaseHTTPResponse:
        return super().urlopen(method, url, redirect=False, **{**kw, "retries": False})


class ServerEngine:
    """A server through clickhouse-connect; several threads may use it concurrently.

    Raises:
        RunError: ``StoreUnavailable``: it refuses, or does not respond within ``Patience``.
    """

    def __init__(self, access: Access, patience: Patience) -> None:
        self._access = access
        self._patience = patience
        self._pool = _Direct(maxsize=4, ssl_context=_trust(access))
        try:
            self._client = self._patiently(self._connect)
        except BaseException:
            self._pool.clear()
            raise

    def command(self, sql: str, parameters: Parameters | None = None) -> None:
        """Runs a statement that returns nothing."""
        self._patiently(lambda: self._client.command(sql, parameters=dict(parameters or {})))

    def rows(
        self, sql: str, parameters: Parameters | None = None, settings: Settings | None = None
    ) -> list[tuple[object, ...]]:
        """The rows of a query; instants come with their zone."""
        # Settings hold for one query only: no second client is needed as for the embedded engine.
        result = self._patiently(
            lambda: self._client.query(
                sql, parameters=dict(parameters or {}), settings=dict(settings or {})
            )
        )
        return aware(result.result_rows)

    def arrow(
        self, sql: str, parameters: Parameters | None = None, settings: Settings | None = None
    ) -> pa.Table:
        """The result of a query as an Arrow table."""
        return self._patiently(
            lambda: self._client.query_arrow(
                sql, parameters=dict(parameters or {}), settings=dict(settings or {})
            )
        )

    def formatted(self, sql: str, form: str, settings: Settings, database: str) -> bytes:
        """The result of a query in one of the engine's own formats."""
        placed = {**settings, "database": database}
        return self._patiently(
            lambda: bytes(self._client.raw_query(sql, fmt=form, settings=dict(placed)))
        )

    def insert(self, database: str, table: str, rows: pa.Table) -> None:
        """Inserts rows as one block; columns are matched by name."""
        summary = self._patiently(lambda: self._client.insert_arrow(table, rows, database=database))
        check_written(table, rows.num_rows, summary.written_rows)

    def release_unused(self) -> None:
        """Does nothing: the server manages its memory."""

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()
        self._pool.clear()

    def _connect(self) -> Any:  # noqa: ANN401 - the driver's client is not typed for mypy
        access = self._access
        client = clickhouse_connect.get_client(
            interface=access.scheme,
            host=access.host,
            port=access.port,
            username=access.username,
            password=access.password,
            compress=True,
            pool_mgr=self._pool,
            query_retries=0,
            connect_timeout=self._patience.connect_seconds,
            send_receive_timeout=self._patience.answer_seconds,
            # A session would let only one query run at a time, and nothing here needs its state.
            autogenerate_session_id=False,
            # Errors without the URL, whose parameters are values of a project.
            show_clickhouse_errors="scrub",
        )
        readonly = client.server_settings.get("readonly")
        if readonly is None or readonly.value != _READS_ONLY:
            for name, value in settings_of(client.server_settings).items():
                client.set_client_setting(name, value)
        return client

    def _patiently(self, act: Callable[[], _T]) -> _T:
        """Runs a request, and retries it after a passing failure.

        After a lost connection it is unknown whether the request had its effect. Each may run
        twice: tables are created where they do not exist, and every row carries its identity and
        version, so that a repeated row replaces itself (docs/adr/0003-replacing-merge-tree.md).
        """
        attempt = 1
        while True:
            try:
                return act()
            except (ClickHouseError, pa.ArrowInvalid) as error:
                if attempt >= self._patience.attempts or not _passing(error):
                    raise self._unavailable(error) from None
                seconds = self._patience.seconds(attempt)
                message = self._unavailable(error).message
            _LOG.info("%s; trying again in %.2f s", message, seconds)
            self._patience.sleep(seconds)
            attempt += 1

    def _unavailable(self, error: Exception) -> RunError:
        """The error of a failure: one sentence, without the password (INV-6)."""
        message = self._access.redacted(str(error))
        if _REFUSAL in message:
            return refused(message[message.index(_REFUSAL) :])
        reason = self._access.redacted(_reason(error))
        return RunError(Reason.STORE_UNAVAILABLE, f"store {self._access.url}: {reason}")


def open_server(folder: Path) -> ServerEngine:
    """Connects to the server of a mounted Secret.

    Raises:
        RunError: ``SecretMissing``: a key is absent; ``StoreUnavailable``.
    """
    return ServerEngine(read_access(folder), Patience())


def _trust(access: Access) -> ssl.SSLContext:
    """TLS 1.2 or later, certificate and name verified."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if access.authority is not None:
        try:
            context.load_verify_locations(cafile=access.authority)
        except (OSError, ssl.SSLError):
            raise RunError(
                Reason.STORE_UNAVAILABLE,
                f"store {access.url}: {access.authority} must be a file of PEM certificates",
            ) from None
    return context


def _passing(error: Exception) -> bool:
    """Whether a retry may succeed: there was no response, or the server is overloaded."""
    for cause in _causes(error):
        if isinstance(cause, ReadTimeoutError | ssl.SSLCertVerificationError):
            return False
    code = getattr(error, "code", None)
    return code == _TOO_MANY_QUERIES or (code is None and isinstance(error, _LOST))


def _reason(error: Exception) -> str:
    """Why there was no response, as a clause: the clause of the first cause that has one."""
    clauses = (_clause(cause) for cause in reversed(list(_causes(error))))
    known = next((clause for clause in clauses if clause is not None), None)
    if known is not None:
        return known
    line = " ".join(str(error).split())[:_LONGEST]
    if _STATUS in line:
        return f"it answered with {line.partition(_STATUS)[2]}"
    if isinstance(error, _LOST):
        return "the connection was lost before the answer was whole"
    return f"the driver refused: {line}"


def _clause(error: BaseException) -> str | None:
    """The clause of one error in a chain; None where it has no known meaning."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message}"
    if isinstance(error, NameResolutionError | socket.gaierror):
        return "its name cannot be resolved"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return "it did not answer in time" if isinstance(error, NoAnswerError) else None


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An error and its causes, from the last to the first."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or current.__context__
