"""A ClickHouse server behind its proxy as a process, with its switches and its Secrets at hand."""

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import clickhouse_connect

from support.clickhouse_access import User
from support.clickhouse_library import why_not
from support.missing import missing

ADMIN = User("admin", "canary-admin-71c0")
_TESTS = Path(__file__).parents[1]


@dataclass(frozen=True)
class ClickHouse:
    """A server that runs."""

    process: subprocess.Popen[str]
    scheme: str
    host: str
    port: int
    control: int

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.host}:{self.port}"

    def fault(self, kind: str, match: str = "", times: int = 1, **more: float) -> None:
        """Lets something go wrong; see ``support.clickhouse_faults``."""
        self._switch("/fault", {"kind": kind, "match": match, "times": times, **more})

    def release(self) -> None:
        """Lets statements go on that a fault holds; they are through when this returns."""
        self._switch("/release")

    def clear(self) -> None:
        """Takes back the faults that have not come yet."""
        self._switch("/clear")

    def shut(self) -> None:
        """Refuses connections until ``open``."""
        self._switch("/shut")

    def open(self) -> None:
        self._switch("/open")

    def add(self, *users: User) -> None:
        """Adds users."""
        self._switch("/users", [asdict(one) for one in users])

    @property
    def state(self) -> dict[str, Any]:
        """How many faults are left, how many came, and the last statements that were run."""
        found: dict[str, Any] = self._switch("/state")
        return found

    def client(self, user: User = ADMIN, **options: Any) -> Any:
        """An ordinary client."""
        return clickhouse_connect.get_client(
            host=self.host,
            port=self.port,
            username=user.name,
            password=user.password,
            **options,
        )

    def secret(self, folder: Path, user: User = ADMIN) -> Path:
        """A folder as the Secret ``chartly-store`` is mounted."""
        folder.mkdir(parents=True, exist_ok=True)
        values = {"url": self.url, "username": user.name, "password": user.password}
        for key, value in values.items():
            (folder / key).write_text(value + "\n", encoding="utf-8")
        return folder

    def _switch(self, path: str, given: object = None) -> Any:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.control}{path}", json.dumps(given).encode()
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=60) as response:
            return json.loads(response.read())


@dataclass(frozen=True)
class Serving:
    """How a server serves.

    Attributes:
        tls: a PEM file of key and certificates.
        port: of the data; 0 is a free one.
        config: more elements of the server's configuration.
    """

    host: str = "127.0.0.1"
    zone: str = "UTC"
    tls: Path | None = None
    port: int = 0
    config: str = ""


def start_clickhouse(
    path: Path, users: Sequence[User] = (), how: Serving = Serving()
) -> ClickHouse:
    """A server over a folder that runs until it is told to stop.

    Raises:
        RuntimeError: it did not start; with what it logged.
    """
    if (why := why_not()) is not None:
        missing(why)
    path.mkdir(parents=True, exist_ok=True)
    known = path / "users.json"
    known.write_text(json.dumps([asdict(one) for one in (ADMIN, *users)]), encoding="utf-8")
    command = [sys.executable, "-m", "support.clickhouse_proxy", "--bind", how.host]
    command += ["--port", str(how.port), "--path", str(path / "server"), "--users", str(known)]
    command += ["--zone", how.zone, "--config", how.config]
    command += ["--tls", str(how.tls)] if how.tls else []
    with (path / "server.log").open("ab") as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env={**os.environ, "PYTHONPATH": str(_TESTS)},
            start_new_session=True,
        )
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        with process:
            raise RuntimeError((path / "server.log").read_text(encoding="utf-8"))
    ports = json.loads(line)
    scheme = "https" if how.tls else "http"
    return ClickHouse(process, scheme, how.host, ports["port"], ports["control"])


@contextmanager
def clickhouse(
    path: Path,
    users: Sequence[User] = (),
    how: Serving = Serving(),
) -> Iterator[ClickHouse]:
    """A server over a folder; ``ADMIN`` may do everything there."""
    found = start_clickhouse(path, users, how)
    process = found.process
    with process:
        try:
            yield found
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
