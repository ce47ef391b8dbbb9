"""ClickHouse's own server as a process behind a proxy, started anew when its users change."""

import http.client
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from support.clickhouse_access import Accounts
from support.clickhouse_library import server_library

_TESTS = Path(__file__).parents[1]
_START_SECONDS = 30.0
_STOP_SECONDS = 20.0
_PORTS = 3
"""Between the choice of a port and its use, another process may take it."""
_CONFIG = """\
<clickhouse>
  <http_port>{port}</http_port>
  <listen_host>127.0.0.1</listen_host>
  <timezone>{zone}</timezone>
  {more}
  <user_directories><users_xml><path>{users}</path></users_xml></user_directories>
</clickhouse>
"""
_HOP_BY_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "host", "content-length"})
Answer = tuple[int, bytes, dict[str, str]]


@dataclass
class ServerProcess:
    """A server over a folder.

    Attributes:
        accounts: its users; what changes there holds after ``restart``.
        more: elements of its configuration beside those that it always has.
    """

    folder: Path
    accounts: Accounts
    zone: str
    more: str = ""
    _process: subprocess.Popen[bytes] | None = None
    _port: int = 0
    _calls: int = 0
    _turn: threading.Condition = field(default_factory=threading.Condition)

    def start(self) -> None:
        """Starts it, and waits until it answers.

        Raises:
            RuntimeError: it ended before it answered, also on another port.
        """
        for left in reversed(range(_PORTS)):
            try:
                self._start()
            except RuntimeError:
                if not left:
                    raise
            else:
                return

    def _start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._port = _free_port()
        users, config = self.folder / "users.xml", self.folder / "config.xml"
        users.write_bytes(self.accounts.render())
        config.write_text(
            _CONFIG.format(port=self._port, zone=self.zone, users=users, more=self.more)
        )
        words = (server_library(), config, self.folder / "data")
        with (self.folder / "engine.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "support.clickhouse_launcher", *map(str, words)],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env={**os.environ, "PYTHONPATH": str(_TESTS)},
            )
        self._await()

    def _await(self) -> None:
        end = time.monotonic() + _START_SECONDS
        while time.monotonic() < end:
            assert self._process is not None
            if self._process.poll() is not None:
                break
            try:
                if self._call("GET", "/ping", {}, b"")[0] == http.client.OK:
                    return
            except OSError:
                time.sleep(0.02)
        log = (self.folder / "engine.log").read_text(errors="replace")
        raise RuntimeError(f"the ClickHouse server did not start: {log[-2000:]}")

    def stop(self) -> None:
        """Ends it as an administrator does."""
        if self._process is None:
            return
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
        self._process = None

    def kill(self) -> None:
        """The process is gone at once."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def restart(self) -> None:
        """Starts it anew when the calls under way have ended."""
        with self._turn:
            self._turn.wait_for(lambda: self._calls == 0)
            self.stop()
            self.start()

    def call(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Status, body and headers of the answer to a request.

        Raises:
            OSError, http.client.HTTPException: there was none.
        """
        with self._counted():
            return self._call(method, url, headers, body)

    @contextmanager
    def _counted(self) -> Iterator[None]:
        with self._turn:
            self._calls += 1
        try:
            yield
        finally:
            with self._turn:
                self._calls -= 1
                self._turn.notify_all()

    def _call(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self._port)
        try:
            passed = {k: v for k, v in headers.items() if k.lower() not in _HOP_BY_HOP}
            connection.request(method, url, body, passed)
            answer = connection.getresponse()
            content = answer.read()
            returned = {k: v for k, v in answer.getheaders() if k.lower() not in _HOP_BY_HOP}
            return answer.status, content, returned
        finally:
            connection.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
