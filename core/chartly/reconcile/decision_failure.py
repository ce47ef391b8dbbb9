"""Conditions and Events of an object on which no decision could be made."""

from datetime import datetime

from chartly.errors import Problem, Reason
from chartly.reconcile.actions import Action, Object, Post
from chartly.reconcile.conditions import (
    stamped,
    verdict_actions,
    verdict_conditions,
    verdict_status,
)
from chartly.reconcile.objects import generation_of, is_being_deleted
from chartly.reconcile.obstacle import wait
from chartly.reconcile.run_course import course_of, has_reason, is_finished, progress_actions


def failure_actions(resource: Object, where: str, now: datetime) -> tuple[Action, ...]:
    """Reports on the object itself that deciding on it fails, and is tried again.

    Args:
        where: file, line and kind of the failure; its own text may contain a secret.
    """
    if is_being_deleted(resource) or is_finished(resource):
        return ()
    why = (
        f"what to do about this object cannot be decided: {where}; this is a bug in Chartly, "
        f"please report it; it is tried again"
    )
    if resource["kind"] == "WorkflowRun":
        return _of_run(resource, why, now)
    obstacle = wait(Problem(why, Reason.INTERNAL_ERROR))
    conditions = stamped(verdict_conditions(obstacle), resource, now)
    before = {**verdict_status(resource), "observedGeneration": generation_of(resource)}
    status = {**before, "conditions": conditions}
    return verdict_actions(resource, status, obstacle)


def _of_run(run: Object, why: str, now: datetime) -> tuple[Action, ...]:
    actions = progress_actions(course_of(run), Reason.INTERNAL_ERROR, why, now)
    if has_reason(run, Reason.INTERNAL_ERROR):
        return actions
    return (*actions, Post(run, "Warning", Reason.INTERNAL_ERROR.value, why))
