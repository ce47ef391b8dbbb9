"""Whether a run may start now: what has to exist first, and which run holds the turn."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import cast

from chartly.api.workflow_run import WorkflowRunSpec, parse_workflow_run
from chartly.errors import Problem, Reason, SpecError
from chartly.plan.served import check_served
from chartly.reconcile.actions import Object
from chartly.reconcile.namespace_project import project_of
from chartly.reconcile.objects import (
    age_key,
    document_of,
    is_being_deleted,
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
from chartly.reconcile.readiness import unready
from chartly.reconcile.resolution import Resolved
from chartly.reconcile.run_course import is_finished
from chartly.reconcile.turn import HolderState, holder_state, is_suspended
from chartly.reconcile.world import RunWorld


@dataclass(frozen=True)
class Request:
    """A run that may start, with what its checks read."""

    world: RunWorld
    now: datetime

    @cached_property
    def spec(self) -> WorkflowRunSpec | Obstacle:
        """Its spec, parsed."""
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

    An obstacle is waited for: the Workflow's own conditions report it, and change with it.
    """
    if world.workflow is None:
        return wait(Problem("the workflow is not there", Reason.WORKFLOW_NOT_FOUND))
    home = project_of(world.namespace, world.claimants)
    if isinstance(home, Obstacle):
        return home.awaited()
    resolved = world.preparations.resolved(world.workflow, home, world.reachable)
    return resolved.awaited() if isinstance(resolved, Obstacle) else resolved


def _readable(request: Request) -> Obstacle | None:
    return request.spec if isinstance(request.spec, Obstacle) else None


def _workflow_is_there(request: Request) -> Obstacle | None:
    reference, workflow = request.world.run["spec"]["workflowRef"], request.world.workflow
    name, wanted = reference["name"], reference.get("version")
    if workflow is None or is_being_deleted(workflow):
        return wait(Problem(f"workflow {name!r} is not there", Reason.WORKFLOW_NOT_FOUND))
    version = workflow["spec"].get("version")
    if wanted in (None, version):
        return None
    why = f"workflow {name!r} is there with version {version}; the run names {wanted}"
    return wait(Problem(why, Reason.WORKFLOW_NOT_FOUND))


def _workflow_is_ready(request: Request) -> Obstacle | None:
    obstacle = unready(_workflow(request), "workflow", "may not run")
    return None if obstacle is None else obstacle.awaited()


def _not_suspended(request: Request) -> Obstacle | None:
    if is_suspended(request.world.run) or _workflow(request)["spec"].get("suspend"):
        return wait_patiently(Problem("the run or its workflow is suspended", Reason.SUSPENDED))
    return None


def _resolves(request: Request) -> Obstacle | None:
    """The workflow resolves to what it was checked with."""
    resolved, workflow = request.resolved, _workflow(request)
    if isinstance(resolved, Obstacle):
        return resolved
    if resolved.snapshot.digest == status_of(workflow).get("configDigest"):
        return None
    why = f"workflow {name_of(workflow)!r} is being checked anew: a profile changed"
    return wait(Problem(why, Reason.CHECKING))


def _no_other_is_active(request: Request) -> Obstacle | None:
    """No other run holds the turn, or has started without one."""
    world, workflow = request.world, _workflow(request)
    if not takes_turns(workflow):
        return None
    others = [holder for holder in world.holders if holder.uid != uid_of(world.run)]
    states = [(holder.run, holder_state(holder, request.now)) for holder in others]
    active = [run for run, state in states if state is HolderState.ACTIVE]
    active += [name_of(rival) for rival in _rivals(world) if status_of(rival).get("attempts")]
    if active:
        return _occupied(workflow, active[0])
    for run, state in states:
        if state is HolderState.ENDING:
            why = f"run {run!r} is over, but something of it still runs"
            return wait_patiently(Problem(why, Reason.QUEUED), _ENDING_SECONDS)
    return None


def _older_runs_first(request: Request) -> Obstacle | None:
    """With concurrency Queue, no older run of the workflow could start."""
    world, workflow = request.world, _workflow(request)
    if workflow["spec"].get("concurrency") != "Queue":
        return None
    older = (rival for rival in _rivals(world) if age_key(rival) < age_key(world.run))
    return wait_patiently(_OLDER) if any(_may_start(run, workflow) for run in older) else None


def _occupied(workflow: Object, active: str) -> Obstacle:
    if workflow["spec"].get("concurrency") == "Queue":
        return wait_patiently(_OLDER)
    why = (
        f"run {active!r} of workflow {name_of(workflow)!r} is active, and its "
        f"concurrency is Forbid; wait for it, or set concurrency: Queue"
    )
    return refuse(Problem(why, Reason.CONCURRENCY_FORBIDDEN))


def _rivals(world: RunWorld) -> list[Object]:
    return [run for run in world.rivals if not is_finished(run) and not is_being_deleted(run)]


def _may_start(run: Object, workflow: Object) -> bool:
    wanted = run["spec"]["workflowRef"].get("version")
    return not is_suspended(run) and wanted in {None, workflow["spec"].get("version")}


def takes_turns(workflow: Object) -> bool:
    """Whether the workflow's runs execute one at a time."""
    return bool(workflow["spec"].get("concurrency") != "Allow")


_OLDER = Problem("runs of the workflow that are older come first", Reason.QUEUED)
_ENDING_SECONDS = 10.0
CHECKS: tuple[Check[Request], ...] = (
    _readable,
    _workflow_is_there,
    _workflow_is_ready,
    _not_suspended,
    _no_other_is_active,
    _older_runs_first,
    _resolves,
)
"""What must be so before a run starts."""


@dataclass(frozen=True)
class Admitted:
    """A run that may start now: its spec, its workflow, and what that resolves to."""

    spec: WorkflowRunSpec
    workflow: Object
    resolved: Resolved


def admitted(world: RunWorld, now: datetime) -> Admitted | Obstacle:
    """The run if it may start now, else the first obstacle."""
    request = Request(world, now)
    obstacle = first_obstacle(request, CHECKS)
    if obstacle is not None:
        return obstacle
    # The checks have passed, so both parsed.
    spec = cast("WorkflowRunSpec", request.spec)
    return Admitted(spec, _workflow(request), cast("Resolved", request.resolved))


def _workflow(request: Request) -> Object:
    """The workflow; an earlier check returned an obstacle if it does not exist."""
    return request.world.workflow or {}
