"""Kills loaders at random moments, and compares what they leave with what must be there."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
from collections import Counter
from contextlib import closing, suppress
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from chartly.errors import RunError
from chartly.plan.runplan import MAIN_STREAM
from chartly_spool.segment import STATE
from chartly_spool.writer import SpoolWriter
from chartly_store.audit import AuditLog, Checkpoint
from chartly_store.embedded import open_embedded
from chartly_store.project import ProjectStore
from support.loading import ended, page, sale, sales_plan, segment_meta

TESTS = Path(__file__).parents[1]
PAGES = 24
_CALLS = 70
"""Engine calls of a loader among which it dies; a whole attempt has some more."""
_GIVE_UP = 30.0
_POLL = 0.005


class ExactnessError(AssertionError):
    """The tables are not what the pages say."""


@dataclass
class Harness:
    """Runs over one store, one after the other, each killed several times on its way.

    Attributes:
        events: what must be there: for each key its day and amount, as the last page said.
    """

    folder: Path
    seed: int
    mutant: str = ""
    kills: int = 0
    runs: int = 0
    events: dict[str, tuple[int, Decimal]] = field(default_factory=dict)
    rejects: int = 0

    def __post_init__(self):
        self._random = random.Random(self.seed)
        self._plan = sales_plan()

    def run(self, kills):
        """One run with up to so many kills, checked when it has succeeded."""
        self.runs += 1
        name = f"run-{self.runs}"
        records = [self._page() for _ in range(PAGES)]
        bodies = [page([_sale(one) for one in of_page]) for of_page in records]
        left = kills
        for attempt in range(1, kills + 2):
            said = self._attempt((name, attempt), bodies, kill=left > 0)
            if said is not None:
                break
            left -= 1
        self._expect(records)
        self._check(said, records)

    def _page(self):
        moves = self._random
        keys = [f"k{moves.randrange(150)}" for _ in range(moves.randrange(5))]
        return [
            (key, moves.randrange(1, 5), moves.choice([None, *range(1, 8)]), moves.random())
            for key in keys
        ]

    def _attempt(self, identity, bodies, *, kill):
        """What a loader said, or None if it was killed before."""
        name, attempt = identity
        spool = self.folder / f"{name}-{attempt}"
        spool.mkdir()
        gone = threading.Event()
        connector = threading.Thread(target=_connect, args=(spool, bodies, gone))
        command = [sys.executable, str(TESTS / "faults" / "loader_process.py")]
        command += [str(self.folder / "store"), str(spool), name, str(attempt)]
        command += ["--mutant", self.mutant, "--dies", *(self._moment() if kill else ())]
        process = subprocess.Popen(
            command,
            env={**os.environ, "PYTHONPATH": str(TESTS)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        connector.start()
        try:
            out, err = process.communicate(timeout=_GIVE_UP)
        finally:
            process.kill()
            process.wait()
            gone.set()
            connector.join(_GIVE_UP)
        if process.returncode == -signal.SIGKILL:
            self.kills += 1
            return None
        if process.returncode:
            raise ExactnessError(err[-2000:])
        return json.loads(out)

    def _moment(self):
        """When a loader dies: so long after it has called its engine so many times.

        Calls count, so that the kills are spread over a run on a fast machine and a slow one alike;
        the time after the call lets them fall into the middle of an insert.
        """
        return str(self._random.randrange(_CALLS)), str(self._random.choice((0, 0.001, 0.004)))

    def _expect(self, records):
        for of_page in records:
            for key, day, amount, _ in of_page:
                if amount is None:
                    self.rejects += 1
                else:
                    self.events[key] = (day, Decimal(amount) / 100 + 100_000_000_000_000)

    def _check(self, said, records):
        """INV-4, and set equality with the oracle."""
        flat = [one for of_page in records for one in of_page]
        good = [one for one in flat if one[2] is not None]
        keys = {one[0] for one in good}
        _same("reason", said["reason"], "Succeeded")
        counts = said["counts"]
        wanted = {"pages": PAGES, "read": len(flat), "loaded": len(keys), "late": 0, "filtered": 0}
        wanted |= {"rejected": len(flat) - len(good), "duplicate": len(good) - len(keys)}
        _same("counts", {name: counts[name] for name in wanted}, wanted)
        with closing(open_embedded(self.folder / "store")) as engine:
            store = ProjectStore(engine, self._plan.project)
            view = store.view("sales-events")
            found = engine.rows(f"SELECT event_id, toDayOfMonth(occurred_at), amount FROM {view}")
            rejects = engine.rows(
                f"SELECT count() FROM `{store.database}`.`sales_events__rejected` FINAL"
            )
            days = engine.rows(
                f"SELECT toDayOfMonth(day), orders, total_amount "
                f"FROM {store.view('sales-rollup-daily')}"
            )
            verdicts = AuditLog(store, Checkpoint(self.folder / "checkpoint")).verify()
        rows = {key: (day, amount) for key, day, amount in found}
        _same("lost", sorted(set(self.events) - set(rows)), [])
        _same("doubled", [key for key, n in Counter(row[0] for row in found).items() if n > 1], [])
        _same("rows", rows, self.events)
        _same("rejects", rejects, [(self.rejects,)])
        orders = Counter(day for day, _ in self.events.values())
        sums = {
            day: sum(amount for on, amount in self.events.values() if on == day) for day in orders
        }
        _same("rollup", sorted(days), sorted((day, n, sums[day]) for day, n in orders.items()))
        _same("audit", [one for one in verdicts if one.verdict.fault is not None], [])


def _sale(one):
    key, day, amount, salt = one
    text = "null" if amount is None else str(Decimal(amount) / 100 + 100_000_000_000_000)
    body = sale(key, text, f"2026-02-0{day}T10:00:00Z")
    # No two pages are equal, so that no two rejects have one raw_ref.
    return body[:-1] + f', "salt": {salt}}}'.encode()


def _connect(spool, bodies, gone):
    """What a connector does: waits for the state, writes what is missing, and ends."""
    while not (spool / STATE).exists():
        if gone.wait(_POLL):
            return
    with suppress(RunError), SpoolWriter(spool) as writer:
        start = writer.wait_for_state(_GIVE_UP).streams[MAIN_STREAM]
        first = len(bodies) if start.complete else start.next_number
        for number, body in enumerate(bodies[first:], first):
            writer.write(segment_meta(number, body, last=number == len(bodies) - 1), body)
        writer.end(ended(len(bodies) - first))


def _same(what, found, wanted):
    if found != wanted:
        raise ExactnessError(f"{what}: found {found!r}, wanted {wanted!r}")
