"""``chartly run`` killed at random moments, on both sides, and run again until it is done."""

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from decimal import Decimal
from pathlib import Path

import pytest

from support.command import chartly, chartly_json, sales_folder
from support.sales_api import Answer, SalesApi, in_order, pages_of, sale, serving

KILLS = 50
PAGES = 20
ROWS_A_PAGE = 5
PAGE_SECONDS = 0.01
MOST_PAGES_A_LIFE = 6
BY_TIME = 0.3
SEED = 20260202
TOTALS = (
    "SELECT count() AS n, uniqExact(event_id) AS keys, sum(amount) AS total, "
    "uniqExact(run_id) AS runs FROM sales_events"
)


def slowly(pages):
    """Pages that take their time, so that a kill can come between them."""
    script = in_order(pages)

    def answer(number, asked) -> Answer:
        time.sleep(PAGE_SECONDS)
        return script(number, asked)

    return answer


def start(folder, options) -> subprocess.Popen:
    command = [sys.executable, "-m", "chartly_cli", "-C", str(folder), "run", "sales", *options]
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def children(pid: int) -> list[int]:
    """The processes that one started; none when it is gone."""
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    except FileNotFoundError:
        return []
    return [int(one) for one in text.split()]


def kill(process: subprocess.Popen, side: str) -> None:
    """Kills both processes, or the loader's side alone, or the connector alone."""
    connectors = children(process.pid)
    if side == "connector" and connectors:
        for connector in connectors:
            os.kill(connector, signal.SIGKILL)
    elif side == "loader":
        process.kill()
    else:
        os.killpg(process.pid, signal.SIGKILL)


def outlives(process: subprocess.Popen, api: SalesApi, chance: random.Random) -> bool:
    """Lets a run live for some pages and a moment, or for some time; whether it still lives then.

    Pages count, so that kills come between them however slow the machine is; time counts, so that
    kills come before the first page and after the last one, too.
    """
    if chance.random() < BY_TIME:
        moment = chance.uniform(0.2, 1.5)
    else:
        moment = chance.uniform(0, 0.5)
        pages = len(api.asked) + chance.randint(1, MOST_PAGES_A_LIFE)
        while len(api.asked) < pages and process.poll() is None:
            time.sleep(0.005)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(moment)
    return process.poll() is None


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_killed_runs_lose_nothing_and_double_nothing(tmp_path):
    """INV-4 after any crash: 50 random SIGKILLs, then one run; every row is there once."""
    folder = sales_folder(tmp_path / "sales", {
        "profiles/connector-sales-http@1.0.0.yaml": ("maxRequestsPerMinute: 120", "maxRequestsPerMinute: 60000"),
    })  # fmt: skip
    chance = random.Random(SEED)
    records = [sale(number) for number in range(PAGES * ROWS_A_PAGE)]
    killed = ended = 0
    with serving(tmp_path, slowly(pages_of(records, ROWS_A_PAGE))) as api:
        while killed < KILLS:
            process = start(folder, api.options)
            if outlives(process, api, chance):
                kill(process, chance.choice(("both", "both", "loader", "connector")))
                killed += 1
            else:
                ended += 1
            assert process.wait(60) in (0, 12, -signal.SIGKILL)
        last = chartly_json(folder, "run", "sales", *api.options)
        again = chartly_json(folder, "run", "sales", *api.options)
        asked = len(api.asked)
    assert last["reason"] == "Succeeded"
    counts = last["counts"]
    assert counts["read"] == len(records)
    assert counts["loaded"] + counts["duplicate"] == len(records)
    assert [one["fingerprint"] for one in last["outputs"]] == [
        one["fingerprint"] for one in again["outputs"]
    ]
    found = chartly_json(folder, "query", TOTALS)[0]
    total = sum(Decimal(f"{number}.25") for number in range(len(records)))
    lost, doubled = len(records) - found["keys"], found["n"] - found["keys"]
    print(f"kills: {killed}, lost: {lost}, doubled: {doubled} (ended: {ended}, requests: {asked})")
    assert (lost, doubled) == (0, 0)
    assert asked > 3 * PAGES, "kills must come between pages, too"
    assert Decimal(found["total"]) == total
    assert chartly(folder, "audit", "verify").code == 0
    left = list((folder / ".chartly" / "runs").glob("*/spool*"))
    assert [one for one in left if last["run"] in str(one)] == []
