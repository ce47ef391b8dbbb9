"""A Workflow: what its references resolve to, pinned, and whether it may run."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, cast

from chartly.api.reference import Project
from chartly.errors import Reason
from chartly.manifests.labels import config_labels
from chartly.names import versions_name
from chartly.reconcile.actions import Action, ApplyData, Decision, Key
from chartly.reconcile.conditions import stamped, told, verdict_conditions
from chartly.reconcile.history import expired_runs
from chartly.reconcile.namespace_project import project_of
from chartly.reconcile.objects import (
    born,
    generation_of,
    is_going,
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
    """A Workflow as it reads; the checks ask for its parts."""

    world: WorkflowWorld

    @cached_property
    def home(self) -> Project | Obstacle:
        return project_of(self.world.namespace, self.world.claimants)

    @cached_property
    def content(self) -> WorkflowContent | Obstacle:
        return self.world.preparations.content(self.world.workflow)

    @cached_property
    def resolved(self) -> Resolved | Obstacle:
        """What it resolves to; asked for only where it can be read and has a home."""
        world, home = self.world, cast("Project", self.home)
        return world.preparations.resolved(world.workflow, home, world.shelf)

    @property
    def pinned(self) -> dict[str, Any]:
        """What its status says that it resolved to."""
        status = status_of(self.world.workflow)
        return {name: status[name] for name in _PINNED if name in status}

    def remembered(self, version: str) -> str | None:
        """The content that a version had when it was first seen."""
        known: dict[str, str] = (self.world.versions or {}).get("data") or {}
        return known.get(version)


def decide_workflow(world: WorkflowWorld, settings: Settings, now: datetime) -> Decision:
    """What to do about a Workflow: resolve it, pin that, say whether it may run, prune its runs."""
    del settings  # one signature for all three kinds
    if is_going(world.workflow):
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
    actions = (*_memory(reading), *told(world.workflow, status, obstacle), *pruned.actions)
    return Decision(actions, pruned.look_again)


def _in_a_project(reading: WorkflowReading) -> Obstacle | None:
    return reading.home if isinstance(reading.home, Obstacle) else None


def _as_remembered(reading: WorkflowReading) -> Obstacle | None:
    if isinstance(content := reading.content, Obstacle):
        return content
    if reading.remembered(content.version) in (None, content.digest):
        return None
    return refuse(
        Reason.VERSION_REUSED,
        f"{content.title}: this version has been seen with other steps or parameters; "
        f"give the changed ones a new version",
    )


def _resolves(reading: WorkflowReading) -> Obstacle | None:
    return reading.resolved if isinstance(reading.resolved, Obstacle) else None


def _as_pinned(reading: WorkflowReading) -> Obstacle | None:
    """This generation resolves to what it was said to resolve to."""
    before, workflow = reading.pinned, reading.world.workflow
    if before.get("resolvedGeneration") != generation_of(workflow):
        return None
    pins = {one["reference"]: one for one in _pins(reading)["resolvedProfiles"]}
    for one in before.get("resolvedProfiles", ()):
        now = pins.get(one["reference"], one)
        if now != one:
            return refuse(
                Reason.RESOLUTION_CHANGED,
                f"workflow {name_of(workflow)}: {one['reference']} was "
                f"{one['digest']} in {one['foundIn']} and is now {now['digest']} in "
                f"{now['foundIn']}; a workflow keeps what it resolved to until it changes",
            )
    return None


def _datasets_are_free(reading: WorkflowReading) -> Obstacle | None:
    """No older Workflow of the project writes one of the datasets."""
    mine, workflow = set(_pins(reading)["datasets"]), reading.world.workflow
    for other in sorted(reading.world.others, key=born):
        both = sorted(mine & set(status_of(other).get("datasets", ())))
        if both and not is_going(other) and born(other) < born(workflow):
            return refuse(
                Reason.DATASET_IN_USE,
                f"workflow {name_of(workflow)}: dataset {both[0]!r} is written by workflow "
                f"{name_of(other)!r}, which is older; a dataset has one writing workflow",
            )
    return None


PINNING: tuple[Check[WorkflowReading], ...] = (_in_a_project, _as_remembered, _resolves, _as_pinned)
"""What must be so before it is pinned what a Workflow resolves to."""
CHECKS: tuple[Check[WorkflowReading], ...] = (*PINNING, _datasets_are_free)
"""What a Workflow must be to run."""


def _pins(reading: WorkflowReading) -> dict[str, Any]:
    """What this generation resolves to, as status tells it; asked for only where it does."""
    found = cast("Resolved", reading.resolved)
    return {
        "resolvedGeneration": generation_of(reading.world.workflow),
        "configDigest": found.snapshot.digest,
        "resolvedProfiles": list(found.pins),
        "datasets": list(found.datasets),
    }


def _memory(reading: WorkflowReading) -> tuple[Action, ...]:
    """What makes the version's content known for ever; nothing if it is, or cannot be read."""
    content = reading.content
    if isinstance(content, Obstacle) or _in_a_project(reading) is not None:
        return ()
    if reading.remembered(content.version) is not None:
        return ()
    place = key_of(reading.world.workflow)
    key = Key("ConfigMap", place.namespace, versions_name("workflow", content.name))
    return (ApplyData(key, config_labels("versions"), {content.version: content.digest}),)
