"""HTTP servers on loopback that send exactly the bytes a test wants, when it wants them."""

import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path

import trustme


@dataclass(frozen=True)
class Request:
    """One request as it arrived, headers in lower case."""

    target: str
    headers: dict[str, str]
    connection: int


@dataclass
class Server:
    """A server that runs.

    Attributes:
        requests: everything that arrived.
        opened: how many connections were opened.
        stopping: set when the server ends, so that a slow script can wait on it.
    """

    port: int = 0
    requests: list[Request] = field(default_factory=list)
    opened: int = 0
    stopping: threading.Event = field(default_factory=threading.Event)

    @property
    def targets(self) -> list[str]:
        return [one.target for one in self.requests]


Script = Callable[[int, Request, Server], Iterable[bytes]]
"""What to send to the n-th request; an empty chunk closes the connection."""


@dataclass(frozen=True)
class Authority:
    """A throw-away certificate authority."""

    ca: trustme.CA
    cacert: Path


def authority(folder: Path) -> Authority:
    ca = trustme.CA()
    ca.cert_pem.write_to_path(str(folder / "ca.pem"))
    return Authority(ca, folder / "ca.pem")


def reply(
    body: bytes = b"", status: int = 200, headers: Mapping[str, str] | None = None
) -> list[bytes]:
    """A whole response."""
    lines = [f"HTTP/1.1 {status} {_phrase(status)}", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return ["\r\n".join(lines).encode() + b"\r\n\r\n" + body]


def json_reply(value: object, **headers: str) -> list[bytes]:
    return reply(json.dumps(value).encode(), headers=headers)


def redirect(to: str, status: int = 302) -> list[bytes]:
    return reply(b"", status, {"Location": to})


def _phrase(status: int) -> str:
    with suppress(ValueError):
        return HTTPStatus(status).phrase
    return "Unknown"


def in_turn(*answers: Iterable[bytes]) -> Script:
    """Answers the n-th request with the n-th answer, and all later ones with the last."""
    listed = [list(one) for one in answers]
    return lambda number, _request, _server: listed[min(number, len(listed) - 1)]


@contextmanager
def serving(script: Script, trust: Authority | None, *hosts: str) -> Iterator[Server]:
    """Serves ``script`` on a free port of 127.0.0.1, with a certificate for ``hosts`` if any."""
    context = None
    if trust is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        trust.ca.issue_cert(*hosts).configure_cert(context)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = Server(listener.getsockname()[1])
        threads: list[threading.Thread] = []
        accepting = threading.Thread(
            target=_accept, args=(listener, context, script, server, threads)
        )
        accepting.start()
        try:
            yield server
        finally:
            server.stopping.set()
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            accepting.join(10)
            for thread in threads:
                thread.join(10)


def _accept(
    listener: socket.socket,
    context: ssl.SSLContext | None,
    script: Script,
    server: Server,
    threads: list[threading.Thread],
) -> None:
    while not server.stopping.is_set():
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        server.opened += 1
        arguments = (connection, context, script, server, server.opened)
        threads.append(threading.Thread(target=_serve, args=arguments))
        threads[-1].start()


def _serve(
    connection: socket.socket,
    context: ssl.SSLContext | None,
    script: Script,
    server: Server,
    number: int,
) -> None:
    connection.settimeout(0.1)
    stream = connection
    # A client that refuses the certificate, or goes away, is what some tests are about.
    with suppress(OSError):
        try:
            if context is not None:
                stream = context.wrap_socket(
                    connection, server_side=True, do_handshake_on_connect=False
                )
                stream.settimeout(10)
                stream.do_handshake()
                stream.settimeout(0.1)
            _exchange(stream, script, server, number)
        finally:
            stream.close()


def _exchange(stream: socket.socket, script: Script, server: Server, number: int) -> None:
    pending = b""
    while not server.stopping.is_set():
        try:
            received = stream.recv(65536)
        except TimeoutError:
            continue
        if not received:
            return
        pending += received
        while b"\r\n\r\n" in pending:
            head, _, pending = pending.partition(b"\r\n\r\n")
            if not _answer(stream, script, server, _parse(head, number)):
                return


def _parse(head: bytes, connection: int) -> Request:
    first, *lines = head.decode("latin-1").split("\r\n")
    pairs = (line.partition(":") for line in lines)
    headers = {name.lower(): value.strip() for name, _, value in pairs}
    return Request(first.split(" ")[1], headers, connection)


def _answer(stream: socket.socket, script: Script, server: Server, request: Request) -> bool:
    server.requests.append(request)
    for chunk in script(len(server.requests) - 1, request, server):
        if not chunk:
            return False
        stream.sendall(chunk)
    return True
