"""What decisions read of an object, so that other changes enqueue nothing.

Two projections of each kind: the fields of an object that its own decision reads (``own``) and
those that decisions on others read (``shown``). A change of any other field, such as our own
writes of status and most of a Pod's status, affects nothing.
"""

from collections.abc import Callable, Collection, Hashable
from typing import Any

from chartly.names import DEPRECATED_ANNOTATION
from chartly.reconcile.actions import Object
from chartly.reconcile.attempt_end import LOADER
from chartly.reconcile.objects import (
    condition_of,
    generation_of,
    is_being_deleted,
    status_of,
    uid_of,
)
from chartly.reconcile.turn import holders_of
from chartly_operator import indexes

_STUCK = frozenset({"ImagePullBackOff", "ErrImagePull", "InvalidImageName", "ErrImageNeverPull"})


def own(resource: Object | None) -> Hashable:
    """What the object's own decision reads."""
    if resource is None:
        return None
    metadata = resource["metadata"]
    deprecated = (metadata.get("annotations") or {}).get(DEPRECATED_ANNOTATION)
    return *identity(resource), generation_of(resource), deprecated


def identity(resource: Object) -> tuple[Hashable, ...]:
    """Uid, and whether the object is being deleted."""
    return uid_of(resource), is_being_deleted(resource)


def shown(resource: Object | None) -> Hashable:
    """What decisions on other objects read."""
    return None if resource is None else _SHOWN[str(resource["kind"])](resource)


def _profile(resource: Object) -> Hashable:
    return *identity(resource), _ready(resource), status_of(resource).get("digest")


def _workflow(resource: Object) -> Hashable:
    status = status_of(resource)
    datasets = tuple(status.get("datasets") or ())
    pinned = datasets, status.get("configDigest"), tuple(holders_of(resource))
    return *identity(resource), generation_of(resource), _ready(resource), *pinned


def _run(resource: Object) -> Hashable:
    """Whether other runs may have to wait for it."""
    status = status_of(resource)
    if is_being_deleted(resource) or status.get("outcome"):
        return None
    held = ((resource.get("spec") or {}).get("control") or {}).get("suspend")
    return None if held and not status.get("attempts") else True


def _job(resource: Object) -> Hashable:
    ended = {("Complete", "True"), ("Failed", "True")}
    return *identity(resource), _conditions(resource, ended)


def _conditions(resource: Object, wanted: Collection[tuple[str, str]]) -> Hashable:
    """Type and reason of those of an object's conditions that have one of these states."""
    return tuple(
        (condition["type"], condition.get("reason"))
        for condition in status_of(resource).get("conditions") or ()
        if (condition["type"], condition["status"]) in wanted
    )


def _pod(resource: Object) -> Hashable:
    """None while a Pod waits without a problem; then what decisions read of it."""
    status = status_of(resource)
    stuck = _stuck(status)
    troubled = _conditions(resource, {("PodScheduled", "False"), ("DisruptionTarget", "True")})
    uid, deleted = identity(resource)
    phase = status.get("phase", "Pending")
    # A connector may run for a while without its loader, and decisions count that time.
    alone = any(
        container.get("name") == LOADER and "terminated" in (container.get("state") or {})
        for container in status.get("containerStatuses") or ()
    )
    if phase == "Pending" and not (stuck or troubled or deleted):
        return None
    return uid, deleted, phase, stuck, troubled, alone


def _stuck(status: dict[str, Any]) -> tuple[str, ...]:
    """Why containers of a Pod wait, beyond being created."""
    return tuple(
        "image" if waiting["reason"] in _STUCK else waiting["reason"]
        for container in status.get("containerStatuses") or ()
        if (waiting := (container.get("state") or {}).get("waiting"))
        and waiting.get("reason") not in {None, "ContainerCreating", "PodInitializing"}
    )


def _config(resource: Object) -> Hashable:
    return *identity(resource), tuple(sorted((resource.get("data") or {}).items()))


def _namespace(resource: Object) -> Hashable:
    return *identity(resource), indexes.project_labels(resource)


def _ready(resource: Object) -> Hashable:
    ready = condition_of(resource, "Ready")
    if ready is None:
        return None
    return ready["status"], ready["reason"], ready.get("observedGeneration")


_SHOWN: dict[str, Callable[[Object], Hashable]] = {
    "Namespace": _namespace,
    "Profile": _profile,
    "Workflow": _workflow,
    "WorkflowRun": _run,
    "Job": _job,
    "Pod": _pod,
    "ConfigMap": _config,
}
