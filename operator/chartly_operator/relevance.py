"""Which change of an object is worth looking again at what.

Two projections of each kind: what of an object matters to itself (``own``) and what of it matters
to others (``shown``). Whatever is in neither, such as our own writes of status and the noise in a
Pod's, wakes nobody up.
"""

from collections.abc import Callable, Hashable, Iterator
from typing import Any

from chartly.names import CONFIG_LABEL, DEPRECATED_ANNOTATION, RUN_LABEL, WORKFLOW_LABEL
from chartly.reconcile.actions import Key, Object
from chartly.reconcile.attempt_end import LOADER
from chartly.reconcile.objects import (
    condition_of,
    generation_of,
    is_being_deleted,
    key_of,
    status_of,
    uid_of,
)
from chartly.reconcile.turn import holders_of
from chartly_kube.kinds import OWN
from chartly_operator import indexes
from chartly_operator.cache import Cache, Change

_STUCK = frozenset({"ImagePullBackOff", "ErrImagePull", "InvalidImageName", "ErrImageNeverPull"})


def affected(cache: Cache, change: Change, global_namespace: str) -> list[Key]:
    """Every object of ours to look at again after a change."""
    keys: dict[Key, None] = {}
    before, after = change.before, change.after
    if change.key.kind in OWN and after is not None and _own(before) != _own(after):
        keys[change.key] = None
    if _shown(before) != _shown(after):
        found = after or before
        for key in _DEPENDENTS[change.key.kind](cache, change, found, global_namespace):
            keys[key] = None
    return list(keys)


def is_settled(cache: Cache, run: Object) -> bool:
    """Whether a finished run needs nothing more: its outcome is told, and its Jobs may go."""
    finished = condition_of(run, "Finished")
    jobs = cache.find(indexes.JOBS, uid_of(run))
    return (
        bool(status_of(run).get("outcome"))
        and finished is not None
        and finished["status"] == "True"
        and status_of(run).get("observedGeneration") == generation_of(run)
        and all("ttlSecondsAfterFinished" in one.get("spec", {}) for one in jobs)
    )


def _own(found: Object | None) -> Hashable:
    if found is None:
        return None
    metadata = found["metadata"]
    deprecated = (metadata.get("annotations") or {}).get(DEPRECATED_ANNOTATION)
    return *_identity(found), generation_of(found), deprecated


def _identity(found: Object) -> tuple[Hashable, ...]:
    return uid_of(found), is_being_deleted(found)


def _shown(found: Object | None) -> Hashable:
    return None if found is None else _SHOWN[str(found["kind"])](found)


def _profile(found: Object) -> Hashable:
    return *_identity(found), _ready(found), status_of(found).get("digest")


def _workflow(found: Object) -> Hashable:
    status = status_of(found)
    datasets = tuple(status.get("datasets") or ())
    pinned = datasets, status.get("configDigest"), tuple(holders_of(found))
    return *_identity(found), generation_of(found), _ready(found), *pinned


def _run(found: Object) -> Hashable:
    """Whether others may have to wait for it."""
    status = status_of(found)
    if is_being_deleted(found) or status.get("outcome"):
        return None
    held = ((found.get("spec") or {}).get("control") or {}).get("suspend")
    return None if held and not status.get("attempts") else True


def _job(found: Object) -> Hashable:
    ended = {"Complete", "Failed"}
    conditions = status_of(found).get("conditions") or ()
    return *_identity(found), tuple(
        (one["type"], one.get("reason"))
        for one in conditions
        if one["type"] in ended and one["status"] == "True"
    )


def _pod(found: Object) -> Hashable:
    """Nothing, as long as a Pod waits without a problem; then how it fares."""
    status = status_of(found)
    stuck = tuple(
        "image" if waiting["reason"] in _STUCK else waiting["reason"]
        for one in status.get("containerStatuses") or ()
        if (waiting := (one.get("state") or {}).get("waiting"))
        and waiting.get("reason") not in {None, "ContainerCreating", "PodInitializing"}
    )
    troubled = tuple(
        (one["type"], one.get("reason"))
        for one in status.get("conditions") or ()
        if (one["type"], one["status"]) in {("PodScheduled", "False"), ("DisruptionTarget", "True")}
    )
    uid, going = _identity(found)
    phase = status.get("phase", "Pending")
    # A connector may go on for a while without its loader, and decisions count that time.
    alone = any(
        one.get("name") == LOADER and "terminated" in (one.get("state") or {})
        for one in status.get("containerStatuses") or ()
    )
    if phase == "Pending" and not (stuck or troubled or going):
        return None
    return uid, going, phase, stuck, troubled, alone


def _config(found: Object) -> Hashable:
    return *_identity(found), tuple(sorted((found.get("data") or {}).items()))


def _namespace(found: Object) -> Hashable:
    return *_identity(found), indexes.project_labels(found)


def _ready(found: Object) -> Hashable:
    ready = condition_of(found, "Ready")
    if ready is None:
        return None
    return ready["status"], ready["reason"], ready.get("observedGeneration")


def _of_profile(
    cache: Cache, change: Change, _found: Object, global_namespace: str
) -> Iterator[Key]:
    for workflow in cache.find(indexes.REFERENCE, change.key.name):
        key = key_of(workflow)
        if change.key.namespace in {key.namespace, global_namespace}:
            yield key
            yield from _unlaunched(cache, key)


def _of_workflow(cache: Cache, change: Change, _found: Object, _global: str) -> Iterator[Key]:
    yield from _unlaunched(cache, change.key)
    before, after = map(_claims, (change.before, change.after))
    if before == after:
        return
    touched = {*before[1], *after[1]}
    for other in cache.find(indexes.PLACE, ("Workflow", change.key.namespace)):
        if key_of(other) != change.key and touched & set(_claims(other)[1]):
            yield key_of(other)


def _claims(workflow: Object | None) -> tuple[Hashable, tuple[str, ...]]:
    """Who claims which datasets, and so may stand in another workflow's way."""
    if workflow is None:
        return None, ()
    return _identity(workflow), tuple(status_of(workflow).get("datasets") or ())


def _of_run(cache: Cache, change: Change, found: Object, _global: str) -> Iterator[Key]:
    """Who waits for its place, and the Workflow, which may keep one run less; when it is over."""
    if _shown(change.after) is not None:
        return
    workflow = indexes.workflow_key(found)
    if cache.get(workflow) is not None:
        yield workflow
    for key in _unlaunched(cache, workflow):
        if key != key_of(found):
            yield key


def _of_job(cache: Cache, _change: Change, found: Object, _global: str) -> Iterator[Key]:
    if (key := indexes.run_of_job(found)) is not None:
        yield key
        yield from _behind(cache, key, found)


def _of_pod(cache: Cache, change: Change, found: Object, _global: str) -> Iterator[Key]:
    if name := (found["metadata"].get("labels") or {}).get(RUN_LABEL):
        key = Key("WorkflowRun", change.key.namespace, str(name))
        yield key
        yield from _behind(cache, key, found)


def _behind(cache: Cache, run: Key, child: Object) -> Iterator[Key]:
    """Who may wait for what is left of a run that is over: its Job and its Pod."""
    known = cache.get(run)
    name = (child["metadata"].get("labels") or {}).get(WORKFLOW_LABEL)
    if name and (known is None or status_of(known).get("outcome")):
        yield from _unlaunched(cache, Key("Workflow", run.namespace, str(name)))


def _of_config(cache: Cache, change: Change, found: Object, _global: str) -> Iterator[Key]:
    place = change.key.namespace, change.key.name
    holds = (found["metadata"].get("labels") or {}).get(CONFIG_LABEL)
    index = indexes.FROZEN if holds == "snapshot" else indexes.VERSIONS
    for one in cache.find(index, place):
        yield key_of(one)


def _of_namespace(cache: Cache, change: Change, _found: Object, _global: str) -> Iterator[Key]:
    """Everything in it, and in whatever claims the same project as it did or does."""
    places = {change.key.name: None}
    for one in (change.before, change.after):
        project = None if one is None else indexes.project_labels(one)
        for claimant in () if project is None else cache.find(indexes.PROJECT, project):
            places[key_of(claimant).name] = None
    for place in places:
        for kind in ("Profile", "Workflow"):
            yield from map(key_of, cache.find(indexes.PLACE, (kind, place)))
        yield from map(key_of, cache.find(indexes.ACTIVE, place))


def _unlaunched(cache: Cache, workflow: Key) -> Iterator[Key]:
    """Runs that still may start: what others do can let them."""
    place = workflow.namespace, workflow.name
    yield from map(key_of, cache.find(indexes.UNLAUNCHED, place))


_SHOWN: dict[str, Callable[[Object], Hashable]] = {
    "Namespace": _namespace,
    "Profile": _profile,
    "Workflow": _workflow,
    "WorkflowRun": _run,
    "Job": _job,
    "Pod": _pod,
    "ConfigMap": _config,
}
_DEPENDENTS: dict[str, Callable[[Cache, Change, Any, str], Iterator[Key]]] = {
    "Namespace": _of_namespace,
    "Profile": _of_profile,
    "Workflow": _of_workflow,
    "WorkflowRun": _of_run,
    "Job": _of_job,
    "Pod": _of_pod,
    "ConfigMap": _of_config,
}
