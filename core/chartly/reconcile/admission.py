"""Whether a run may start now: what has to be there first, and whose turn it is."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import cast

from chartly.api.workflow_run import WorkflowRunSpec, parse_workflow_run
from chartly.errors import Reason, SpecError, recorded_reason
from chartly.plan.served import check_served
from chartly.reconcile.actions import Object
from chartly.reconcile.namespace_project import project_of
from chartly.reconcile.objects import (
    born,
    condition_of,
    document_of,
    generation_of,
    is_going,
    name_of,
    status_of,
    uid_of,
)
from chartly.reconcile.obstacle import (
    Check,
    Obstacle,
    first_obstacle,
    refuse,
    refused,
    wait,
    wait_patiently,
)
from chartly.reconcile.resolution import Resolved
from chartly.reconcile.run_course import is_finished
from chartly.reconcile.turn import Standing, is_suspended, standing_of
from chartly.reconcile.world import RunWorld


@dataclass(frozen=True)
class Request:
    """A run that asks to start, with what its checks read."""

    world: RunWorld
    now: datetime

    @cached_property
    def spec(self) -> WorkflowRunSpec | Obstacle:
        """What it asks for."""
        try:
            run = parse_workflow_run(document_of(self.world.run))
            check_served(run.spec, run.place.at("spec"))
        except SpecError as error:
            return refused(error)
        return run.spec

    @cached_property
    def resolved(self) -> Resolved | Obstacle:
        """What its workflow resolves to now."""
        return resolution_of(self.world)


def resolution_of(world: RunWorld) -> Resolved | Obstacle:
    """What the workflow of a run resolves to.

    Whatever is in the way is soon said of the Workflow itself, and waited for as that is.
    """
    if world.workflow is None:
        return wait(Reason.WORKFLOW_NOT_FOUND, "the workflow is not there")
    home = project_of(world.namespace, world.claimants)
    if isinstance(home, Obstacle):
        return wait(home.reason, home.message)
    found = world.preparations.resolved(world.workflow, home, world.shelf)
    return wait(found.reason, found.message) if isinstance(found, Obstacle) else found


def _readable(request: Request) -> Obstacle | None:
    return request.spec if isinstance(request.spec, Obstacle) else None


def _workflow_is_there(request: Request) -> Obstacle | None:
    named, workflow = request.world.run["spec"]["workflowRef"], request.world.workflow
    name, asked = named["name"], named.get("version")
    if workflow is None or is_going(workflow):
        return wait(Reason.WORKFLOW_NOT_FOUND, f"workflow {name!r} is not there")
    version = workflow["spec"].get("version")
    if asked in (None, version):
        return None
    return wait(
        Reason.WORKFLOW_NOT_FOUND,
        f"workflow {name!r} stands there with version {version}; the run names {asked}",
    )


def _workflow_is_ready(request: Request) -> Obstacle | None:
    workflow = _workflow(request)
    ready = condition_of(workflow, "Ready")
    if ready is None or ready["observedGeneration"] != generation_of(workflow):
        return wait(Reason.CHECKING, f"workflow {name_of(workflow)!r} is not checked yet")
    if ready["status"] != "True":
        reason, message = recorded_reason(ready["reason"], ready["message"])
        return wait(reason, f"workflow {name_of(workflow)!r} may not run: {message}")
    return None


def _not_suspended(request: Request) -> Obstacle | None:
    if is_suspended(request.world.run) or _workflow(request)["spec"].get("suspend"):
        return wait_patiently(Reason.SUSPENDED, "the run or its workflow is suspended")
    return None


def _resolves(request: Request) -> Obstacle | None:
    """The workflow resolves to what it was checked with."""
    found, workflow = request.resolved, _workflow(request)
    if isinstance(found, Obstacle):
        return found
    if found.snapshot.digest == status_of(workflow).get("configDigest"):
        return None
    why = f"workflow {name_of(workflow)!r} is being checked anew: a profile changed"
    return wait(Reason.CHECKING, why)


def _nobody_is_active(request: Request) -> Obstacle | None:
    """No other run holds the turn, or has started without one."""
    world, workflow = request.world, _workflow(request)
    if not takes_turns(workflow):
        return None
    others = [one for one in world.holders if one.uid != uid_of(world.run)]
    standings = [(one.run, standing_of(one, request.now)) for one in others]
    active = [run for run, standing in standings if standing is Standing.ACTIVE]
    active += [name_of(one) for one in _rivals(world) if status_of(one).get("attempts")]
    if active:
        return _occupied(workflow, active[0])
    for run, standing in standings:
        if standing is Standing.LEAVING:
            why = f"run {run!r} is over, but something of it still runs"
            return wait_patiently(Reason.QUEUED, why, _LEAVING_SECONDS)
    return None


def _older_ones_first(request: Request) -> Obstacle | None:
    """In a queue no run that could start was asked for before this one."""
    world, workflow = request.world, _workflow(request)
    if workflow["spec"].get("concurrency") != "Queue":
        return None
    if any(born(one) < born(world.run) and _may_start(one, workflow) for one in _rivals(world)):
        return wait_patiently(Reason.QUEUED, _OLDER)
    return None


def _occupied(workflow: Object, active: str) -> Obstacle:
    if workflow["spec"].get("concurrency") == "Queue":
        return wait_patiently(Reason.QUEUED, _OLDER)
    return refuse(
        Reason.CONCURRENCY_FORBIDDEN,
        f"run {active!r} of workflow {name_of(workflow)!r} is active, and its "
        f"concurrency is Forbid; wait for it, or set concurrency: Queue",
    )


def _rivals(world: RunWorld) -> list[Object]:
    return [one for one in world.rivals if not is_finished(one) and not is_going(one)]


def _may_start(run: Object, workflow: Object) -> bool:
    asked = run["spec"]["workflowRef"].get("version")
    return not is_suspended(run) and asked in {None, workflow["spec"].get("version")}


def takes_turns(workflow: Object) -> bool:
    """Whether one run of the workflow goes on at a time."""
    return bool(workflow["spec"].get("concurrency") != "Allow")


_OLDER = "runs of the workflow that are older come first"
_LEAVING_SECONDS = 10.0
CHECKS: tuple[Check[Request], ...] = (
    _readable,
    _workflow_is_there,
    _workflow_is_ready,
    _not_suspended,
    _nobody_is_active,
    _older_ones_first,
    _resolves,
)
"""What must be so before a run starts."""


@dataclass(frozen=True)
class Admitted:
    """A run that may start now: what it asks for, of which workflow, and what that resolves to."""

    spec: WorkflowRunSpec
    workflow: Object
    resolved: Resolved


def admitted(world: RunWorld, now: datetime) -> Admitted | Obstacle:
    """The run as it may start now, or what is in its way."""
    request = Request(world, now)
    obstacle = first_obstacle(request, CHECKS)
    if obstacle is not None:
        return obstacle
    # The checks have seen that both can be read.
    spec = cast("WorkflowRunSpec", request.spec)
    return Admitted(spec, _workflow(request), cast("Resolved", request.resolved))


def _workflow(request: Request) -> Object:
    """The workflow, of which an earlier check saw that it is there."""
    return request.world.workflow or {}
