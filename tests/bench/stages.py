"""Where the processor's time goes in a load, by methods that are timed from outside.

Nothing of the product knows of it: a stage is a method's name, and one that is never called is an
error, so that a method that was renamed does not silently count as nothing.
"""

import functools
import importlib
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

from bench.ours import load_spool

STAGES = {
    "read and verify the page": "chartly_spool.spool_reader:SpoolReader.next_segments",
    "decode": "chartly.extract.pages:PageReader.read",
    "shape": "chartly.extract.shaper:Shaper.shape",
    "keys that were seen": "chartly_loader.seen_keys:SeenKeys.add",
    "envelope and counts": "chartly_loader.shaping:Shaping.shape",
    "insert, the caller's part": "chartly_store.event_table:EventTable.insert",
    "ledger": "chartly_store.ledger:Ledger.commit",
    "remove the page": "chartly_spool.spool_reader:SpoolReader.done",
}
REST = "the engine's threads, and the rest"
_WHOLE = "chartly_loader.page_intake:PageIntake.run"

_T = TypeVar("_T")


class _Tally:
    """Seconds by stage; a stage within another is not counted twice."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._open = threading.local()
        self._lock = threading.Lock()

    def timed(self, stage: str, method: Callable[..., _T]) -> Callable[..., _T]:
        @functools.wraps(method)
        def inner(*given: Any, **named: Any) -> _T:
            within: list[float] = self._open.__dict__.setdefault("within", [])
            within.append(0.0)
            started = time.thread_time()
            try:
                return method(*given, **named)
            finally:
                passed = time.thread_time() - started
                self._enter(stage, passed - within.pop())
                if within:
                    within[-1] += passed

        return inner

    def _enter(self, stage: str, seconds: float) -> None:
        with self._lock:
            self.seconds[stage] = self.seconds.get(stage, 0.0) + seconds


def stage_costs(place: str, events: int) -> dict[str, Any]:
    """Processor seconds of each stage for a million events, of all threads."""
    kept = _Tally()
    for stage, name in STAGES.items():
        _replace(name, functools.partial(kept.timed, stage))
    whole: list[float] = []
    _replace(_WHOLE, functools.partial(_of_process, whole))
    load_spool(place, events)
    never = STAGES.keys() - kept.seconds.keys()
    if never:
        raise AssertionError(f"never called: {', '.join(sorted(never))}")
    seconds = {stage: kept.seconds[stage] for stage in STAGES}
    seconds[REST] = sum(whole) - sum(seconds.values())
    return {"seconds": {name: one * 1_000_000 / events for name, one in seconds.items()}}


def _replace(name: str, wrap: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    module, _, path = name.partition(":")
    owner_name, _, method = path.partition(".")
    owner = getattr(importlib.import_module(module), owner_name)
    setattr(owner, method, wrap(getattr(owner, method)))


def _of_process(found: list[float], method: Callable[..., _T]) -> Callable[..., _T]:
    """Enters the time of all threads, the engine's too."""

    @functools.wraps(method)
    def inner(*given: Any, **named: Any) -> _T:
        started = time.process_time()
        try:
            return method(*given, **named)
        finally:
            found.append(time.process_time() - started)

    return inner
