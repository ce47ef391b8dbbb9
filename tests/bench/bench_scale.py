"""Runs a minute through the operator on fake nodes, beside bare Jobs on the same rig.

Everything is real but the nodes: API server, controllers, scheduler, the operator's own process. Fake
nodes complete Pods at once, with the termination message of a good run. What happens is counted by
watches. Writes and processor time are all of the operator's, from the first run's creation until it
has nothing more to do: status, Jobs, frozen inputs, Events, and the read and write of each turn. The
same requests are then made once more by a plain client, which is the most that any operator reaches.
Prints a table and, last, ``runs/min: N (bare Jobs: M, ratio R)``.

Usage: python tests/bench/bench_scale.py [--runs 1000] [--projects 20] [--finished 10000]
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from bench.launch_cost import PROFILES, launch_milliseconds  # noqa: E402
from bench.scale_floor import floor  # noqa: E402
from bench.scale_objects import (  # noqa: E402
    OURS,
    bare_jobs,
    finished_runs,
    objects,
    spaces,
    workflow_runs,
)
from bench.scale_watch import Caller, Counter, Place, side_by_side  # noqa: E402
from chartly.names import MANAGED_BY  # noqa: E402
from cluster.rig import Rig  # noqa: E402
from support.cluster import fake_nodes  # noqa: E402

FAKE_NODES = 20
OPERATOR = "chartly-operator"
BARE = "namespaces/default"
_QUIET_SECONDS = 2.0
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Cost:
    """What the operator has spent so far."""

    processor_seconds: float
    writes: int


@dataclass(frozen=True)
class Burst:
    """What came of runs that were created all at once.

    Attributes:
        minute: how many finished a minute.
        processor: milliseconds of the operator's processor time per run.
        writes: API writes per run.
        waits: seconds from each one's creation to its Pod's, sorted.
    """

    minute: float
    processor: float
    writes: float
    waits: list[float]


def processor_seconds(pid: int) -> float:
    """Processor time of a process, its threads' included."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def peak_memory(pid: int) -> float:
    """The peak of a process's resident memory in MiB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def start_operator(rig: Rig, log: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "chartly_operator", "--no-lease", "--listen", "127.0.0.1:0"]
    command += ["--connector-image", "connector", "--loader-image", "loader"]
    environment = {**os.environ, "KUBECONFIG": str(rig.kubeconfig)}
    return subprocess.Popen(
        command, env=environment, stdout=log.open("wb"), stderr=subprocess.STDOUT
    )


def spent(rig: Rig, pid: int) -> Cost:
    """What the operator has spent, once it has written nothing for a while."""
    before = -1
    while (now := _operator_writes(rig)) != before:
        before = now
        time.sleep(_QUIET_SECONDS)
    return Cost(processor_seconds(pid), now)


def _operator_writes(rig: Rig) -> int:
    return sum(found.get("userAgent", "").startswith(OPERATOR) for found in rig.writes())


def waits(
    created: Mapping[Place, float], started: Mapping[Place, float], series: str
) -> list[float]:
    """Seconds from each object's creation to its Pod's, as watches showed both."""
    return sorted(
        started[place] - since
        for place, since in created.items()
        if place[1].startswith(f"{series}-") and place in started
    )


def bare_burst(rig: Rig, runs: int) -> tuple[float, list[float]]:
    """Jobs a minute without an operator, and seconds from each one's creation to its Pod's."""
    jobs = f"/apis/batch/v1/{BARE}/jobs"
    created, completed = Counter(rig, jobs), Counter(rig, jobs, "Complete")
    pods = Counter(rig, f"/api/v1/{BARE}/pods")
    began = time.monotonic()
    side_by_side(rig, bare_jobs(runs))
    completed.wait("bare", runs)
    return runs / (time.monotonic() - began) * 60, waits(created.times, pods.times, "bare")


@dataclass(frozen=True)
class Runs:
    """The watches of runs and their Pods."""

    rig: Rig
    created: Counter
    finished: Counter
    pods: Counter

    @classmethod
    def watched(cls, rig: Rig) -> "Runs":
        path = f"{OURS}/workflowruns"
        pods = Counter(rig, f"/api/v1/pods?labelSelector={MANAGED_BY}")
        return cls(rig, Counter(rig, path), Counter(rig, path, "Finished"), pods)

    def burst(self, pid: int, runs: int, projects: int) -> Burst:
        before = spent(self.rig, pid)
        began = time.monotonic()
        side_by_side(self.rig, workflow_runs(runs, projects, "burst"))
        self.finished.wait("burst", runs)
        rate = runs / (time.monotonic() - began) * 60
        after = spent(self.rig, pid)
        return Burst(
            rate,
            (after.processor_seconds - before.processor_seconds) / runs * 1000,
            (after.writes - before.writes) / runs,
            waits(self.created.times, self.pods.times, "burst"),
        )

    def paced(self, runs: int, projects: int, per_second: float) -> list[float]:
        """Waits while runs come at a given rate."""
        caller = Caller(self.rig)
        began = time.monotonic()
        for place, call in enumerate(workflow_runs(runs, projects, "paced")):
            time.sleep(max(0.0, began + place / per_second - time.monotonic()))
            caller(*call[0])
        self.finished.wait("paced", runs)
        return waits(self.created.times, self.pods.times, "paced")


def start_again(rig: Rig, folder: Path) -> tuple[float, float]:
    """Seconds until a new operator leads, and its memory then in MiB."""
    log = folder / "again.log"
    operator = start_operator(rig, log)
    try:
        began = time.monotonic()
        while b"leads now" not in log.read_bytes():
            time.sleep(0.1)
        return time.monotonic() - began, peak_memory(operator.pid)
    finally:
        operator.terminate()
        operator.wait(30)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--finished", type=int, default=10_000, help="runs at the second start")
    parser.add_argument("--projects", type=int, default=20)
    given = parser.parse_args()
    runs, projects = given.runs, given.projects
    with tempfile.TemporaryDirectory() as folder, fake_nodes(FAKE_NODES, audit="Metadata") as rig:
        rig.kubectl("apply", "--server-side", "-f", str(ROOT / "crds"))
        side_by_side(rig, spaces(projects))
        bare, bare_waits = bare_burst(rig, runs)
        operator = start_operator(rig, Path(folder) / "operator.log")
        try:
            began = time.monotonic()
            side_by_side(rig, objects(runs, projects))
            Counter(rig, f"{OURS}/workflows", "Ready").wait("flow", runs)
            ready = time.monotonic() - began
            watched = Runs.watched(rig)
            burst = watched.burst(operator.pid, runs, projects)
            paced = watched.paced(runs, projects, burst.minute / 60 / 2)
            peak = peak_memory(operator.pid)
        finally:
            operator.terminate()
            operator.wait(30)
        alone = floor(rig, runs, projects)
        side_by_side(rig, finished_runs(given.finished - 3 * runs, projects))
        again, after = start_again(rig, Path(folder))
    rows = [
        ("bare Jobs/min", f"{bare:,.0f}"),
        ("bare Jobs, created to Pod: p50, p99", _percentiles(bare_waits)),
        (f"{runs} workflows created and checked", f"{ready:.1f} s"),
        ("runs/min, all at once", f"{burst.minute:,.0f}"),
        ("created to Pod, all at once: p50, p99", _percentiles(burst.waits)),
        ("created to Pod, at half that rate: p50, p99", _percentiles(paced)),
        ("operator's processor time per run", f"{burst.processor:.1f} ms"),
        ("API writes per run", f"{burst.writes:.1f}"),
        ("runs/min of the same requests without operator", f"{alone:,.0f}"),
        *(
            (f"event loop per launch, {count:,} profiles", f"{launch_milliseconds(count):.2f} ms")
            for count in PROFILES
        ),
        ("operator's peak memory", f"{peak:.0f} MiB"),
        (f"start with {given.finished} finished runs", f"{again:.1f} s"),
        ("operator's memory then", f"{after:.0f} MiB"),
    ]
    for name, value in rows:
        print(f"{name:<48}{value:>16}")
    ratio = burst.minute / bare
    print(f"of the requests alone: {burst.minute / alone:.2f}; they alone: {alone / bare:.2f}")
    print(f"runs/min: {burst.minute:.0f} (bare Jobs: {bare:.0f}, ratio {ratio:.2f})")


def _percentiles(found: list[float]) -> str:
    if not found:
        return "none"
    return f"{statistics.median(found):.2f} s, {found[int(len(found) * 0.99) - 1]:.2f} s"


if __name__ == "__main__":
    main()
