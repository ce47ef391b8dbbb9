"""Conditions: full ``metav1.Condition``s with the meaning that kstatus gives them.

``Ready`` is always present; ``Reconciling`` and ``Stalled`` are present only while they are true,
because tools that wait read their absence as "nothing to wait for". A time changes when the status
does. Reason and message of an obstacle's condition and Event come from its problems.
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
    timestamp,
    uid_of,
    version_of,
)
from chartly.reconcile.obstacle import Obstacle

Truth = Literal["True", "False", "Unknown"]
_MESSAGE_LIMIT = 1024


@dataclass(frozen=True)
class Condition:
    """One condition, without its times."""

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
    """The conditions as JSON with times; one whose status did not change keeps its time."""
    return [_stamped(condition, before, now) for condition in conditions]


def _stamped(condition: Condition, before: Object, now: datetime) -> dict[str, Any]:
    earlier = condition_of(before, condition.type)
    same = earlier is not None and earlier["status"] == condition.status
    return {
        "type": condition.type,
        "status": condition.status,
        "reason": condition.reason.value,
        "message": condition.message[:_MESSAGE_LIMIT],
        "observedGeneration": generation_of(before),
        "lastTransitionTime": earlier["lastTransitionTime"] if same and earlier else timestamp(now),
    }


def verdict_status(resource: Object) -> dict[str, Any]:
    """The part of the status that verdicts own; the turn has a field manager of its own."""
    others = (ACTIVE, EPOCH) if resource["kind"] == "Workflow" else ()
    return {name: value for name, value in status_of(resource).items() if name not in others}


def status_change(resource: Object, status: dict[str, Any]) -> ApplyStatus | None:
    """The write that makes the object's status ``status``; None if they are equal already."""
    if verdict_status(resource) == status:
        return None
    return ApplyStatus(key_of(resource), uid_of(resource), version_of(resource), status)


def verdict_event(resource: Object, obstacle: Obstacle | None) -> Post | None:
    """The Event of a changed verdict; None while its reason is the same, or is Checking."""
    reason = Reason.READY if obstacle is None else obstacle.reason
    earlier = condition_of(resource, "Ready")
    if earlier is not None and earlier["reason"] == reason.value:
        return None
    if reason is Reason.CHECKING:
        return None
    kind: Literal["Normal", "Warning"] = "Normal" if obstacle is None else "Warning"
    message = REASONS[reason].meaning if obstacle is None else obstacle.message
    return Post(resource, kind, reason.value, message)


def verdict_actions(
    resource: Object, status: dict[str, Any], obstacle: Obstacle | None
) -> tuple[Action, ...]:
    """The writes that bring a verdict into status and Events; none if nothing changed."""
    actions = status_change(resource, status), verdict_event(resource, obstacle)
    return tuple(action for action in actions if action is not None)
