"""A proxy before ClickHouse's own server, which fails as it is told to.

``python -m support.clickhouse_proxy --port 0`` prints one JSON line, ``{"port": ..., "control":
...}``, once it serves. Both sides' users are tests: the store's adapter, the loader's process,
Pods of a cluster. What an administrator says of users goes into the server's file of users
(``support.clickhouse_access``); everything else passes unchanged.
"""

import argparse
import json
import os
import signal
import socket
import ssl
import sys
import threading
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from dataclasses import dataclass, field
from http.client import HTTPException, IncompleteRead
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NoReturn

from support.clickhouse_access import Accounts, User, is_of_users
from support.clickhouse_engine import Answer, ServerProcess
from support.clickhouse_faults import Fault, Faults
from support.clickhouse_http import credentials, refusal, statement_of

_SHOWN = 2000
_UNAVAILABLE = b"upstream connect error or disconnect/reset before headers\n"
_NOTHING_WRITTEN = {"X-ClickHouse-Summary": '{"written_rows": "0", "written_bytes": "0"}'}
_FULL = (243, "Cannot reserve 1.00 MiB, not enough space. (NOT_ENOUGH_SPACE)")


@dataclass
class Service:
    """Everything that requests share."""

    server: ServerProcess
    faults: Faults = field(default_factory=Faults)
    served: list[str] = field(default_factory=list)
    trust: ssl.SSLContext | None = None
    restarting: threading.Lock = field(default_factory=threading.Lock)
    stopping: threading.Event = field(default_factory=threading.Event)
    connections: set[socket.socket] = field(default_factory=set)
    shut: Callable[[], None] = lambda: None
    users_changed: bool = False

    def add(self, users: Iterable[User]) -> None:
        """Adds users of the server."""
        self.server.accounts.add(users)
        self.server.restart()

    def execute(self, statement: str) -> None:
        """Executes what an administrator says of users; it holds from the next statement on."""
        self.server.accounts.execute(statement)
        self.users_changed = True

    def call(self, method: str, url: str, headers: dict[str, str], body: bytes) -> Answer:
        """The server's answer to a request."""
        with self.restarting:
            if self.users_changed:
                self.server.restart()
                self.users_changed = False
        return self.server.call(method, url, headers, body)

    def die(self) -> NoReturn:
        """Server and proxy are gone, and nothing in them has had a word in that."""
        self.server.kill()
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError


class Listener(ThreadingHTTPServer):
    """A listening socket that can go away and come back on its port."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is no news."""


class Door:
    """The data port, open or shut; while it is shut, connections are refused."""

    def __init__(self, address: tuple[str, int], service: Service) -> None:
        self._address = address
        self._service = service
        self._listener: Listener | None = None
        self.open()

    def open(self) -> None:
        if self._listener is not None:
            return
        self._listener = Listener(self._address, _serving(self._service))
        self._address = self._listener.server_address[:2]  # type: ignore[assignment]
        if self._service.trust is not None:
            self._listener.socket = self._service.trust.wrap_socket(
                self._listener.socket, server_side=True, do_handshake_on_connect=False
            )
        threading.Thread(target=self._listener.serve_forever, args=(0.02,), daemon=True).start()

    def shut(self) -> None:
        """Refuses connections, and cuts those that are open."""
        if self._listener is None:
            return
        self._listener.shutdown()
        self._listener.server_close()
        self._listener = None
        for one in list(self._service.connections):
            _cut(one)

    @property
    def port(self) -> int:
        return self._address[1]


def _cut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # One packet for head and body: two would wait for each other's acknowledgement.
    wbufsize = 1 << 16
    disable_nagle_algorithm = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Requests are kept in ``Service.served``."""

    def respond(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def received(self) -> bytes:
        """The body, whole, however it is framed."""
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        while self.rfile.readline().strip():
            continue
        return b"".join(parts)


class DataHandler(_Handler):
    """Queries."""

    service: Service

    def setup(self) -> None:
        super().setup()
        self.service.connections.add(self.connection)

    def finish(self) -> None:
        self.service.connections.discard(self.connection)
        super().finish()

    def do_GET(self) -> None:
        self.do_POST()

    def do_POST(self) -> None:
        body = self.received()
        headers = {name.lower(): value for name, value in self.headers.items()}
        shown = statement_of(self.path, headers, body)[:_SHOWN]
        fault = self.service.faults.take(shown)
        kind = fault.kind if fault is not None else ""
        if fault is not None and kind == "delay":
            self.service.stopping.wait(fault.seconds)
        if kind in ("drop-before", "refuse", "die-before"):
            self._go_away(kind)
        elif kind == "unavailable":
            self.respond(503, _UNAVAILABLE, {"Content-Type": "text/plain"})
        elif kind == "full":
            self.respond(*refusal(*_FULL))
        elif kind == "swallow":
            self.respond(200, b"", _NOTHING_WRITTEN)
        else:
            if fault is not None and kind == "die-within":
                threading.Timer(fault.seconds, self.service.die).start()
            self.service.served.append(shown)
            with self.service.faults.held() if kind == "hold" else nullcontext():
                self._answer(shown, body, kind)

    def _go_away(self, kind: str) -> None:
        """Nothing is done, and nobody is told."""
        if kind == "die-before":
            self.service.die()
        if kind == "refuse":
            self.service.shut()
        self._drop()

    def _answer(self, statement: str, body: bytes, fault: str) -> None:
        try:
            status, content, headers = self._answered(statement, body)
        except IncompleteRead as error:
            # The server met an error within its answer, and closed the connection after telling it.
            self._truncate(200, error.partial, {}, kept=len(error.partial))
            return
        except (OSError, HTTPException):
            self._drop()
            return
        if fault == "die-after":
            self.service.die()
        if fault == "drop-after":
            self._drop()
        elif fault == "truncate":
            self._truncate(status, content, headers, kept=len(content) // 2)
        else:
            self.respond(status, content, headers)

    def _answered(self, statement: str, body: bytes) -> Answer:
        headers = dict(self.headers.items())
        user = credentials({name.lower(): value for name, value in headers.items()})
        if is_of_users(statement) and self.service.server.accounts.administers(*user):
            self.service.execute(statement)
            return 200, b"", {}
        return self.service.call(str(self.command), self.path, headers, body)

    def _truncate(self, status: int, body: bytes, headers: dict[str, str], kept: int) -> None:
        """Claims more than the whole body and sends what is kept of it."""
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body) + 1)}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body[:kept])
        self.wfile.flush()
        self._drop()

    def _drop(self) -> None:
        self.close_connection = True
        _cut(self.connection)


def _serving(service: Service) -> type[DataHandler]:
    return type("ServingHandler", (DataHandler,), {"service": service})


def _control_handler(service: Service, door: Door) -> type[_Handler]:
    """The switches: ``POST /fault|/release|/shut|/open|/clear|/users``, ``GET /state``."""

    def shown(_given: Any) -> dict[str, object]:
        return {
            "left": service.faults.left,
            "hit": service.faults.hit,
            "served": len(service.served),
            "statements": service.served[-200:],
        }

    acts: dict[str, Callable[[Any], object]] = {
        "/fault": lambda given: service.faults.add(Fault(**given)),
        "/release": lambda _given: service.faults.release(),
        "/clear": lambda _given: service.faults.clear(),
        "/shut": lambda _given: door.shut(),
        "/open": lambda _given: door.open(),
        "/users": lambda given: service.add(_user(one) for one in given),
        "/state": shown,
    }

    class Handler(_Handler):
        def do_GET(self) -> None:
            self.do_POST()

        def do_POST(self) -> None:
            given = json.loads(self.received() or b"null")
            try:
                said = acts[self.path](given)
            except (KeyError, TypeError, ValueError) as error:
                self.respond(400, repr(error).encode(), {})
                return
            self.respond(200, json.dumps(said).encode(), {"Content-Type": "application/json"})

    return Handler


def _user(given: dict[str, Any]) -> User:
    databases = given.get("databases")
    return User(
        given["name"],
        given["password"],
        tuple(databases) if databases is not None else None,
    )


def _tls(pem: Path | None) -> ssl.SSLContext | None:
    if pem is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context


def serve(address: tuple[str, int], control: tuple[str, int], service: Service) -> None:
    """Serves until SIGTERM."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: service.stopping.set())
    door = Door(address, service)
    service.shut = door.shut
    switches = Listener(control, _control_handler(service, door))
    threading.Thread(target=switches.serve_forever, args=(0.02,), daemon=True).start()
    sys.stdout.write(json.dumps({"port": door.port, "control": switches.server_address[1]}) + "\n")
    sys.stdout.flush()
    service.stopping.wait()
    door.shut()
    switches.shutdown()
    switches.server_close()
    service.server.stop()


def main() -> None:
    parser = argparse.ArgumentParser(prog="support.clickhouse_proxy", description=__doc__)
    parser.add_argument("--bind", default="127.0.0.1", help="address of the data port")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--control-bind", default="127.0.0.1", help="address of the switches")
    parser.add_argument("--control-port", type=int, default=0)
    parser.add_argument("--path", type=Path, required=True, help="where the data stays")
    parser.add_argument(
        "--users",
        type=Path,
        required=True,
        help="JSON list of {name, password, databases}",
    )
    parser.add_argument("--tls", type=Path, help="PEM file of key and certificates: serve https")
    parser.add_argument("--zone", default="UTC", help="the server's own time zone")
    parser.add_argument("--config", default="", help="more elements of the server's configuration")
    given = parser.parse_args()
    accounts = Accounts()
    accounts.add(_user(one) for one in json.loads(given.users.read_text(encoding="utf-8")))
    server = ServerProcess(given.path, accounts, given.zone, given.config)
    server.start()
    service = Service(server, trust=_tls(given.tls))
    serve((given.bind, given.port), (given.control_bind, given.control_port), service)


if __name__ == "__main__":
    main()
