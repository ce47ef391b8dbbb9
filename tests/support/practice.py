"""What a cluster of the rig's lacks for the first run: an API, a store, and files that fit them.

``python -m support.practice`` gives them to the rig of ``make cluster`` and prints what a shell sets;
``python -m support.practice stop`` ends the store.
"""

import os
import secrets
import shutil
import signal
import sys
from contextlib import suppress
from pathlib import Path

from cluster.claims import OURS
from cluster.rig import Rig
from support.api_pods import serve_api
from support.clickhouse_library import why_not
from support.clickhouse_process import ADMIN, ClickHouse, Serving, start_clickhouse
from support.sales_api import pages_of, sale

ROOT = Path(__file__).parents[2]
STORE_HOST = "store.example.test"
_RECORDS, _PER_PAGE = 200, 20


def practice(rig: Rig, folder: Path) -> tuple[dict[str, str], ClickHouse]:
    """Serves the playbook's API in the rig and a store beside it.

    Returns:
        What a shell sets to follow the README and the cluster tutorial, and the store.
    """
    folder.mkdir(parents=True, exist_ok=True)
    token = secrets.token_urlsafe(24)
    (folder / "token").write_text(token, encoding="ascii")
    cacert, domain = folder / "ca.pem", folder / "domain"
    records = [sale(number) for number in range(_RECORDS)]
    serve_api(rig, cacert, pages_of(records, _PER_PAGE), token)
    store = start_clickhouse(folder / "store", (), Serving(rig.host_ip))
    rig.set_name(STORE_HOST, rig.host_ip)
    _write_domain(domain, rig.layout.services)
    ranges = (rig.layout.services, rig.layout.pods)
    grants = " ".join(f"--grant-cidr {one}" for one in ranges)
    chart = [f"egress.grantableCidrs={{{','.join(ranges)}}}", "images.pullPolicy=Never"]
    via = f"--store-via {store.url}"
    address = f"http://{STORE_HOST}:{store.port}"
    login = f"--store-admin-user {ADMIN.name} --store-admin-password-env STORE_PASSWORD"
    return {
        "CHART_OPTIONS": " ".join(f"--set {one}" for one in chart),
        "PROJECT_OPTIONS": f"--store-url {address} {via} --store-cidr {rig.host_ip}/32 "
        f"{login} {grants} --cacert {cacert}",
        "STORE_PASSWORD": ADMIN.password,
        "TOKEN_FILE": str(folder / "token"),
        "DOMAIN": str(domain),
    }, store


def _write_domain(domain: Path, services: str) -> None:
    """The repository's sales domain, whose connector asks to be let to the rig's API."""
    shutil.rmtree(domain, ignore_errors=True)
    for name in ("profiles", "workflows"):
        (domain / name).mkdir(parents=True)
        for path in (ROOT / name).glob("*sales*.yaml"):
            text = path.read_text(encoding="utf-8")
            asked = f"allowCidrs: ['{services}']\n      blockCidrs:\n"
            text = text.replace("blockCidrs:\n", asked, 1)
            (domain / name / path.name).write_text(text, encoding="utf-8")


def main() -> None:
    rig = Rig.found(OURS)
    if rig is None:
        raise SystemExit("no cluster: start it with `make cluster`")
    if (why := why_not()) is not None:
        raise SystemExit(f"no store: {why}")
    folder = rig.layout.state / "practice"
    known = folder / "pid"
    if known.exists():
        with suppress(ProcessLookupError):
            os.kill(int(known.read_text(encoding="ascii")), signal.SIGTERM)
        known.unlink()
    if sys.argv[1:] == ["stop"]:
        return
    settings, store = practice(rig, folder)
    known.write_text(str(store.process.pid), encoding="ascii")
    store.process.returncode = 0  # it outlives this process
    for name, value in settings.items():
        print(f"export {name}='{value}'")


if __name__ == "__main__":
    main()
