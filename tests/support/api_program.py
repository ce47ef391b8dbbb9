"""The playbook's API as a Pod runs it: pages behind a bearer token, slow or failing when told so.

Only the standard library: it runs in an image that holds nothing else. Usage: api_program.py FOLDER, which
holds ``pages.json``, ``links.json``, ``token``, ``tls.crt`` and ``tls.key``.
"""

import json
import ssl
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

FOLDER = Path(sys.argv[1])
PAGES = json.loads((FOLDER / "pages.json").read_text())
LINKS = json.loads((FOLDER / "links.json").read_text())
TOKEN = (FOLDER / "token").read_text().strip()
MOOD = {"delay": 0.0, "status": 200.0, "last": 200.0, "asked": 0.0}
"""``last`` is the status of the linked page that has no link."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if parts.path == "/mood":
            MOOD.update({name: float(value) for name, value in query.items()})
            self.answer(200, MOOD)
            return
        MOOD["asked"] += 1
        time.sleep(MOOD["delay"])
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self.answer(401, {"error": "who are you?"})
        elif MOOD["status"] != 200:
            self.answer(int(MOOD["status"]), {"error": "not now"})
        elif parts.path in LINKS:
            last = MOOD["last"] if "next" not in LINKS[parts.path] else 200
            self.answer(int(last), LINKS[parts.path])
        else:
            self.answer(200, PAGES[int(query.get("cursor", "c0")[1:])])

    def answer(self, status: int, content: object) -> None:
        body = content.encode() if isinstance(content, str) else json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Requests are counted in the mood."""


server = ThreadingHTTPServer(("0.0.0.0", 8443), Handler)  # noqa: S104 - the Pod's own address
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(FOLDER / "tls.crt", FOLDER / "tls.key")
server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
server.serve_forever()
