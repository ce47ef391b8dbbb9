"""A Workflow: what its references resolve to, pinned, and whether it may run."""

from datetime import datetime
from typing import Any

from chartly.api.workflow import Workflow, parse_workflow
from chartly.errors import Reason, SpecError
from chartly.manifests.labels import config_labels
from chartly.names import versions_name
from chartly.plan.digest import canonical, digest_of
from chartly.reconcile.actions import Action, ApplyData, Decision, Key
from chartly.reconcile.conditions import READY, Verdict, stamped, told, verdict_conditions
from chartly.reconcile.history import expired_runs
from chartly.reconcile.objects import (
    born,
    document_of,
    generation_of,
    is_going,
    key_of,
    name_of,
    status_of,
)
from chartly.reconcile.project import project_of
from chartly.reconcile.resolution import Resolved, resolved
from chartly.reconcile.world import Settings, WorkflowWorld

_PINNED = ("resolvedGeneration", "configDigest", "resolvedProfiles", "datasets")


def decide_workflow(world: WorkflowWorld, settings: Settings, now: datetime) -> Decision:
    """What to do about a Workflow: resolve it, pin that, say whether it may run, prune its runs."""
    del settings  # one signature for all three kinds
    if is_going(world.workflow):
        return Decision()
    memory, verdict = None, READY
    pinned = _pinned(world)
    workflow: Workflow | None = None
    try:
        home = project_of(world.namespace, world.claimants)
        workflow = parse_workflow(document_of(world.workflow))
        memory = _remembered(world, workflow)
        found = resolved(workflow, home, world.profiles, world.shared)
        pinned = _pin(world, found, pinned)
        _check_datasets(world, found)
    except SpecError as error:
        verdict = Verdict(error.reason, error.message)
    status: dict[str, Any] = {"observedGeneration": generation_of(world.workflow), **pinned}
    status["conditions"] = stamped(verdict_conditions(verdict), world.workflow, now)
    before: tuple[Action, ...] = () if memory is None else (memory,)
    pruned = expired_runs(world.runs, workflow.spec.history if workflow else None, now)
    actions = (*before, *told(world.workflow, status, verdict), *pruned.actions)
    return Decision(actions, pruned.look_again)


def _pinned(world: WorkflowWorld) -> dict[str, Any]:
    status = status_of(world.workflow)
    return {name: status[name] for name in _PINNED if name in status}


def _pin(world: WorkflowWorld, found: Resolved, before: dict[str, Any]) -> dict[str, Any]:
    """What this generation resolves to; it is said once.

    Raises:
        SpecError: ``ResolutionChanged``: it was something else.
    """
    generation = generation_of(world.workflow)
    pins = {one["reference"]: one for one in found.pins}
    if before.get("resolvedGeneration") == generation:
        for one in before.get("resolvedProfiles", ()):
            now = pins.get(one["reference"], one)
            if now != one:
                raise SpecError(
                    f"workflow {name_of(world.workflow)}: {one['reference']} was "
                    f"{one['digest']} in {one['foundIn']} and is now {now['digest']} in "
                    f"{now['foundIn']}; a workflow keeps what it resolved to until it changes",
                    Reason.RESOLUTION_CHANGED,
                )
    return {
        "resolvedGeneration": generation,
        "configDigest": found.snapshot.digest,
        "resolvedProfiles": list(found.pins),
        "datasets": found.datasets,
    }


def _remembered(world: WorkflowWorld, workflow: Workflow) -> ApplyData | None:
    """What makes the version's content known for ever; none if it is.

    Raises:
        SpecError: ``VersionReused``: the version has been seen with other steps.
    """
    written = {name: workflow.written.get(name) for name in ("steps", "parameters")}
    digest = digest_of(canonical(written, str(workflow)))
    known = dict((world.versions or {}).get("data") or {})
    earlier = known.get(workflow.version)
    if earlier is None:
        place = key_of(world.workflow)
        key = Key("ConfigMap", place.namespace, versions_name("workflow", workflow.name))
        return ApplyData(key, config_labels("versions"), {workflow.version: digest})
    if earlier != digest:
        raise SpecError(
            f"{workflow}: this version has been seen with other steps or parameters; "
            f"give the changed ones a new version",
            Reason.VERSION_REUSED,
        )
    return None


def _check_datasets(world: WorkflowWorld, found: Resolved) -> None:
    """Whether no older Workflow of the project writes one of the datasets.

    Raises:
        SpecError: ``DatasetInUse``.
    """
    mine = set(found.datasets)
    for other in sorted(world.others, key=born):
        both = sorted(mine & set(status_of(other).get("datasets", ())))
        if both and not is_going(other) and born(other) < born(world.workflow):
            raise SpecError(
                f"workflow {name_of(world.workflow)}: dataset {both[0]!r} is written by workflow "
                f"{name_of(other)!r}, which is older; a dataset has one writing workflow",
                Reason.DATASET_IN_USE,
            )
