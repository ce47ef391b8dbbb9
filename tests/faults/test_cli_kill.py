"""``chartly run`` killed and stopped at random moments, on each side and both, until it is done."""

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

from faults.harness import environment
from faults.scale import chance, scaled
from faults.tally import TALLY
from support.command import chartly, chartly_json, sales_folder
from support.sales_api import Answer, SalesApi, in_order, pages_of, sale, serving

KILLS = scaled(14, 60)
PAGES = 20
ROWS_A_PAGE = 5
PAGE_SECONDS = 0.01
MOST_PAGES_A_LIFE = 6
BY_TIME = 0.3
PAUSE_SHARE = 0.25
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
    command = [sys.executable, "-m", "faults.eager", "chartly_cli"]
    return subprocess.Popen(
        [*command, "-C", str(folder), "run", "sales", *options],
        env=environment(),
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


def hit(process: subprocess.Popen, side: str, number: signal.Signals) -> None:
    """Signals both processes, or the loader's side alone, or the connector alone."""
    connectors = children(process.pid)
    if side == "connector" and connectors:
        for connector in connectors:
            with contextlib.suppress(ProcessLookupError):
                os.kill(connector, number)
    elif side == "loader":
        process.send_signal(number)
    else:
        os.killpg(process.pid, number)


def pause(process: subprocess.Popen, side: str, seconds: float) -> None:
    """Stops a side for a while; the other waits for it, however long that is."""
    TALLY.stops += 1
    hit(process, side, signal.SIGSTOP)
    time.sleep(seconds)
    os.killpg(process.pid, signal.SIGCONT)


def outlives(process: subprocess.Popen, api: SalesApi, moves: random.Random) -> bool:
    """Lets a run live for some pages and a moment, or for some time; whether it still lives then.

    Pages count, so that kills come between them however slow the machine is; time counts, so that
    kills come before the first page and after the last one, too.
    """
    if moves.random() < BY_TIME:
        moment = moves.uniform(0.2, 1.5)
    else:
        moment = moves.uniform(0, 0.5)
        pages = len(api.asked) + moves.randint(1, MOST_PAGES_A_LIFE)
        while len(api.asked) < pages and process.poll() is None:
            time.sleep(0.005)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(moment)
    return process.poll() is None


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_killed_runs_lose_nothing_and_double_nothing(tmp_path):
    """INV-4 after any crash: random SIGKILLs, then one run; every row is there once."""
    folder = sales_folder(tmp_path / "sales", {
        "profiles/connector-sales-http@1.0.0.yaml": ("maxRequestsPerMinute: 120", "maxRequestsPerMinute: 60000"),
    })  # fmt: skip
    moves = chance("chartly run")
    records = [sale(number) for number in range(PAGES * ROWS_A_PAGE)]
    killed = ended = 0
    with serving(tmp_path, slowly(pages_of(records, ROWS_A_PAGE))) as api:
        while killed < KILLS:
            process = start(folder, api.options)
            side = moves.choice(("both", "both", "loader", "connector"))
            lives = outlives(process, api, moves)
            if lives and moves.random() < PAUSE_SHARE:
                pause(process, side, moves.uniform(0, 0.3))
            if lives:
                hit(process, side, signal.SIGKILL)
            code = process.wait(60)
            assert code in (0, 12, -signal.SIGKILL)
            # A pause may have been long enough for the other side to end; that is no kill.
            killed += lives and code != 0
            ended += code == 0
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
    TALLY.kills += killed
    TALLY.checks += 1
    TALLY.lost += lost
    TALLY.doubled += doubled
    print(f"kills: {killed}, ended: {ended}, requests: {asked}")
    assert (lost, doubled) == (0, 0)
    assert asked > PAGES, "kills must come between pages, too"
    assert Decimal(found["total"]) == total
    assert chartly(folder, "audit", "verify").code == 0
    left = list((folder / ".chartly" / "runs").glob("*/spool*"))
    assert [one for one in left if last["run"] in str(one)] == []
