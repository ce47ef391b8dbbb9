"""Whether a run may start now: what has to be there first, and whose turn it is."""

from chartly.api.workflow_run import WorkflowRunSpec, parse_workflow_run
from chartly.errors import Reason, SpecError
from chartly.plan.served import check_run_served
from chartly.reconcile.actions import Object
from chartly.reconcile.course import is_finished
from chartly.reconcile.objects import (
    born,
    condition_of,
    document_of,
    generation_of,
    is_going,
    name_of,
    status_of,
)
from chartly.reconcile.world import RunWorld


class NotYetError(SpecError):
    """The run may start later without anybody changing it."""


def admitted(world: RunWorld) -> tuple[WorkflowRunSpec, Object]:
    """What a run asks for, and its Workflow, when it may start now.

    Raises:
        NotYetError: something has to come first.
        SpecError: it may not start, now or later.
    """
    run = parse_workflow_run(document_of(world.run))
    check_run_served(run.spec, f"run {run.name}")
    workflow = _ready_workflow(world, run.spec)
    if _is_suspended(world.run) or workflow["spec"].get("suspend"):
        raise NotYetError("the run or its workflow is suspended", Reason.SUSPENDED)
    _check_turn(world, workflow)
    return run.spec, workflow


def _ready_workflow(world: RunWorld, spec: WorkflowRunSpec) -> Object:
    named, workflow = spec.workflow_ref, world.workflow
    if workflow is None or is_going(workflow):
        raise NotYetError(f"workflow {named.name!r} is not there", Reason.WORKFLOW_NOT_FOUND)
    version = workflow["spec"].get("version")
    if named.version not in (None, version):
        raise NotYetError(
            f"workflow {named.name!r} stands there with version {version}; "
            f"the run names {named.version}",
            Reason.WORKFLOW_NOT_FOUND,
        )
    ready = condition_of(workflow, "Ready")
    if ready is None or ready["observedGeneration"] != generation_of(workflow):
        raise NotYetError(f"workflow {named.name!r} is not checked yet", Reason.CHECKING)
    if ready["status"] != "True":
        why = f"workflow {named.name!r} may not run: {ready['message']}"
        raise NotYetError(why, Reason(ready["reason"]))
    return workflow


def _check_turn(world: RunWorld, workflow: Object) -> None:
    """Whether no other run of the workflow is in the way."""
    others = [one for one in world.siblings if not is_finished(one) and not is_going(one)]
    started = [one for one in others if status_of(one).get("attempts")]
    if workflow["spec"].get("concurrency", "Forbid") == "Queue":
        waiting = [one for one in others if born(one) < born(world.run) and not _is_suspended(one)]
        if started or waiting:
            raise NotYetError("runs of the workflow that are older come first", Reason.QUEUED)
    elif started:
        raise SpecError(
            f"run {name_of(started[0])!r} of workflow {name_of(workflow)!r} is active, and its "
            f"concurrency is Forbid; wait for it, or set concurrency: Queue",
            Reason.CONCURRENCY_FORBIDDEN,
        )


def _is_suspended(run: Object) -> bool:
    return bool((run["spec"].get("control") or {}).get("suspend"))
