"""A loader as a process of its own, to be killed: one attempt over a spool that others fill.

Usage: loader_process.py STORE SPOOL RUN ATTEMPT [MUTANT]
"""

import json
import sys
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


def main(store, spool, run, attempt, mutant=""):
    intake.GROUP_SEGMENTS = 2
    if mutant:
        setattr(intake.Intake, *MUTANTS[mutant])
    with closing(open_embedded(Path(store))) as engine:
        asked = request(sales_plan(), Path(spool), run, int(attempt))
        result = load(asked, engine, nothing, clock)
    print(json.dumps({"reason": result.reason, "message": result.message, "counts": result.counts}))


if __name__ == "__main__":
    main(*sys.argv[1:])
