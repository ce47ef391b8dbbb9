"""Loaders as processes: started, hit by signals, followed by their next attempts."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from chartly.errors import RunError
from chartly_spool.segment import STATE
from chartly_spool.spool_writer import SpoolWriter
from chartly_store.embedded import open_embedded
from faults.mortal import Moment
from faults.oracle import ExactnessError, Oracle, Page, bodies_of, some_pages
from faults.plans import plan_of
from faults.scale import chance
from faults.tally import TALLY, Tally
from support.loading import segment_meta
from support.spooling import MAIN, ended

TESTS = Path(__file__).parents[1]
PAGES = 24
_CALLS = 70
"""Engine calls of a loader among which it is hit; a whole attempt has some more."""
_GIVE_UP = 30.0
_POLL = 0.005
_STOP_SHARE = 0.15


def environment() -> dict[str, str]:
    """Of a process that finds this folder's modules."""
    path = os.pathsep.join(filter(None, (str(TESTS), os.environ.get("PYTHONPATH"))))
    return {**os.environ, "PYTHONPATH": path}


def spawn(*arguments: object) -> subprocess.Popen[str]:
    """A loader's process; see ``faults.loader_process``."""
    return subprocess.Popen(
        [sys.executable, "-m", "faults.loader_process", *map(str, arguments)],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def stopped(process: subprocess.Popen[str]) -> bool:
    """Waits until a process has stopped or ended; whether it has stopped."""
    flags = os.WSTOPPED | os.WEXITED | os.WNOWAIT
    found = os.waitid(os.P_PID, process.pid, flags)
    return found is not None and found.si_code == os.CLD_STOPPED


def outcome(process: subprocess.Popen[str], tally: Tally) -> dict[str, Any] | None:
    """What a loader said at its end, or None if it was killed before."""
    try:
        out, err = process.communicate(timeout=_GIVE_UP)
    finally:
        process.kill()
        process.wait()
    if process.returncode == -signal.SIGKILL:
        tally.kills += 1
        return None
    if process.returncode:
        raise ExactnessError(err[-2000:])
    said: dict[str, Any] = json.loads(out)
    return said


@dataclass
class Harness:
    """Runs over one embedded store, one after the other, each hit several times on its way."""

    folder: Path
    name: str
    mutant: str = ""
    plan: str = "playbook"
    calls: int = _CALLS
    keys: int = 150
    tally: Tally = field(default_factory=Tally)
    runs: int = 0

    def __post_init__(self) -> None:
        if not self.mutant:
            self.tally = TALLY
        self._chance = chance(self.name)
        self.oracle = Oracle(plan_of(self.plan), self.tally, self.folder / "checkpoint")

    def run(self, *moments: Moment) -> list[Page]:
        """One run whose attempts are hit, one moment each, and checked when it has succeeded."""
        self.runs += 1
        name = f"run-{self.runs}"
        pages = some_pages(self._chance, PAGES, self.keys)
        said = self._attempts(name, bodies_of(pages), moments)
        self.oracle.expect(pages)
        with closing(open_embedded(self.folder / "store")) as engine:
            try:
                self.oracle.check(engine, name, pages, said["counts"])
            except ExactnessError as error:
                # A loader may have seen it, too; the tables are what counts.
                told = f"{said['reason']} {said['message']}"
                raise ExactnessError(f"{error}; the loader said: {told}") from error
        return pages

    def some_moments(self, number: int) -> list[Moment]:
        """Moments all over an attempt.

        Calls count, so that hits are spread over a run on a fast machine and a slow one alike;
        the time after the call lets them fall into the middle of an insert.
        """
        moves = self._chance
        return [
            Moment(
                "stop" if moves.random() < _STOP_SHARE else "kill",
                "",
                moves.randrange(1, self.calls),
                "within",
                moves.choice((0, 0.001, 0.004)),
            )
            for _ in range(number)
        ]

    def _attempts(
        self, name: str, bodies: list[bytes], moments: tuple[Moment, ...]
    ) -> dict[str, Any]:
        for attempt, moment in enumerate((*moments, None), 1):
            said = self._attempt((name, attempt), bodies, moment)
            if said is not None:
                return said
        raise ExactnessError(f"{name}: the attempt that nothing hit was killed")

    def _attempt(
        self, identity: tuple[str, int], bodies: list[bytes], moment: Moment | None
    ) -> dict[str, Any] | None:
        name, attempt = identity
        spool = self.folder / f"{name}-{attempt}"
        spool.mkdir()
        more = ["--moment", *moment.words] if moment else []
        process = spawn(
            *(self.folder / "store", spool, name, attempt),
            *("--plan", self.plan, "--mutant", self.mutant, *more),
        )
        with connecting(spool, bodies):
            if moment and moment.signal == "stop" and stopped(process):
                self._look_in(process)
            return outcome(process, self.tally)

    def _look_in(self, process: subprocess.Popen[str]) -> None:
        """A stopped owner keeps the store: nobody may write beside it."""
        self.tally.stops += 1
        with pytest.raises(RunError, match=f"in use by process {process.pid};"):
            open_embedded(self.folder / "store")
        process.send_signal(signal.SIGCONT)


@contextmanager
def connecting(spool: Path, bodies: list[bytes]) -> Iterator[None]:
    """What a connector does beside the block: waits for the state, writes pages, ends."""
    gone = threading.Event()
    thread = threading.Thread(target=_connect, args=(spool, bodies, gone))
    thread.start()
    try:
        yield
    finally:
        gone.set()
        thread.join(_GIVE_UP)


def _connect(spool: Path, bodies: list[bytes], gone: threading.Event) -> None:
    while not (spool / STATE).exists():
        if gone.wait(_POLL):
            return
    with suppress(RunError), SpoolWriter(spool) as writer:
        start = writer.wait_for_state(_GIVE_UP).slices[MAIN]
        first = len(bodies) if start.complete else start.next_page
        for number, body in enumerate(bodies[first:], first):
            writer.write(segment_meta(number, body, last=number == len(bodies) - 1), body)
        writer.end(ended(len(bodies) - first))
