"""Conditions: full ``metav1.Condition``s with the meaning that kstatus gives them.

``Ready`` always stands; ``Reconciling`` and ``Stalled`` stand only while they are true, because
tools that wait read their absence as "nothing to wait for". A time changes when the status does.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from chartly.errors import REASONS, Reason
from chartly.reconcile.actions import Action, ApplyStatus, Object, Post
from chartly.reconcile.objects import (
    condition_of,
    generation_of,
    key_of,
    status_of,
    uid_of,
    version_of,
    written,
)

Truth = Literal["True", "False", "Unknown"]
_MESSAGE_LIMIT = 1024


@dataclass(frozen=True)
class Condition:
    """What one condition shall say."""

    type: str
    status: Truth
    reason: Reason
    message: str = ""


_WAITING = frozenset({Reason.CHECKING, Reason.PROFILE_NOT_FOUND, Reason.WORKFLOW_NOT_FOUND})
"""What may pass without anybody changing the object: something else has to come."""


@dataclass(frozen=True)
class Verdict:
    """Whether an object may be used, and why not."""

    reason: Reason
    message: str = ""

    @property
    def ready(self) -> bool:
        return self.reason is Reason.READY

    @property
    def waiting(self) -> bool:
        return self.reason in _WAITING


READY = Verdict(Reason.READY)


def verdict_conditions(verdict: Verdict) -> list[Condition]:
    """Ready, with Reconciling or Stalled where they are true."""
    truth: Truth = "True" if verdict.ready else "False"
    ready = Condition("Ready", truth, verdict.reason, verdict.message)
    if verdict.ready:
        return [ready]
    kind = "Reconciling" if verdict.waiting else "Stalled"
    return [ready, Condition(kind, "True", verdict.reason, verdict.message)]


def stamped(conditions: Iterable[Condition], before: Object, now: datetime) -> list[dict[str, Any]]:
    """The conditions as they are written; one whose status did not change keeps its time."""
    return [_stamped(one, before, now) for one in conditions]


def _stamped(condition: Condition, before: Object, now: datetime) -> dict[str, Any]:
    earlier = condition_of(before, condition.type)
    same = earlier is not None and earlier["status"] == condition.status
    return {
        "type": condition.type,
        "status": condition.status,
        "reason": condition.reason.value,
        "message": condition.message[:_MESSAGE_LIMIT],
        "observedGeneration": generation_of(before),
        "lastTransitionTime": earlier["lastTransitionTime"] if same and earlier else written(now),
    }


def status_change(found: Object, status: dict[str, Any]) -> ApplyStatus | None:
    """The write that makes the object's status ``status``; none if it says so already."""
    if status_of(found) == status:
        return None
    return ApplyStatus(key_of(found), uid_of(found), version_of(found), status)


def announced(found: Object, verdict: Verdict) -> Post | None:
    """The Event of a changed verdict; none while it stays the same, or is only waited for."""
    earlier = condition_of(found, "Ready")
    if earlier is not None and earlier["reason"] == verdict.reason.value:
        return None
    if verdict.reason is Reason.CHECKING:
        return None
    kind: Literal["Normal", "Warning"] = "Normal" if verdict.ready else "Warning"
    message = verdict.message or REASONS[verdict.reason].meaning
    return Post(found, kind, verdict.reason.value, message)


def told(found: Object, status: dict[str, Any], verdict: Verdict) -> tuple[Action, ...]:
    """The writes that make status and Events say a verdict; none where they do already."""
    change = status_change(found, status)
    post = announced(found, verdict)
    return tuple(one for one in (change, post) if one is not None)
