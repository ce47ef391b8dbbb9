"""``chartly run`` of the demo's flights against a real Datasette, and a client that only pulls."""

import json
import re
import resource
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from chartly_cli.commands import demo
from chartly_cli.demo.authority import Authority, make_authority
from chartly_cli.output import Form
from chartly_cli.session import Session

_NEXT = re.compile(rb'"next_url": ?"([^"]+)"')
_HOST = demo.FLIGHTS.host
_FIRST = "/flights/flights.json?_shape=objects&_size=max&_nocount=1&_nofacet=1"


@dataclass(frozen=True)
class Served:
    """A Datasette that serves the flights."""

    folder: Path
    authority: Authority
    port: int


@contextmanager
def served(folder: Path, rows: int) -> Iterator[Served]:
    """The demo's own server, over TLS on loopback."""
    authority = make_authority(folder / "tls")
    quiet = Session(folder, Form.JSON, None)
    with demo._datasette(folder, authority, rows, quiet) as port:
        yield Served(folder, authority, port)


def run_domain(folder: str, port: int, ca: str) -> dict[str, Any]:
    """Seconds of the command from its start to its end, and the most memory of its processes."""
    workspace = demo._prepared(Path(folder), demo.FLIGHTS)
    command = [sys.executable, "-m", "chartly_cli", "--output", "json", "-C", str(workspace.root)]
    command += ["run", "flights", "--cacert", ca]
    command += ["--connect-to", f"{_HOST}:443=127.0.0.1:{port}"]
    started = time.perf_counter()
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    passed = time.perf_counter() - started
    said = json.loads(done.stdout)
    rss = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    return {"whole": passed, "seconds": said["seconds"], "counts": said["counts"], "rss": rss}


def pull_pages(port: int, ca: str) -> dict[str, Any]:
    """Seconds until all pages have come, over one connection; they are thrown away."""
    import httpx

    pages = size = 0
    started = time.perf_counter()
    with httpx.Client(verify=ssl.create_default_context(cafile=ca), timeout=60) as client:
        path: str | None = _FIRST
        while path is not None:
            body = _page(client, port, path)
            found = _NEXT.search(body)
            path = None if found is None else _path(found[1].decode())
            pages += 1
            size += len(body)
    return {"whole": time.perf_counter() - started, "pages": pages, "bytes": size}


def _page(client: Any, port: int, path: str) -> bytes:
    answer = client.get(
        f"https://127.0.0.1:{port}{path}",
        headers={"Host": _HOST},
        extensions={"sni_hostname": _HOST},
    )
    content: bytes = answer.raise_for_status().content
    return content


def _path(link: str) -> str:
    parts = urlsplit(link)
    return f"{parts.path}?{parts.query}"
