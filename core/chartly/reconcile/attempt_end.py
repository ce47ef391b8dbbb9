"""How an attempt ended, as read from its Job and Pod."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from chartly.errors import REASONS, Reason, Retry, reason_of, recorded_reason
from chartly.reconcile.actions import Object
from chartly.reconcile.objects import condition_of, parse_timestamp, status_of

CONNECTOR = "connector"
LOADER = "loader"
STARTING = "the Pod is being started"
_MESSAGE_LIMIT = 400
_CONNECTOR_GRACE = 15.0
_TERMINATION_GRACE = 60.0
"""Longer than the grace in which a Pod's containers end; a lost node never reports their end."""
_LOST = frozenset({Reason.PEER_LOST, Reason.RESULT_UNKNOWN})
"""Reasons of one container that the other one caused."""


@dataclass(frozen=True)
class AttemptEnd:
    """How an attempt ended.

    Attributes:
        exit_code: of the container that gave the reason; None where no container did.
        report: the loader's termination message.
    """

    reason: Reason
    message: str
    exit_code: int | None = None
    report: dict[str, Any] = field(default_factory=dict)


def end_of(job: Object, pods: Sequence[Object], now: datetime) -> AttemptEnd | None:
    """How the attempt of a Job ended; None while it goes on, or its Pod is not in view yet."""
    timeout = _timeout(job)
    pod = next(iter(pods), None)
    if pod is None:
        over = condition_of(job, "Complete") or condition_of(job, "Failed")
        message = "the Pod is gone and left no termination message"
        unknown = AttemptEnd(Reason.RESULT_UNKNOWN, message)
        return timeout or (unknown if over else None)
    if not is_pod_over(pod) and connector_grace(pod, now) != 0.0:
        return timeout if termination_grace(job, now) == 0.0 else None
    end = _end_of_pod(_terminated(pod))
    if timeout is not None:
        return imposed_end(timeout, end)
    if end.reason is not Reason.SUCCEEDED and _is_evicted(pod):
        why = status_of(pod).get("message") or "the cluster took the Pod's place"
        return AttemptEnd(Reason.EVICTED, str(why)[:_MESSAGE_LIMIT], end.exit_code, end.report)
    return end


def loader_end(pods: Sequence[Object]) -> AttemptEnd | None:
    """How the attempt ended once its loader has; None while the loader runs."""
    for pod in pods:
        if LOADER in (states := _terminated(pod)):
            return _end_of_pod(states)
    return None


def imposed_end(imposed: AttemptEnd, own: AttemptEnd | None) -> AttemptEnd:
    """The end of an attempt that something else ended: what is stored and recorded stays so.

    A loader that has finished has succeeded, whatever came after it; and the counts of one that
    has failed are kept.
    """
    if own is None:
        return imposed
    if own.reason is Reason.SUCCEEDED:
        return own
    return AttemptEnd(imposed.reason, imposed.message, own.exit_code, own.report)


def is_job_over(job: Object, pods: Sequence[Object]) -> bool:
    """Whether no container of an attempt runs any more."""
    ended = any(
        (condition_of(job, kind) or {}).get("status") == "True" for kind in ("Complete", "Failed")
    )
    return ended or (bool(pods) and all(map(is_pod_over, pods)))


def connector_grace(pod: Object, now: datetime) -> float | None:
    """Seconds left to a connector whose loader has ended; None while the loader runs.

    A connector cannot notice a loader that dies before it takes its lock in the spool.
    """
    loader = _terminated(pod).get(LOADER)
    if loader is None:
        return None
    since = now - parse_timestamp(loader["finishedAt"]) if "finishedAt" in loader else timedelta()
    return max(0.0, _CONNECTOR_GRACE - since.total_seconds())


def _timeout(job: Object) -> AttemptEnd | None:
    """The end of a Job that exceeded its deadline; None of any other."""
    if not _failed_as(job, "DeadlineExceeded"):
        return None
    return AttemptEnd(Reason.DEADLINE_EXCEEDED, "the run took longer than its deadline")


def termination_grace(job: Object, now: datetime) -> float | None:
    """Seconds left to the Pod of a Job that exceeded its deadline; None of any other Job."""
    if _timeout(job) is None:
        return None
    failed = condition_of(job, "FailureTarget") or condition_of(job, "Failed") or {}
    since = now - parse_timestamp(failed["lastTransitionTime"])
    return max(0.0, _TERMINATION_GRACE - since.total_seconds())


def pending_cause(pod: Object | None) -> str | None:
    """Why a Pod does not run yet, as the cluster words it; None if it runs."""
    if pod is None:
        return STARTING
    status = status_of(pod)
    if status.get("phase", "Pending") != "Pending":
        return None
    for container in status.get("containerStatuses") or ():
        waiting = container.get("state", {}).get("waiting") or {}
        if waiting.get("reason") not in (None, "ContainerCreating", "PodInitializing"):
            cause = f"{container['name']}: {waiting['reason']}: {waiting.get('message', '')}"
            return cause[:_MESSAGE_LIMIT]
    scheduled = condition_of(pod, "PodScheduled")
    if scheduled is not None and scheduled["status"] == "False":
        return f"{scheduled.get('reason', '')}: {scheduled.get('message', '')}"[:_MESSAGE_LIMIT]
    return STARTING


def _end_of_pod(states: dict[str, dict[str, Any]]) -> AttemptEnd:
    loader = _end_of_container(LOADER, states.get(LOADER))
    if loader.reason not in _LOST:
        return loader
    connector = _end_of_container(CONNECTOR, states.get(CONNECTOR))
    if connector.reason in (*_LOST, Reason.SUCCEEDED):
        return loader
    return AttemptEnd(connector.reason, connector.message, connector.exit_code, loader.report)


def _end_of_container(name: str, state: dict[str, Any] | None) -> AttemptEnd:
    if state is None:
        return AttemptEnd(Reason.RESULT_UNKNOWN, f"{name} left no termination message")
    code = int(state.get("exitCode", 1))
    report = _report(state.get("message"))
    if isinstance(report.get("reason"), str):
        return _reported_end(report, code)
    if state.get("reason") == "OOMKilled":
        return AttemptEnd(Reason.OUT_OF_MEMORY, f"{name} took more memory than its limit", code)
    if code == 0:
        message = f"{name} ended with code 0 and left no termination message"
        return AttemptEnd(Reason.RESULT_UNKNOWN, message, code)
    message = f"{name} ended with code {code}: {REASONS[reason_of(code)].meaning}"
    return AttemptEnd(reason_of(code), message, code)


def _reported_end(report: dict[str, Any], code: int) -> AttemptEnd:
    """An end as the runner reports it; a reason of another version is replaced by its code's."""
    name = report["reason"]
    reason, message = recorded_reason(name, str(report.get("message", "")))
    if REASONS[reason].retry is Retry.ACTIVE:
        reason, message = Reason.UNCLASSIFIED, f"{name}: {message}"
    if reason is Reason.UNCLASSIFIED and code:
        reason = reason_of(code)
    return AttemptEnd(reason, message[:_MESSAGE_LIMIT], code, report)


def _report(message: object) -> dict[str, Any]:
    """The JSON object of a termination message; empty where it is none."""
    try:
        report = json.loads(message) if isinstance(message, str) else None
    except (ValueError, RecursionError):
        return {}
    return report if isinstance(report, dict) else {}


def _terminated(pod: Object) -> dict[str, dict[str, Any]]:
    return {
        container["name"]: container["state"]["terminated"]
        for container in status_of(pod).get("containerStatuses") or ()
        if container.get("state", {}).get("terminated")
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
