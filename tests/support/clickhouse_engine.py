"""chDB as a server runs it: one owner, a handle for each query, sessions that keep theirs."""

import json
import re
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import chdb

UNKNOWN = 1002
SESSION_NOT_FOUND = 372
SESSION_IS_LOCKED = 373
_CODE = re.compile(r"Code: (\d+)")
_FORMAT = re.compile(rb"\bFORMAT\s+(\w+)\s*;?\s*$", re.IGNORECASE)
# What follows the name of the format, up to one line break, is not data yet.
_INSERT = re.compile(
    rb"\s*(INSERT\s+INTO\s[^;]*?)\s(FORMAT\s+(?!Values\b)\w+)[ \t]*\r?\n", re.IGNORECASE
)
_ANSWERS = re.compile(rb"\s*(SELECT|WITH|SHOW|DESC|DESCRIBE|EXPLAIN|EXISTS)\b", re.IGNORECASE)
_SESSION_SECONDS = 60.0


class RefusalError(Exception):
    """What a server answers instead of a result."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text if "Code: " in text else f"Code: {code}. DB::Exception: {text}")
        self.code = code


@dataclass(frozen=True)
class Query:
    """One statement with everything that stands in its request."""

    statement: bytes
    parameters: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)
    database: str | None = None
    session: str | None = None
    session_must_be: bool = False
    seconds: float = _SESSION_SECONDS

    @property
    def sql(self) -> str:
        """The statement without the data of an insert, which may hold any bytes."""
        insert = _INSERT.match(self.statement)
        head = self.statement if insert is None else self.statement[: insert.end()]
        return head.decode("utf-8", "replace")

    @property
    def sticky(self) -> bool:
        """Whether it comes back to its session's handle."""
        return self.session is not None and "readonly" not in self.settings


@dataclass(frozen=True)
class Answer:
    """The bytes of a result, its format where there is one, and what was read and written."""

    body: bytes
    form: str | None
    summary: dict[str, str]
    zone: str = "UTC"


@dataclass
class _Session:
    handle: Any
    until: float
    busy: bool = False


class OneEngine:
    """The engine in a folder; its queries run one after the other."""

    def __init__(self, path: Path) -> None:
        self._path = str(path)
        # Without a handle that stays, the engine would close with the last query's.
        self._root = self._handle()
        self._zone = str(self._root.query("SELECT timezone()", "TSVRaw")).strip()
        self._turn = threading.Lock()
        self._sessions: dict[str, _Session] = {}

    def close(self) -> None:
        """Lets go of the folder."""
        with self._turn:
            for one in self._sessions.values():
                one.handle.close()
            self._root.close()

    def _handle(self) -> Any:
        return chdb.connect(self._path)  # type: ignore[no-untyped-call]  # it has no types

    def databases(self) -> set[str]:
        """The names of all databases."""
        with self._turn:
            found = self._root.query("SELECT name FROM system.databases", "JSONEachRow").bytes()
        return {json.loads(line)["name"] for line in found.splitlines()}

    def run(self, query: Query) -> Answer:
        """Runs a statement.

        Raises:
            RefusalError: as the engine says.
        """
        if query.session is not None and query.sticky:
            with self._in_session(query) as handle, self._turn, _restored(handle, query.settings):
                return replace(_run(handle, query), zone=self._zone)
        with self._turn:
            handle = self._handle()
            try:
                _set(handle, query.settings)
                return replace(_run(handle, query), zone=self._zone)
            finally:
                handle.close()

    @contextmanager
    def _in_session(self, query: Query) -> Iterator[Any]:
        session = self._session(query)
        try:
            yield session.handle
        finally:
            session.busy = False
            session.until = time.monotonic() + query.seconds

    def _session(self, query: Query) -> _Session:
        name = str(query.session)
        with self._turn:
            for old, one in list(self._sessions.items()):
                if not one.busy and one.until < time.monotonic():
                    self._sessions.pop(old).handle.close()
            if name not in self._sessions:
                if query.session_must_be:
                    raise RefusalError(SESSION_NOT_FOUND, "Session not found. (SESSION_NOT_FOUND)")
                self._sessions[name] = _Session(self._handle(), 0.0)
            found = self._sessions[name]
            if found.busy:
                text = f"Session {name} is locked by a concurrent client. (SESSION_IS_LOCKED)"
                raise RefusalError(SESSION_IS_LOCKED, text)
            found.busy = True
            return found


def _run(handle: Any, query: Query) -> Answer:
    if query.database:
        _ask(handle, f"USE `{query.database}`".encode())
    started = time.monotonic()
    result = _result(handle, query)
    body = result.bytes()
    form = _FORMAT.search(query.statement)
    named = form[1].decode() if form else "TabSeparated"
    answers = bool(body) or _ANSWERS.match(query.statement) is not None
    summary = {
        "read_rows": str(result.storage_rows_read()),
        "read_bytes": str(result.storage_bytes_read()),
        "written_rows": str(result.rows_written()),
        "written_bytes": str(result.bytes_written()),
        "result_rows": str(result.rows_read()),
        "elapsed_ns": str(int((time.monotonic() - started) * 1e9)),
    }
    return Answer(body, named if answers else None, summary)


def _result(handle: Any, query: Query) -> Any:
    """The engine's result; data of an insert goes by a file, since chDB cuts it at blank lines."""
    insert = _INSERT.match(query.statement)
    if insert is None:
        return _ask(handle, query.statement, dict(query.parameters))
    with NamedTemporaryFile(suffix=".data") as file:
        file.write(query.statement[insert.end() :])
        file.flush()
        source = f" FROM INFILE {_quoted(file.name)} ".encode()
        return _ask(handle, insert[1] + source + insert[2], dict(query.parameters))


def _ask(handle: Any, statement: bytes, parameters: dict[str, str] | None = None) -> Any:
    try:
        return handle.query(statement, "TabSeparated", params=parameters or {})
    except Exception as error:  # noqa: BLE001 - the engine's own kinds, whichever they are
        text = str(error)
        found = _CODE.search(text)
        raise RefusalError(
            int(found[1]) if found else UNKNOWN, text[found.start() :] if found else text
        ) from None


def _set(handle: Any, settings: Mapping[str, str]) -> None:
    if settings:
        pairs = ", ".join(f"{name} = {_quoted(value)}" for name, value in settings.items())
        _ask(handle, f"SET {pairs}".encode())


@contextmanager
def _restored(handle: Any, settings: Mapping[str, str]) -> Iterator[None]:
    """Settings for one query of a session, which keeps its own."""
    names = ", ".join(map(_quoted, settings)) or "''"
    sql = f"SELECT name, value, changed FROM system.settings WHERE name IN ({names})"
    before = _ask(handle, f"{sql} FORMAT JSONEachRow".encode()).bytes()
    try:
        _set(handle, settings)
        yield
    finally:
        for line in before.splitlines():
            one = json.loads(line)
            value = _quoted(one["value"]) if one["changed"] else "DEFAULT"
            _ask(handle, f"SET {one['name']} = {value}".encode())


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
