"""The two processes of a Pod, each and both killed and stopped, over a server."""

import signal
import time
from contextlib import suppress

import pytest

from faults.oracle import Oracle, bodies_of, some_pages
from faults.plans import plan_of
from faults.pods import Pod
from faults.scale import chance, scaled
from faults.served import Store
from faults.tally import TALLY
from support.sales_api import Answer, in_order, serving

PAGES = 20
PAGE_SECONDS = 0.02
HITS = 4
GRACE = 2.0
SIDES = (("connector",), ("loader",), ("connector", "loader"))


@pytest.fixture
def store(tmp_path):
    found = Store(tmp_path / "clickhouse")
    yield found
    found.close()


def slowly(pages):
    script = in_order(bodies_of(pages))

    def answer(number, asked) -> Answer:
        time.sleep(PAGE_SECONDS)
        return script(number, asked)

    return answer


def wait_for_pages(pod, sides, pages):
    """Until so many more pages were asked for, or a side has ended."""
    until = len(pod.api.asked) + pages
    while len(pod.api.asked) < until and all(one.poll() is None for one in sides.values()):
        time.sleep(0.002)


def strike(sides, names, moves):
    """Kills sides, or stops them for a moment; the pages to come decide nothing, nor does time."""
    what = signal.SIGSTOP if moves.random() < 0.3 else signal.SIGKILL
    for name in names:
        sides[name].send_signal(what)
    if what is signal.SIGSTOP:
        TALLY.stops += len(names)
        time.sleep(moves.uniform(0, 0.3))
        for name in names:
            with suppress(ProcessLookupError):
                sides[name].send_signal(signal.SIGCONT)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("case", range(scaled(1, 12)))
def test_pods_lose_and_double_nothing(tmp_path, store, case):
    """INV-4: connector, loader, or both, at any page."""
    moves = chance("pod", case)
    oracle = Oracle(plan_of("playbook"), TALLY)
    for run in ("run-a", "run-b"):
        pages = some_pages(moves, PAGES, keys=60)
        with serving(tmp_path, slowly(pages)) as api:
            pod = Pod(tmp_path / run, store.server, api, run)
            for _ in range(HITS):
                with pod.attempt(GRACE) as sides:
                    wait_for_pages(pod, sides, moves.randrange(PAGES // 2))
                    strike(sides, moves.choice(SIDES), moves)
                pod.again()
            with pod.attempt():
                pass
        oracle.expect(pages)
        assert pod.told["reason"] == "Succeeded", pod.told
        with store.engine(lambda _: None) as engine:
            oracle.check(engine, run, pages, pod.told["counts"])
