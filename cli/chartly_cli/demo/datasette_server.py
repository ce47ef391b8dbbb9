"""``python -m chartly_cli.demo.datasette_server``: a real Datasette over TLS on loopback.

It prints its port once it listens, and ends when its standard input is closed.
"""

import argparse
import socket
import sys
import threading
from pathlib import Path

import uvicorn
from datasette.app import Datasette

_PAGE = 5000


def main() -> None:
    """Serves one SQLite file until its standard input is closed."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("database", "certificate", "key"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    arguments = parser.parse_args()
    datasette = Datasette(
        immutables=[str(arguments.database)],
        settings={"max_returned_rows": _PAGE, "force_https_urls": True, "sql_time_limit_ms": 30000},
    )
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(
        uvicorn.Config(
            datasette.app(),
            log_level="error",
            ssl_certfile=str(arguments.certificate),
            ssl_keyfile=str(arguments.key),
            lifespan="on",
        )
    )
    threading.Thread(target=_stop_with_input, args=(server,), daemon=True).start()
    sys.stdout.write(f"{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    server.run(sockets=[listener])


def _stop_with_input(server: uvicorn.Server) -> None:
    """A parent that dies closes our input, however it dies."""
    sys.stdin.read()
    server.should_exit = True


if __name__ == "__main__":
    main()
