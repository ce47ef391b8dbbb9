"""The turn of a workflow: which run holds it, and whether that run is over.

The Workflow's ``status.active`` names the holders. Only an operator that takes the turn for a run
writes it, with the resourceVersion that was read, so that of two that take it at once one is
refused. The turn is never given back: before it is taken again, the holder's run must be over and
none of its Pods may run.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from chartly.reconcile.actions import Object
from chartly.reconcile.attempt_end import is_job_over, is_pod_over
from chartly.reconcile.objects import (
    ACTIVE,
    EPOCH,
    is_being_deleted,
    name_of,
    owned_by,
    parse_timestamp,
    status_of,
    uid_of,
)
from chartly.reconcile.run_course import is_finished

_IN_FLIGHT = 10.0
"""Seconds after the end of an attempt in which its Job may still be created: a write times out
after five.
"""


class HolderState(Enum):
    """Whether a holder still needs the turn."""

    ACTIVE = "active"
    """Its run has not ended."""
    ENDING = "ending"
    """Its run is over or about to be; a Pod of it may still run."""
    OVER = "over"
    """Its run is over, and nothing of it runs."""
    UNKNOWN = "unknown"
    """The cached view is not enough to decide."""


@dataclass(frozen=True)
class Holder:
    """A run that the Workflow's status names as active.

    Attributes:
        resource: the run, if it exists.
        jobs: the Jobs of the run; pods: its Pods, whether their Job exists or not.
        live: whether it was read from the API server just now; a cached view may lack objects.
    """

    run: str
    uid: str
    resource: Object | None
    jobs: tuple[Object, ...] = ()
    pods: tuple[Object, ...] = ()
    live: bool = False


def holders_of(workflow: Object) -> Iterator[tuple[str, str]]:
    """Name and uid of each run that holds the turn."""
    for holder in status_of(workflow).get(ACTIVE) or ():
        yield str(holder["run"]), str(holder["uid"])


def holder_status(run: str, uid: str, epoch: int) -> dict[str, Any]:
    """The part of a Workflow's status that names the holder of the turn."""
    return {ACTIVE: [{"run": run, "uid": uid}], EPOCH: epoch}


def vacant_status(epoch: int) -> dict[str, Any]:
    """The same part while no run holds the turn."""
    return {ACTIVE: [], EPOCH: epoch}


def epoch_of(workflow: Object) -> int:
    """The number of the last turn; 0 before the first."""
    return int(status_of(workflow).get(EPOCH) or 0)


def next_epoch(workflow: Object, now: datetime) -> int:
    """The number of the next turn: above every earlier one.

    A Workflow that was deleted and created again has no epoch in its status, while its datasets
    have the last one; so the time in milliseconds is taken where that is higher.
    """
    return max(epoch_of(workflow) + 1, int(now.timestamp() * 1000))


def holder_state(holder: Holder, now: datetime) -> HolderState:
    """Whether a holder still needs the turn.

    The outcome of a run and the end of its Job never change, so a stale view suffices for them.
    That an object does not exist, only a read of the API server proves.
    """
    run = holder.resource
    if run is not None and not is_finished(run):
        if is_being_deleted(run):
            return HolderState.ENDING
        if not is_suspended(run) or status_of(run).get("attempts"):
            return HolderState.ACTIVE
        return HolderState.OVER if holder.live else HolderState.UNKNOWN
    ended = all(map(is_pod_over, holder.pods))
    if not ended or not all(_is_over(holder, job) for job in holder.jobs):
        return HolderState.ENDING
    if holder.live:
        return HolderState.ENDING if _may_begin(holder, now) else HolderState.OVER
    return HolderState.OVER if _has_all_jobs(holder) else HolderState.UNKNOWN


def is_suspended(run: Object) -> bool:
    return bool((run["spec"].get("control") or {}).get("suspend"))


def _is_over(holder: Holder, job: Object) -> bool:
    return is_job_over(job, owned_by(holder.pods, uid_of(job)))


def _may_begin(holder: Holder, now: datetime) -> bool:
    """Whether a slow write may still create the last attempt's Job, which was never observed."""
    attempts = [] if holder.resource is None else status_of(holder.resource).get("attempts") or []
    last = attempts[-1] if attempts else {}
    if "uid" in last or "end" not in last or last["job"] in map(name_of, holder.jobs):
        return False
    return (now - parse_timestamp(last["end"])).total_seconds() < _IN_FLIGHT


def _has_all_jobs(holder: Holder) -> bool:
    """Whether the Job of every attempt is in view."""
    if holder.resource is None:
        return False
    jobs = {(name_of(job), uid_of(job)) for job in holder.jobs}
    attempts = status_of(holder.resource).get("attempts") or ()
    return all((attempt["job"], attempt.get("uid")) in jobs for attempt in attempts)
