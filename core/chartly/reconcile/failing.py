"""What is said of an object on which no decision could be made."""

from datetime import datetime

from chartly.errors import Reason
from chartly.reconcile.actions import Action, Object, Post
from chartly.reconcile.conditions import said_of, stamped, told, verdict_conditions
from chartly.reconcile.objects import generation_of, is_going
from chartly.reconcile.obstacle import wait
from chartly.reconcile.run_course import course_of, is_finished, is_told, under_way


def failing(found: Object, where: str, now: datetime) -> tuple[Action, ...]:
    """Tells on the object itself that deciding on it fails, and is tried again.

    Args:
        where: file, line and kind of the failure; its own text may hold anything.
    """
    if is_going(found) or is_finished(found):
        return ()
    message = (
        f"what to do about this object cannot be decided: {where}; this is a bug in Chartly, "
        f"please report it; it is tried again"
    )
    if found["kind"] == "WorkflowRun":
        said = under_way(course_of(found), Reason.INTERNAL_ERROR, message, now)
        if is_told(found, Reason.INTERNAL_ERROR):
            return said
        return (*said, Post(found, "Warning", Reason.INTERNAL_ERROR.value, message))
    verdict = wait(Reason.INTERNAL_ERROR, message)
    conditions = stamped(verdict_conditions(verdict), found, now)
    before = {**said_of(found), "observedGeneration": generation_of(found)}
    return told(found, {**before, "conditions": conditions}, verdict)
