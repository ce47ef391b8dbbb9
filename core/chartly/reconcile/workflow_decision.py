"""Decides on a Workflow: pins what its references resolve to, and whether it may run."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, cast

from chartly.api.reference import Project
from chartly.errors import Problem, Reason
from chartly.manifests.labels import config_labels
from chartly.names import versions_name
from chartly.reconcile.actions import Action, ApplyData, Decision, Key, Object
from chartly.reconcile.conditions import stamped, verdict_actions, verdict_conditions
from chartly.reconcile.history import expired_runs
from chartly.reconcile.namespace_project import project_of
from chartly.reconcile.objects import (
    age_key,
    generation_of,
    is_being_deleted,
    key_of,
    name_of,
    status_of,
)
from chartly.reconcile.obstacle import Check, Obstacle, first_obstacle, refuse
from chartly.reconcile.resolution import Resolved
from chartly.reconcile.workflow_content import WorkflowContent
from chartly.reconcile.world import Settings, WorkflowWorld

_PINNED = ("resolvedGeneration", "configDigest", "resolvedProfiles", "datasets")


@dataclass(frozen=True)
class WorkflowReading:
    """A Workflow with its parts prepared when a check reads them."""

    world: WorkflowWorld

    @cached_property
    def home(self) -> Project | Obstacle:
        return project_of(self.world.namespace, self.world.claimants)

    @cached_property
    def content(self) -> WorkflowContent | Obstacle:
        return self.world.preparations.content(self.world.workflow)

    @cached_property
    def resolved(self) -> Resolved | Obstacle:
        """What it resolves to; read only where the Workflow parses and has a project."""
        world, home = self.world, cast("Project", self.home)
        return world.preparations.resolved(world.workflow, home, world.reachable)

    @property
    def pinned(self) -> dict[str, Any]:
        """What it resolved to, as recorded in its status."""
        status = status_of(self.world.workflow)
        return {name: status[name] for name in _PINNED if name in status}

    def remembered(self, version: str) -> str | None:
        """The content that a version had when it was first seen."""
        digests: dict[str, str] = (self.world.versions or {}).get("data") or {}
        return digests.get(version)


def decide_workflow(world: WorkflowWorld, settings: Settings, now: datetime) -> Decision:
    """What to do about a Workflow: resolve and pin, report whether it may run, prune its runs."""
    del settings  # one signature for all three kinds
    if is_being_deleted(world.workflow):
        return Decision()
    reading = WorkflowReading(world)
    obstacle = first_obstacle(reading, CHECKS)
    status: dict[str, Any] = {"observedGeneration": generation_of(world.workflow)}
    status |= reading.pinned
    if first_obstacle(reading, PINNING) is None:
        status |= _pins(reading)
    status["conditions"] = stamped(verdict_conditions(obstacle), world.workflow, now)
    content = reading.content
    history = content.history if isinstance(content, WorkflowContent) else None
    pruned = expired_runs(world.runs, history, now)
    actions = (
        *_memory(reading),
        *verdict_actions(world.workflow, status, obstacle),
        *pruned.actions,
    )
    return Decision(actions, pruned.look_again)


def _in_a_project(reading: WorkflowReading) -> Obstacle | None:
    return reading.home if isinstance(reading.home, Obstacle) else None


def _as_remembered(reading: WorkflowReading) -> Obstacle | None:
    if isinstance(content := reading.content, Obstacle):
        return content
    if reading.remembered(content.version) in (None, content.digest):
        return None
    why = (
        "this version has been seen with other steps or parameters; "
        "give the changed ones a new version"
    )
    return refuse(Problem(why, Reason.VERSION_REUSED, object=content.title))


def _resolves(reading: WorkflowReading) -> Obstacle | None:
    return reading.resolved if isinstance(reading.resolved, Obstacle) else None


def _as_pinned(reading: WorkflowReading) -> Obstacle | None:
    """This generation resolves to what its status has pinned."""
    pinned, workflow = reading.pinned, reading.world.workflow
    if pinned.get("resolvedGeneration") != generation_of(workflow):
        return None
    pins = {pin["reference"]: pin for pin in _pins(reading)["resolvedProfiles"]}
    for before in pinned.get("resolvedProfiles", ()):
        now = pins.get(before["reference"], before)
        if now != before:
            why = (
                f"{before['reference']} was {before['digest']} in {before['foundIn']} and is now "
                f"{now['digest']} in {now['foundIn']}; "
                f"a workflow keeps what it resolved to until it changes"
            )
            return refuse(Problem(why, Reason.RESOLUTION_CHANGED, object=_title(workflow)))
    return None


def _datasets_are_free(reading: WorkflowReading) -> Obstacle | None:
    """No older Workflow of the project writes one of the datasets."""
    datasets, workflow = set(_pins(reading)["datasets"]), reading.world.workflow
    for other in sorted(reading.world.others, key=age_key):
        shared = sorted(datasets & set(status_of(other).get("datasets", ())))
        if shared and not is_being_deleted(other) and age_key(other) < age_key(workflow):
            why = (
                f"dataset {shared[0]!r} is written by workflow {name_of(other)!r}, "
                f"which is older; a dataset has one writing workflow"
            )
            return refuse(Problem(why, Reason.DATASET_IN_USE, object=_title(workflow)))
    return None


def _title(workflow: Object) -> str:
    return f"workflow {name_of(workflow)}"


PINNING: tuple[Check[WorkflowReading], ...] = (_in_a_project, _as_remembered, _resolves, _as_pinned)
"""What must pass before the resolution of a Workflow is pinned."""
CHECKS: tuple[Check[WorkflowReading], ...] = (*PINNING, _datasets_are_free)
"""What a Workflow must pass to run."""


def _pins(reading: WorkflowReading) -> dict[str, Any]:
    """What this generation resolves to, as fields of status; called only where it resolves."""
    resolved = cast("Resolved", reading.resolved)
    return {
        "resolvedGeneration": generation_of(reading.world.workflow),
        "configDigest": resolved.snapshot.digest,
        "resolvedProfiles": list(resolved.pins),
        "datasets": list(resolved.datasets),
    }


def _memory(reading: WorkflowReading) -> tuple[Action, ...]:
    """Records the version's content for ever; nothing if it is recorded or does not parse."""
    content = reading.content
    if isinstance(content, Obstacle) or _in_a_project(reading) is not None:
        return ()
    if reading.remembered(content.version) is not None:
        return ()
    place = key_of(reading.world.workflow)
    key = Key("ConfigMap", place.namespace, versions_name("workflow", content.name))
    return (ApplyData(key, config_labels("versions"), {content.version: content.digest}),)
