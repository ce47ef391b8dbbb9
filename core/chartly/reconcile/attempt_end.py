"""How an attempt ended, as its Job and Pod tell it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from chartly.errors import REASONS, Reason, Retry, reason_of, recorded_reason
from chartly.reconcile.actions import Object
from chartly.reconcile.objects import condition_of, moment, status_of

CONNECTOR = "connector"
LOADER = "loader"
BEING_STARTED = "the Pod is being started"
_MESSAGE_LIMIT = 400
_FAREWELL = 15.0
_PARTING = 60.0
"""Longer than the grace in which a Pod's containers end; a node that is lost never tells."""
_LOST = frozenset({Reason.PEER_LOST, Reason.RESULT_UNKNOWN})
"""What one container says when the other one is the cause."""


@dataclass(frozen=True)
class AttemptEnd:
    """How an attempt ended.

    Attributes:
        exit_code: of the container that tells the reason; None where no container does.
        said: what the loader left in its termination message.
    """

    reason: Reason
    message: str
    exit_code: int | None = None
    said: dict[str, Any] = field(default_factory=dict)


def end_of(job: Object, pods: Sequence[Object], now: datetime) -> AttemptEnd | None:
    """How the attempt of a Job ended; None while it goes on, or its Pod is not seen yet."""
    late = _late(job)
    pod = next(iter(pods), None)
    if pod is None:
        over = condition_of(job, "Complete") or condition_of(job, "Failed")
        unknown = AttemptEnd(Reason.RESULT_UNKNOWN, "the Pod is gone and left no word")
        return late or (unknown if over else None)
    if not is_pod_over(pod) and patience(pod, now) != 0.0:
        return late if parting(job, now) == 0.0 else None
    end = _of_containers(_terminated(pod))
    if late is not None:
        return overruled(late, end)
    if end.reason is not Reason.SUCCEEDED and _is_evicted(pod):
        why = status_of(pod).get("message") or "the cluster took the Pod's place"
        return AttemptEnd(Reason.EVICTED, str(why)[:_MESSAGE_LIMIT], end.exit_code, end.said)
    return end


def word_of(pods: Sequence[Object]) -> AttemptEnd | None:
    """What the loader of an attempt has said at its end; None while it has not."""
    for pod in pods:
        if LOADER in (states := _terminated(pod)):
            return _of_containers(states)
    return None


def overruled(by: AttemptEnd, word: AttemptEnd | None) -> AttemptEnd:
    """The end of an attempt that somebody else ends: what is stored and recorded stays so.

    A loader that has finished has succeeded, whatever came after it; and what another one had
    counted is not lost.
    """
    if word is None:
        return by
    if word.reason is Reason.SUCCEEDED:
        return word
    return AttemptEnd(by.reason, by.message, word.exit_code, word.said)


def is_at_rest(job: Object, pods: Sequence[Object]) -> bool:
    """Whether nothing of an attempt runs any more."""
    ended = any(
        (condition_of(job, kind) or {}).get("status") == "True" for kind in ("Complete", "Failed")
    )
    return ended or (bool(pods) and all(map(is_pod_over, pods)))


def patience(pod: Object, now: datetime) -> float | None:
    """Seconds that a connector without its loader is given to notice; None while the loader runs.

    A loader that dies before it takes its lock leaves no sign of it in the spool.
    """
    loader = _terminated(pod).get(LOADER)
    if loader is None:
        return None
    since = now - moment(loader["finishedAt"]) if "finishedAt" in loader else timedelta()
    return max(0.0, _FAREWELL - since.total_seconds())


def _late(job: Object) -> AttemptEnd | None:
    """The end that the cluster has given a Job which took too long."""
    if not _failed_as(job, "DeadlineExceeded"):
        return None
    return AttemptEnd(Reason.DEADLINE_EXCEEDED, "the run took longer than its deadline")


def parting(job: Object, now: datetime) -> float | None:
    """Seconds that a Pod still has for its last word; None while nobody has failed its Job."""
    if _late(job) is None:
        return None
    failed = condition_of(job, "FailureTarget") or condition_of(job, "Failed") or {}
    since = now - moment(failed["lastTransitionTime"])
    return max(0.0, _PARTING - since.total_seconds())


def waits_for(pod: Object | None) -> str | None:
    """Why a Pod does not run yet, in the words of the cluster; None if it does."""
    if pod is None:
        return BEING_STARTED
    status = status_of(pod)
    if status.get("phase", "Pending") != "Pending":
        return None
    for container in status.get("containerStatuses") or ():
        waiting = container.get("state", {}).get("waiting") or {}
        if waiting.get("reason") not in (None, "ContainerCreating", "PodInitializing"):
            said = f"{container['name']}: {waiting['reason']}: {waiting.get('message', '')}"
            return said[:_MESSAGE_LIMIT]
    scheduled = condition_of(pod, "PodScheduled")
    if scheduled is not None and scheduled["status"] == "False":
        return f"{scheduled.get('reason', '')}: {scheduled.get('message', '')}"[:_MESSAGE_LIMIT]
    return BEING_STARTED


def _of_containers(states: dict[str, dict[str, Any]]) -> AttemptEnd:
    loader = _of_container(LOADER, states.get(LOADER))
    if loader.reason not in _LOST:
        return loader
    connector = _of_container(CONNECTOR, states.get(CONNECTOR))
    if connector.reason in (*_LOST, Reason.SUCCEEDED):
        return loader
    return AttemptEnd(connector.reason, connector.message, connector.exit_code, loader.said)


def _of_container(name: str, state: dict[str, Any] | None) -> AttemptEnd:
    if state is None:
        return AttemptEnd(Reason.RESULT_UNKNOWN, f"{name} left no word")
    code = int(state.get("exitCode", 1))
    said = _said(state.get("message"))
    reason = said.get("reason")
    if isinstance(reason, str):
        return _told(reason, str(said.get("message", "")), code, said)
    if state.get("reason") == "OOMKilled":
        return AttemptEnd(Reason.OUT_OF_MEMORY, f"{name} took more memory than its limit", code)
    if code == 0:
        return AttemptEnd(Reason.RESULT_UNKNOWN, f"{name} ended with code 0 and left no word", code)
    told = f"{name} ended with code {code}: {REASONS[reason_of(code)].meaning}"
    return AttemptEnd(reason_of(code), told, code)


def _told(word: str, message: str, code: int, said: dict[str, Any]) -> AttemptEnd:
    """An end in a runner's own words; one that is new to us is told beside what its code means."""
    reason, message = recorded_reason(word, message)
    if REASONS[reason].retry is Retry.ACTIVE:
        reason, message = Reason.UNCLASSIFIED, f"{word}: {message}"
    if reason is Reason.UNCLASSIFIED and code:
        reason = reason_of(code)
    return AttemptEnd(reason, message[:_MESSAGE_LIMIT], code, said)


def _said(message: object) -> dict[str, Any]:
    try:
        found = json.loads(message) if isinstance(message, str) else None
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _terminated(pod: Object) -> dict[str, dict[str, Any]]:
    return {
        one["name"]: one["state"]["terminated"]
        for one in status_of(pod).get("containerStatuses") or ()
        if one.get("state", {}).get("terminated")
    }


def is_pod_over(pod: Object) -> bool:
    """Whether no container of a Pod runs any more."""
    both = set(_terminated(pod)) >= {CONNECTOR, LOADER}
    return both or status_of(pod).get("phase") in ("Failed", "Succeeded")


def _failed_as(job: Object, reason: str) -> bool:
    failed = condition_of(job, "Failed") or condition_of(job, "FailureTarget")
    return failed is not None and failed["status"] == "True" and failed.get("reason") == reason


def _is_evicted(pod: Object) -> bool:
    disrupted = condition_of(pod, "DisruptionTarget")
    gone = disrupted is not None and disrupted["status"] == "True"
    return gone or status_of(pod).get("reason") == "Evicted"
