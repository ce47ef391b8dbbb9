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
    ACTIVE,
    EPOCH,
    condition_of,
    generation_of,
    key_of,
    status_of,
    uid_of,
    version_of,
    written,
)
from chartly.reconcile.obstacle import Obstacle

Truth = Literal["True", "False", "Unknown"]
_MESSAGE_LIMIT = 1024


@dataclass(frozen=True)
class Condition:
    """What one condition shall say."""

    type: str
    status: Truth
    reason: Reason
    message: str = ""


def verdict_conditions(obstacle: Obstacle | None) -> list[Condition]:
    """Ready, with Reconciling or Stalled where they are true."""
    if obstacle is None:
        return [Condition("Ready", "True", Reason.READY)]
    kind = "Reconciling" if obstacle.waits else "Stalled"
    return [
        Condition("Ready", "False", obstacle.reason, obstacle.message),
        Condition(kind, "True", obstacle.reason, obstacle.message),
    ]


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


def said_of(found: Object) -> dict[str, Any]:
    """The status as far as verdicts own it: whose turn it is, is none of their business."""
    others = (ACTIVE, EPOCH) if found["kind"] == "Workflow" else ()
    return {name: value for name, value in status_of(found).items() if name not in others}


def status_change(found: Object, status: dict[str, Any]) -> ApplyStatus | None:
    """The write that makes the object's status ``status``; none if it says so already."""
    if said_of(found) == status:
        return None
    return ApplyStatus(key_of(found), uid_of(found), version_of(found), status)


def announced(found: Object, obstacle: Obstacle | None) -> Post | None:
    """The Event of a changed verdict; none while it stays the same, or is only waited for."""
    reason = Reason.READY if obstacle is None else obstacle.reason
    earlier = condition_of(found, "Ready")
    if earlier is not None and earlier["reason"] == reason.value:
        return None
    if reason is Reason.CHECKING:
        return None
    kind: Literal["Normal", "Warning"] = "Normal" if obstacle is None else "Warning"
    message = (obstacle.message if obstacle else "") or REASONS[reason].meaning
    return Post(found, kind, reason.value, message)


def told(found: Object, status: dict[str, Any], obstacle: Obstacle | None) -> tuple[Action, ...]:
    """The writes that make status and Events say a verdict; none where they do already."""
    change = status_change(found, status)
    post = announced(found, obstacle)
    return tuple(one for one in (change, post) if one is not None)
