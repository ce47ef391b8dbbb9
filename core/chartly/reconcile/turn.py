"""Whose turn it is among the runs of a workflow: who holds it, and whether that is over.

The Workflow's ``status.active`` names the holders. It is written only by whoever takes the turn,
with the resourceVersion that was read, so that of two who take it at once one is refused. Nobody
gives it back: the next one to take it sees that a holder's run is over, and nothing of it runs.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from chartly.reconcile.actions import Object
from chartly.reconcile.attempt_end import is_at_rest, is_pod_over
from chartly.reconcile.objects import (
    ACTIVE,
    EPOCH,
    is_going,
    moment,
    name_of,
    owned_by,
    status_of,
    uid_of,
)
from chartly.reconcile.run_course import is_finished

_ON_ITS_WAY = 10.0
"""Seconds after the end of an attempt in which its Job may still be made: a write is given up
after five.
"""


class Standing(Enum):
    """How a holder of the turn fares."""

    ACTIVE = "active"
    """Its run goes on."""
    LEAVING = "leaving"
    """Its run is over or about to be; a Pod of it may still run."""
    OVER = "over"
    """It needs the turn no more."""
    UNKNOWN = "unknown"
    """The view at hand does not tell."""


@dataclass(frozen=True)
class Holder:
    """A run that the Workflow's status names as active.

    Attributes:
        found: the run, if it is there.
        jobs: the Jobs of the run; pods: its Pods, whether their Job is there or not.
        live: whether the API server was just asked; a view may lack what is there.
    """

    run: str
    uid: str
    found: Object | None
    jobs: tuple[Object, ...] = ()
    pods: tuple[Object, ...] = ()
    live: bool = False


def holders_of(workflow: Object) -> Iterator[tuple[str, str]]:
    """Name and uid of each run that holds the turn."""
    for one in status_of(workflow).get(ACTIVE) or ():
        yield str(one["run"]), str(one["uid"])


def held_by(run: str, uid: str, epoch: int) -> dict[str, Any]:
    """The part of a Workflow's status that says who holds the turn."""
    return {ACTIVE: [{"run": run, "uid": uid}], EPOCH: epoch}


def held_by_nobody(epoch: int) -> dict[str, Any]:
    """The same of a turn that is about to be taken."""
    return {ACTIVE: [], EPOCH: epoch}


def epoch_of(workflow: Object) -> int:
    """The number of the last turn; 0 before the first."""
    return int(status_of(workflow).get(EPOCH) or 0)


def next_epoch(workflow: Object, now: datetime) -> int:
    """The number of the next turn: above every one before it.

    A Workflow that was deleted and made again counts from the beginning, while its datasets have
    the last epoch; so it is the time in milliseconds where that is higher.
    """
    return max(epoch_of(workflow) + 1, int(now.timestamp() * 1000))


def standing_of(holder: Holder, now: datetime) -> Standing:
    """How a holder fares.

    That a run has its outcome, and that its Job has ended, is so for ever: a view that is behind
    may be believed. That something is not there, only the API server tells.
    """
    run = holder.found
    if run is not None and not is_finished(run):
        if is_going(run):
            return Standing.LEAVING
        if not is_suspended(run) or status_of(run).get("attempts"):
            return Standing.ACTIVE
        return Standing.OVER if holder.live else Standing.UNKNOWN
    ended = all(map(is_pod_over, holder.pods))
    if not ended or not all(_rests(holder, one) for one in holder.jobs):
        return Standing.LEAVING
    if holder.live:
        return Standing.LEAVING if _may_begin(holder, now) else Standing.OVER
    return Standing.OVER if _is_accounted_for(holder) else Standing.UNKNOWN


def is_suspended(run: Object) -> bool:
    return bool((run["spec"].get("control") or {}).get("suspend"))


def _rests(holder: Holder, job: Object) -> bool:
    return is_at_rest(job, owned_by(holder.pods, uid_of(job)))


def _may_begin(holder: Holder, now: datetime) -> bool:
    """Whether the last attempt's Job, which nobody has seen, may still be made by a slow write."""
    attempts = [] if holder.found is None else status_of(holder.found).get("attempts") or []
    last = attempts[-1] if attempts else {}
    if "uid" in last or "end" not in last or last["job"] in map(name_of, holder.jobs):
        return False
    return (now - moment(last["end"])).total_seconds() < _ON_ITS_WAY


def _is_accounted_for(holder: Holder) -> bool:
    """Whether the Job of every attempt is in view."""
    if holder.found is None:
        return False
    seen = {(name_of(one), uid_of(one)) for one in holder.jobs}
    attempts = status_of(holder.found).get("attempts") or ()
    return all((one["job"], one.get("uid")) in seen for one in attempts)
