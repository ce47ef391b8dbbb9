"""A real HTTPS server on loopback that answers as the playbook's API does, or as a script says."""

import json
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import trustme

HOST = "api.example.invalid"


@dataclass(frozen=True)
class Answer:
    """One response.

    Attributes:
        length: the Content-Length that is claimed, if not the body's.
    """

    body: bytes
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    length: int | None = None


@dataclass(frozen=True)
class Asked:
    """One request as it arrived."""

    path: str
    cursor: str | None
    authorization: str | None


Script = Callable[[int, Asked], Answer]
"""What to answer to the n-th request, counted from 0."""


@dataclass
class SalesApi:
    """A server that runs."""

    port: int
    cacert: Path
    asked: list[Asked]

    @property
    def options(self) -> list[str]:
        """What ``chartly run`` needs to reach it."""
        pin = f"{HOST}:443=127.0.0.1:{self.port}"
        return ["--connect-to", pin, "--cacert", str(self.cacert)]


@contextmanager
def serving(folder: Path, script: Script) -> Iterator[SalesApi]:
    """Serves ``script`` on a free port of 127.0.0.1 with a certificate of a throw-away CA."""
    authority = trustme.CA()
    cacert = folder / "ca.pem"
    authority.cert_pem.write_to_path(str(cacert))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(HOST).configure_cert(context)
    asked: list[Asked] = []
    server = _Server(("127.0.0.1", 0), _handler(script, asked))
    server.socket = context.wrap_socket(
        server.socket, server_side=True, do_handshake_on_connect=False
    )
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield SalesApi(server.server_address[1], cacert, asked)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that was killed leaves a broken connection, which is no news."""


def _handler(script: Script, asked: list[Asked]) -> type[BaseHTTPRequestHandler]:
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 30

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            cursor = parse_qs(parts.query).get("cursor", [None])[0]
            one = Asked(parts.path, cursor, self.headers.get("Authorization"))
            with lock:
                number = len(asked)
                asked.append(one)
            answer = script(number, one)
            self.send_response(answer.status)
            headers = {"Content-Type": "application/json", **answer.headers}
            length = len(answer.body) if answer.length is None else answer.length
            for name, value in {**headers, "Content-Length": str(length)}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.body)
            self.close_connection = answer.length is not None

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - same
            """Requests are kept in ``asked``."""

    return Handler


def sale(number: int, **changes: object) -> dict[str, object]:
    """The n-th sale of a deterministic series."""
    record: dict[str, object] = {
        "id": f"sale_{number:04}",
        "timestamp": f"2026-02-{1 + number % 7:02}T{number % 24:02}:30:00Z",
        "totals": {"amount": f"{number}.25", "currency": ("USD", "EUR")[number % 2]},
        "customer": {"id": f"cust_{number % 5}"},
    }
    return {**record, **changes}


def pages_of(records: Sequence[object], size: int) -> list[bytes]:
    """Records in pages, each naming the cursor of the next."""
    starts = range(0, len(records), size)
    return [
        json.dumps(
            {
                "data": records[start : start + size],
                "next_cursor": f"c{place + 1}" if start + size < len(records) else None,
            }
        ).encode()
        for place, start in enumerate(starts)
    ]


def in_order(pages: Sequence[bytes]) -> Script:
    """Answers each cursor with its page."""

    def script(_number: int, asked: Asked) -> Answer:
        return Answer(pages[int((asked.cursor or "c0")[1:])])

    return script
