"""``python -m chartly_cli.demo.practice_api``: an API to practise against, as init's files expect.

It serves records over HTTPS on loopback, behind the token that the domain's secret holds, and
writes its port and its throw-away CA into a folder. It ends by itself after some minutes.
"""

import argparse
import secrets
import time
from pathlib import Path

from chartly_cli.demo.api_server import Record, api_server
from chartly_cli.demo.authority import make_authority

_RECORDS = 120


def practice_records(domain: str) -> list[Record]:
    """Records as ``chartly init`` maps them; one has no value and must be rejected."""
    records: list[Record] = [
        {
            "id": f"{domain}_{number:04d}",
            "timestamp": f"2026-02-{1 + number % 3:02d}T{number % 24:02d}:00:00Z",
            "value": f"{number}.{number % 100:02d}",
            "source": {"id": f"source_{number % 4}"},
        }
        for number in range(_RECORDS)
    ]
    del records[7]["value"]
    return records


def main() -> None:
    """Serves until the time is over."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("domain")
    parser.add_argument("--secret", type=Path, required=True, help="the token's file; made if new")
    parser.add_argument("--folder", type=Path, required=True, help="where port and ca.pem go")
    parser.add_argument("--seconds", type=float, default=600)
    arguments = parser.parse_args()
    if not arguments.secret.exists():
        arguments.secret.parent.mkdir(parents=True, exist_ok=True)
        arguments.secret.touch(mode=0o600)
        arguments.secret.write_text(secrets.token_urlsafe(24), encoding="ascii")
    token = arguments.secret.read_text(encoding="ascii").strip()
    authority = make_authority(arguments.folder)
    records = practice_records(arguments.domain)
    with api_server(authority.server_context(), token, records) as port:
        hidden = arguments.folder / "port.tmp"
        hidden.write_text(str(port), encoding="ascii")
        hidden.replace(arguments.folder / "port")
        time.sleep(arguments.seconds)


if __name__ == "__main__":
    main()
