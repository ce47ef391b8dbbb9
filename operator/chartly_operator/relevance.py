"""Which objects a change affects, so that they are enqueued: only where a projection changed."""

from collections.abc import Callable, Hashable, Iterator
from typing import Any

from chartly.names import CONFIG_LABEL, RUN_LABEL, WORKFLOW_LABEL
from chartly.reconcile.actions import Key, Object
from chartly.reconcile.objects import (
    condition_of,
    generation_of,
    key_of,
    status_of,
    uid_of,
)
from chartly_kube.kinds import OWN
from chartly_operator import indexes
from chartly_operator.cache import Cache, Change
from chartly_operator.projections import identity, own, shown


def affected(cache: Cache, change: Change, global_namespace: str) -> list[Key]:
    """Every object of ours to decide on again after a change."""
    keys: dict[Key, None] = {}
    before, after = change.before, change.after
    if change.key.kind in OWN and after is not None and own(before) != own(after):
        keys[change.key] = None
    if shown(before) != shown(after):
        resource = after or before
        dependents = _DEPENDENTS[change.key.kind]
        keys |= dict.fromkeys(dependents(cache, change, resource, global_namespace))
    return list(keys)


def is_settled(cache: Cache, run: Object) -> bool:
    """Whether a finished run needs nothing more: its outcome is recorded, its Jobs have a TTL."""
    finished = condition_of(run, "Finished")
    jobs = cache.find(indexes.JOBS, uid_of(run))
    return (
        bool(status_of(run).get("outcome"))
        and finished is not None
        and finished["status"] == "True"
        and status_of(run).get("observedGeneration") == generation_of(run)
        and all("ttlSecondsAfterFinished" in job.get("spec", {}) for job in jobs)
    )


def _of_profile(
    cache: Cache, change: Change, _resource: Object, global_namespace: str
) -> Iterator[Key]:
    for workflow in cache.find(indexes.REFERENCE, change.key.name):
        key = key_of(workflow)
        if change.key.namespace in {key.namespace, global_namespace}:
            yield key
            yield from _unlaunched(cache, key)


def _of_workflow(cache: Cache, change: Change, _resource: Object, _global: str) -> Iterator[Key]:
    yield from _unlaunched(cache, change.key)
    before, after = map(_claims, (change.before, change.after))
    if before == after:
        return
    touched = {*before[1], *after[1]}
    for other in cache.find(indexes.PLACE, ("Workflow", change.key.namespace)):
        if key_of(other) != change.key and touched & set(_claims(other)[1]):
            yield key_of(other)


def _claims(workflow: Object | None) -> tuple[Hashable, tuple[str, ...]]:
    """Identity and datasets of a workflow, which may keep another one from running."""
    if workflow is None:
        return None, ()
    return identity(workflow), tuple(status_of(workflow).get("datasets") or ())


def _of_run(cache: Cache, change: Change, resource: Object, _global: str) -> Iterator[Key]:
    """When a run is over: the runs that wait for it, and the Workflow, which may prune one."""
    if shown(change.after) is not None:
        return
    workflow = indexes.workflow_key(resource)
    if cache.get(workflow) is not None:
        yield workflow
    for key in _unlaunched(cache, workflow):
        if key != key_of(resource):
            yield key


def _of_job(cache: Cache, _change: Change, resource: Object, _global: str) -> Iterator[Key]:
    if (key := indexes.run_of_job(resource)) is not None:
        yield key
        yield from _behind(cache, key, resource)


def _of_pod(cache: Cache, change: Change, resource: Object, _global: str) -> Iterator[Key]:
    if name := (resource["metadata"].get("labels") or {}).get(RUN_LABEL):
        key = Key("WorkflowRun", change.key.namespace, str(name))
        yield key
        yield from _behind(cache, key, resource)


def _behind(cache: Cache, run: Key, child: Object) -> Iterator[Key]:
    """The runs that may wait for the Job and the Pod of a run that is over."""
    resource = cache.get(run)
    name = (child["metadata"].get("labels") or {}).get(WORKFLOW_LABEL)
    if name and (resource is None or status_of(resource).get("outcome")):
        yield from _unlaunched(cache, Key("Workflow", run.namespace, str(name)))


def _of_config(cache: Cache, change: Change, resource: Object, _global: str) -> Iterator[Key]:
    place = change.key.namespace, change.key.name
    holds = (resource["metadata"].get("labels") or {}).get(CONFIG_LABEL)
    index = indexes.FROZEN if holds == "snapshot" else indexes.VERSIONS
    yield from map(key_of, cache.find(index, place))


def _of_namespace(cache: Cache, change: Change, _resource: Object, _global: str) -> Iterator[Key]:
    """Everything in it, and in each namespace that claims its project of before or of now."""
    places = {change.key.name: None}
    for namespace in (change.before, change.after):
        project = None if namespace is None else indexes.project_labels(namespace)
        for claimant in () if project is None else cache.find(indexes.PROJECT, project):
            places[key_of(claimant).name] = None
    for place in places:
        for kind in ("Profile", "Workflow"):
            yield from map(key_of, cache.find(indexes.PLACE, (kind, place)))
        yield from map(key_of, cache.find(indexes.ACTIVE, place))


def _unlaunched(cache: Cache, workflow: Key) -> Iterator[Key]:
    """Runs that are not launched: changes of other objects may start them."""
    place = workflow.namespace, workflow.name
    yield from map(key_of, cache.find(indexes.UNLAUNCHED, place))


_DEPENDENTS: dict[str, Callable[[Cache, Change, Any, str], Iterator[Key]]] = {
    "Namespace": _of_namespace,
    "Profile": _of_profile,
    "Workflow": _of_workflow,
    "WorkflowRun": _of_run,
    "Job": _of_job,
    "Pod": _of_pod,
    "ConfigMap": _of_config,
}
