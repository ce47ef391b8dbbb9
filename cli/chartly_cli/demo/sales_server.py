"""A small sales API: cursor pages behind a bearer token, over TLS on loopback."""

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlparse

_PAGE = 50
_RECORDS = 400
_CURRENCIES = ("USD", "EUR", "GBP")


def sales_records() -> list[dict[str, object]]:
    """The same records every time; some of them are as bad as real ones are."""
    records: list[dict[str, object]] = [_record(number) for number in range(_RECORDS)]
    records[10] = _record(10, amount="100000000000000.01")
    records[20] = _record(20) | {"totals": {"amount": "12.50"}}
    records[30] = _record(30) | {"timestamp": "yesterday"}
    records[40] = _record(40, amount="NaN")
    records[50] = _record(50) | {"timestamp": "2026-02-03T08:00:00"}
    records.append(_record(5))
    return records


def _record(number: int, amount: str | None = None) -> dict[str, object]:
    return {
        "id": f"sale_{number:04d}",
        "timestamp": f"2026-02-{1 + number % 7:02d}T{number % 24:02d}:30:00Z",
        "totals": {
            "amount": amount or f"{(number * 37) % 500}.{number % 100:02d}",
            "currency": _CURRENCIES[number % len(_CURRENCIES)],
        },
        "customer": {"id": f"cust_{number % 90:03d}"},
    }


@contextmanager
def sales_server(context: ssl.SSLContext, token: str) -> Iterator[int]:
    """The server's port, while the block runs."""
    records = sales_records()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if self.headers.get("Authorization") != f"Bearer {token}":
                self._send(401, {"error": "unauthorized"})
                return
            query = parse_qs(urlparse(self.path).query)
            start = int(query.get("cursor", ["c0"])[0].removeprefix("c"))
            following = start + _PAGE
            cursor = f"c{following}" if following < len(records) else None
            self._send(200, {"data": records[start:following], "next_cursor": cursor})

        def _send(self, status: int, document: dict[str, object]) -> None:
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing: the demo tells what matters."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
