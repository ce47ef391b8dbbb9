"""Whether a checked object is ready for those that use it, by its condition ``Ready``."""

from chartly.errors import Problem, Reason, recorded_reason
from chartly.reconcile.actions import Object
from chartly.reconcile.objects import condition_of, generation_of, name_of
from chartly.reconcile.obstacle import Obstacle, refuse, wait


def unready(used: Object, noun: str, consequence: str) -> Obstacle | None:
    """The obstacle of an object that is not checked yet, or refused; None if it is ready.

    Args:
        noun: what the object is, in a message.
        consequence: of a refusal, such as ``may not run``.
    """
    ready = condition_of(used, "Ready")
    if ready is None or ready["observedGeneration"] != generation_of(used):
        why = f"{noun} {name_of(used)!r} is not checked yet"
        return wait(Problem(why, Reason.CHECKING))
    if ready["status"] != "True":
        reason, message = recorded_reason(ready["reason"], ready["message"])
        return refuse(Problem(f"{noun} {name_of(used)!r} {consequence}: {message}", reason))
    return None
