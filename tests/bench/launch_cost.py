"""How long a launch holds the operator's event loop: gathering its world and deciding on it.

Usage: python tests/bench/launch_cost.py
"""

import asyncio
import statistics
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Any, cast

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from chartly.reconcile.actions import Create, Key  # noqa: E402
from chartly.reconcile.run_decision import decide_run  # noqa: E402
from chartly.reconcile.world import RunWorld, Settings  # noqa: E402
from chartly_operator.cache import Cache  # noqa: E402
from chartly_operator.gather import Gatherer  # noqa: E402
from chartly_operator.indexes import entries  # noqa: E402
from chartly_operator.intake import WatchIntake  # noqa: E402
from chartly_operator.queue import WorkQueue  # noqa: E402
from support.fake_clock import FakeClock  # noqa: E402
from support.memory_port import MemoryPort  # noqa: E402
from support.small_cluster import GLOBAL, SPACE, playbook_cluster, resource  # noqa: E402

PROFILES = (10, 100, 1_000, 10_000)
_RUNS = 200
_SETTINGS = Settings(connector_image="c", loader_image="l")


def launch_milliseconds(profiles: int) -> float:
    """The median over runs of one workflow, in a project with so many profiles."""
    cluster = playbook_cluster()
    spec = {"workflowRef": {"name": "sales-onboard"}}
    runs = [cluster.add(resource("WorkflowRun", f"run-{number}", spec)) for number in range(_RUNS)]
    clock = FakeClock()
    cache = Cache(entries)
    intake = WatchIntake(cache, WorkQueue(clock, lambda: 0.0), clock, lambda: False, GLOBAL)
    pattern = cluster.of("Profile")[0]
    for number in range(profiles):
        name = f"connector-other-{number}-1.0.0"
        intake.put({**pattern, "metadata": {**pattern["metadata"], "name": name, "uid": name}})
    for found in cluster.objects.values():
        if found["kind"] != "WorkflowRun":
            intake.put(found)
    gatherer = Gatherer(cache, intake, MemoryPort(), GLOBAL)

    async def launched() -> list[float]:
        return [await _launch(gatherer, intake, run, cluster.now) for run in runs]

    return statistics.median(asyncio.run(launched()))


async def _launch(
    gatherer: Gatherer, intake: WatchIntake, run: dict[str, Any], now: datetime
) -> float:
    intake.put(run)
    key = Key("WorkflowRun", SPACE, run["metadata"]["name"])
    began = time.perf_counter()
    world = await gatherer.world(key)
    decision = decide_run(cast("RunWorld", world), _SETTINGS, now)
    seconds = time.perf_counter() - began
    if not any(isinstance(action, Create) for action in decision.actions):
        raise RuntimeError(f"{key} is not launched: {decision.actions}")
    intake.drop(run)  # the next one has the workflow for itself
    return seconds * 1000


def main() -> None:
    for profiles in PROFILES:
        print(f"{profiles:>6} profiles {launch_milliseconds(profiles):>8.2f} ms")


if __name__ == "__main__":
    main()
