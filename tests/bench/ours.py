"""From spool to table by Chartly's loader, on the embedded engine."""

import subprocess
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from bench.child import command, environment
from bench.sales import ORDERED
from bench.spool import WIDE
from bench.wide import CHANGES
from chartly.errors import Reason
from chartly_loader.load import load
from chartly_store.embedded import open_embedded
from support.loading import clock, nothing, request, sales_plan


def load_spool(place: str, events: int, order: str = ORDERED) -> dict[str, Any]:
    """Loads ``place/spool`` into ``place/store``: seconds of the load step and of the whole run."""
    plan = sales_plan(changes=CHANGES if order == WIDE else {})
    with closing(open_embedded(Path(place) / "store")) as engine:
        started = time.perf_counter()
        result = load(request(plan, Path(place) / "spool"), engine, nothing, clock)
        whole = time.perf_counter() - started
    if result.reason is not Reason.SUCCEEDED or result.counts["loaded"] != events:
        raise AssertionError(f"{result.reason}: {result.message} {result.counts}")
    return {"load": result.seconds["load"], "whole": whole}


def load_stream(place: str, events: int, size: int) -> dict[str, Any]:
    """The same, of events that a process beside it writes into the spool meanwhile."""
    spool = Path(place) / "spool"
    spool.mkdir(parents=True)
    feeder = command("spool:feed", spool=spool, events=events, order=ORDERED, size=size)
    with subprocess.Popen(feeder, env=environment(), stdout=subprocess.DEVNULL):
        return load_spool(place, events)
