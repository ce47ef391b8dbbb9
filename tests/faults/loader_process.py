"""A loader as a process of its own that kills itself: one attempt over a spool that others fill."""

import argparse
import json
import os
import signal
import threading
import time
from contextlib import closing
from pathlib import Path

import pyarrow as pa

from chartly_loader import intake
from chartly_loader.run import load
from chartly_store.embedded import open_embedded
from support.loading import clock, nothing, request, sales_plan


def _ledger_first(self, group, reader):
    """The mistake that the harness must catch."""
    self._target.ledger.commit(group.ledger)
    rows = pa.concat_tables(group.tables)
    self._target.table.insert(self._winners(rows) if group.duplicates else rows)
    self._target.table.insert_rejects(group.rejects)
    reader.done(page.segment for page in group.ledger)


def _sequence_from_one(self, rows, number):
    """Another: versions that start anew in every attempt, so that an older row may win."""
    return pa.repeat(pa.scalar(2**32 - self._target.ordinal, pa.uint64()), rows.num_rows)


MUTANTS = {
    "ledger-first": ("_commit", _ledger_first),
    "old-wins": ("_versions", _sequence_from_one),
}


class MortalEngine:
    """An engine whose process gets SIGKILL some time after so many calls, whatever it does then."""

    def __init__(self, engine, calls, seconds):
        self._engine = engine
        self._calls = calls
        self._seconds = seconds

    def __getattr__(self, name):
        if name != "close":
            self._calls -= 1
            if self._calls == 0:
                threading.Thread(target=self._die, daemon=True).start()
        return getattr(self._engine, name)

    def _die(self):
        time.sleep(self._seconds)
        os.kill(os.getpid(), signal.SIGKILL)


def main():
    parser = argparse.ArgumentParser()
    for name, kind in (("store", Path), ("spool", Path), ("run", str), ("attempt", int)):
        parser.add_argument(name, type=kind)
    parser.add_argument("--mutant", default="")
    parser.add_argument("--dies", type=float, nargs="*", help="after CALLS calls and SECONDS")
    given = parser.parse_args()
    intake.GROUP_SEGMENTS = 2
    if given.mutant:
        setattr(intake.Intake, *MUTANTS[given.mutant])
    with closing(open_embedded(given.store)) as engine:
        mortal = MortalEngine(engine, *given.dies) if given.dies else engine
        result = load(
            request(sales_plan(), given.spool, given.run, given.attempt), mortal, nothing, clock
        )
    print(json.dumps({"reason": result.reason, "message": result.message, "counts": result.counts}))


if __name__ == "__main__":
    main()
