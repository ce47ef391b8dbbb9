"""A server that speaks ClickHouse's HTTP protocol over chDB, and fails as it is told to.

``python -m support.clickhouse_server --port 0`` prints one JSON line, ``{"port": ..., "control":
...}``, once it serves. Both sides' users are tests: the store's adapter, the loader's process,
Pods of a cluster. What it lacks of a real server: grants finer than a database, external data,
progress headers, the native TCP protocol.
"""

import argparse
import json
import signal
import socket
import ssl
import sys
import threading
import uuid
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from support.clickhouse_access import User, Users, insist
from support.clickhouse_engine import OneEngine, Query, RefusalError
from support.clickhouse_faults import Fault, Faults, die
from support.clickhouse_http import (
    asked_in,
    compressed,
    credentials,
    decompressed,
    headers_of,
    query_of,
    refusal_of,
)

_SHOWN = 2000
_UNAVAILABLE = b"upstream connect error or disconnect/reset before headers\n"
_FULL = RefusalError(
    243, "Cannot reserve 1.00 MiB, not enough space: Cannot reserve 1.00 MiB. (NOT_ENOUGH_SPACE)"
)


@dataclass
class Service:
    """Everything that requests share."""

    engine: OneEngine
    users: Users
    faults: Faults = field(default_factory=Faults)
    served: list[str] = field(default_factory=list)
    trust: ssl.SSLContext | None = None
    stopping: threading.Event = field(default_factory=threading.Event)
    connections: set[socket.socket] = field(default_factory=set)
    shut: Callable[[], None] = lambda: None


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
        if self.path.partition("?")[0] == "/ping":
            self.respond(200, b"Ok.\n", {})
            return
        self.do_POST()

    def do_POST(self) -> None:
        body = self.received()
        try:
            query = self._query(body)
        except RefusalError as error:
            self.respond(*refusal_of(error))
            return
        shown = query.sql[:_SHOWN]
        fault = self.service.faults.take(shown)
        kind = fault.kind if fault is not None else ""
        if fault is not None and kind == "delay":
            self.service.stopping.wait(fault.seconds)
        if kind in ("drop-before", "refuse", "die-before"):
            self._go_away(kind)
        elif kind == "unavailable":
            self.respond(503, _UNAVAILABLE, {"Content-Type": "text/plain"})
        elif kind == "full":
            self.respond(*refusal_of(_FULL))
        else:
            if fault is not None and kind == "die-within":
                threading.Timer(fault.seconds, die).start()
            self.service.served.append(shown)
            with self.service.faults.held() if kind == "hold" else nullcontext():
                self._answer(query, kind)

    def _go_away(self, kind: str) -> None:
        """Nothing is done, and nobody is told."""
        if kind == "die-before":
            die()
        if kind == "refuse":
            self.service.shut()
        self._drop()

    def _query(self, body: bytes) -> Query:
        headers = {name.lower(): value for name, value in self.headers.items()}
        url = asked_in(self.path)
        user = self.service.users.known(*credentials(headers, url))
        body = decompressed(body, headers.get("content-encoding", ""))
        query = query_of(str(self.command), url, headers, body)
        insist(
            user, query, self.service.engine.databases() if user.databases is not None else set()
        )
        if user.databases is None and self.service.users.hear(query.sql):
            return Query(b"SELECT 1 FORMAT Null")
        if user.readonly:
            query = Query(**{**query.__dict__, "settings": {**query.settings, "readonly": "2"}})
        return query

    def _answer(self, query: Query, fault: str) -> None:
        try:
            answer = self.service.engine.run(query)
            status, body, headers = 200, answer.body, headers_of(answer)
        except RefusalError as error:
            status, body, headers = refusal_of(error)
        if fault == "die-after":
            die()
        if fault == "drop-after":
            self._drop()
            return
        if asked_in(self.path).get("enable_http_compression") == "1":
            body, encoding = compressed(body, self.headers.get("Accept-Encoding", ""))
            headers |= {"Content-Encoding": encoding} if encoding else {}
        headers["X-ClickHouse-Query-Id"] = str(uuid.uuid4())
        if fault == "truncate":
            self._truncate(status, body, headers)
            return
        self.respond(status, body, headers)

    def _truncate(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        """Claims the whole body and sends half of it."""
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body) + 1)}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body[: len(body) // 2])
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
        "/users": lambda given: service.users.add(_user(one) for one in given),
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
        bool(given.get("readonly", False)),
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
    service.engine.close()


def main() -> None:
    parser = argparse.ArgumentParser(prog="support.clickhouse_server", description=__doc__)
    parser.add_argument("--bind", default="127.0.0.1", help="address of the data port")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--control-bind", default="127.0.0.1", help="address of the switches")
    parser.add_argument("--control-port", type=int, default=0)
    parser.add_argument("--path", type=Path, help="where the data stays; else it goes at the end")
    parser.add_argument(
        "--users", type=Path, help="JSON list of {name, password, databases, readonly}"
    )
    parser.add_argument("--tls", type=Path, help="PEM file of key and certificates: serve https")
    given = parser.parse_args()
    # As a server that was just installed: one user, who may do everything.
    users = [{"name": "default", "password": ""}]
    if given.users is not None:
        users = json.loads(given.users.read_text(encoding="utf-8"))
    with TemporaryDirectory() as scratch:
        path = given.path or Path(scratch)
        service = Service(
            OneEngine(path), Users(_user(one) for one in users), trust=_tls(given.tls)
        )
        serve((given.bind, given.port), (given.control_bind, given.control_port), service)


if __name__ == "__main__":
    main()
