"""A loader as a process of its own that gets a signal on its way: one attempt over a spool."""

import argparse
import json
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from chartly.api.reference import parse_project
from chartly.errors import ChartlyError
from chartly_loader import load_batch, page_intake
from chartly_loader.load import load
from chartly_store.embedded import open_embedded
from chartly_store.server import open_server
from faults.mortal import MortalEngine, moment
from faults.mutants import become
from faults.plans import PLANS, plan_of
from support.loading import clock, nothing, request
from support.profiles import HOME

ROWS = 4
"""Of one commit: few, so that a run has many."""


def main() -> None:
    parser = argparse.ArgumentParser()
    for name, kind in (("store", Path), ("spool", Path), ("run", str), ("attempt", int)):
        parser.add_argument(name, type=kind)
    parser.add_argument("--server", action="store_true", help="the store is a server's Secret")
    parser.add_argument("--project", type=parse_project, default=HOME)
    parser.add_argument("--plan", default="playbook", choices=PLANS)
    parser.add_argument("--mutant", default="")
    parser.add_argument("--moment", nargs=5, help="as Moment.words")
    given = parser.parse_args()
    page_intake.BATCH_ROWS = ROWS
    load_batch.ROWS_A_PART = 1
    if given.mutant:
        become(given.mutant)
    plan = plan_of(given.plan, given.project)
    asked = request(plan, given.spool, given.run, given.attempt)
    if given.server:
        asked = replace(asked, checkpoint=None)
    try:
        with closing((open_server if given.server else open_embedded)(given.store)) as engine:
            mortal = MortalEngine(engine, moment(given.moment)) if given.moment else engine
            result = load(asked, mortal, nothing, clock)
        said = {"reason": result.reason, "message": result.message, "counts": result.counts}
    except ChartlyError as error:
        said = {"reason": error.reason, "message": error.message, "counts": {}}
    print(json.dumps(said))


if __name__ == "__main__":
    main()
