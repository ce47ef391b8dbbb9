"""``chartly teardown``: the playbook's order; audit logs are never touched."""

import json
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import typer

from chartly.api.profile import Profile
from chartly.api.workflow import Workflow, as_resource
from chartly.errors import REASONS, Reason, RunError, SpecError
from chartly.evidence.event import Source
from chartly.plan.prepare import FrozenWorkflow
from chartly_cli.commands.deprecate import annotate
from chartly_cli.printable import one_line
from chartly_cli.removal import Outcome, RemovalResult, RemovalStep, carry_out, first_failure
from chartly_cli.runs import run_folders, write_durably
from chartly_cli.session import Session, state_folder
from chartly_cli.stored import Stored, stored
from chartly_cli.workspace import Workspace, read_files
from chartly_store.teardown import drop_dataset, drop_output

_RECORDS = "teardown"
"""The folder of what is being torn down: a workflow's file may be gone before its rows are."""


@dataclass(frozen=True)
class Plan:
    """What a teardown does, and what it leaves alone, with the reason why."""

    steps: list[RemovalStep]
    kept: list[tuple[str, str]]


def teardown(session: Session, name: str, *, yes: bool) -> None:
    """Tells, or with ``yes`` does, what removes a domain; exits with the first failure's reason."""
    workspace = session.workspace()
    _take_up(workspace)
    frozen = workspace.freeze(workspace.workflow(name))
    with ExitStack() as stack:
        found = _opened(stack, workspace, frozen)
        _finish(session, workspace, frozen, found, yes=yes)


def _opened(stack: ExitStack, workspace: Workspace, frozen: FrozenWorkflow) -> Stored | None:
    """The project's store; none where nothing was ever stored for the project."""
    try:
        return stack.enter_context(stored(workspace, frozen.plan.project))
    except RunError as error:
        if error.reason is Reason.PREREQUISITE_MISSING:
            return None
        raise


def _take_up(workspace: Workspace) -> None:
    """Reads the workflows whose teardown has begun and is not through; their files may be gone."""
    records = sorted((workspace.state / _RECORDS).glob("[!.]*"))
    begun = read_files(records, workspace.root)
    there = {one.name for one in workspace.workflows}
    workspace.workflows += [one for one in begun.workflows if one.name not in there]
    workspace.problems += begun.problems


def _begin(workspace: Workspace, workflow: Workflow) -> None:
    """Records what is torn down before anything is, so that it can be taken up from anywhere."""
    folder = state_folder(workspace) / _RECORDS
    folder.mkdir(exist_ok=True)
    document = as_resource(workflow, workflow.namespace)
    write_durably(folder / f"{workflow.name}.json", json.dumps(document, indent=2).encode())


def _end(workspace: Workspace, workflow: Workflow) -> None:
    """Drops the record of this teardown; those of others stay."""
    folder = workspace.state / _RECORDS
    for path in folder.glob("[!.]*"):
        if any(one.name == workflow.name for one in read_files([path], workspace.root).workflows):
            path.unlink()
    with suppress(OSError):
        folder.rmdir()


def _plan(workspace: Workspace, frozen: FrozenWorkflow, found: Stored | None) -> Plan:
    workflow = _workflow_step(workspace, frozen.resolution.workflow, found)
    profiles, used = _profile_steps(workspace, frozen)
    if found is None:
        return Plan([workflow, *profiles], used)
    derived = [one.spec.outputs.dataset for one in frozen.plan.analytics]
    canonical = [one.storage.dataset for one in frozen.plan.streams]
    writer = frozen.resolution.workflow.name
    others = {name: _other_writer(found, name, writer) for name in [*derived, *canonical]}
    datasets = [
        RemovalStep(kind, dataset, "dataset.deleted", partial(drop, found.store, dataset))
        for kind, names, drop in (
            ("derived dataset", derived, drop_output),
            ("canonical dataset", canonical, drop_dataset),
        )
        for dataset in names
        if others[dataset] is None
    ]
    kept = [
        (f"dataset: {name}", f"workflow {other} writes it")
        for name, other in others.items()
        if other
    ]
    return Plan([workflow, *datasets, *profiles], [*kept, *used])


def _other_writer(found: Stored, dataset: str, workflow: str) -> str | None:
    """The other workflow that writes a dataset; what that one wrote is not ours to drop."""
    row = found.store.dataset(dataset)
    return None if row is None or row.workflow == workflow else row.workflow


def _workflow_step(workspace: Workspace, workflow: Workflow, found: Stored | None) -> RemovalStep:
    others = [one.source for one in workspace.workflows if one.name != workflow.name]
    others += [one.source for _, one in workspace.profiles]
    path = workspace.root / workflow.source
    alone = workflow.source not in others

    def remove() -> bool:
        there = _remove(path, workspace.state / _RECORDS, alone=alone)
        if found is not None:
            _end_cut_off(workspace.state, workflow.name)
        return there

    return RemovalStep("workflow", workflow.source, "workflow.deleted", remove)


def _remove(path: Path, records: Path, *, alone: bool) -> bool:
    """Removes a workflow's file; returns whether there was one.

    Raises:
        SpecError: the file holds other objects, too.
    """
    if path.parent == records:
        return False
    if not alone:
        raise SpecError(f"{path}: holds other objects, too; take the workflow out of it by hand")
    path.unlink()
    return True


def _end_cut_off(state: Path, workflow: str) -> None:
    """Ends runs that were cut off: none may go on where the rows of its first pages are gone."""
    for folder in run_folders(state):
        intent = folder.intent
        if folder.result is None and intent.workflow == workflow:
            said = {"reason": Reason.KILLED.value, "message": "cut off, then torn down"}
            folder.finish({"run": intent.run_id, **said})


def _profile_steps(
    workspace: Workspace, frozen: FrozenWorkflow
) -> tuple[list[RemovalStep], list[tuple[str, str]]]:
    """Profiles are marked deprecated last; those that another workflow names are kept."""
    workflow = frozen.resolution.workflow
    others = [one for one in workspace.workflows if one.name != workflow.name]
    used = {step.reference.rpartition("::")[2]: one for one in others for step in one.steps}
    because = f"torn down with workflow {workflow.name}"
    steps, kept = [], []
    for one in frozen.resolution.profiles:
        name = str(one.reference.profile)
        if one.found_in is None:
            kept.append((f"profile: {name}", "it stands in global"))
        elif name in used:
            kept.append((f"profile: {name}", f"{used[name]} names it"))
        # Marked by a teardown that was cut off before it had recorded so, it is recorded now.
        elif one.profile.deprecated in (None, because):
            act = partial(_mark, workspace.root / one.profile.source, one.profile, because)
            steps.append(RemovalStep("profile (deprecate)", name, "profile.deprecated", act))
    return steps, kept


def _mark(path: Path, profile: Profile, because: str) -> bool:
    if profile.deprecated is not None:
        return False
    annotate(path, profile, because)
    return True


def _finish(
    session: Session,
    workspace: Workspace,
    frozen: FrozenWorkflow,
    found: Stored | None,
    *,
    yes: bool,
) -> None:
    workflow, plan = frozen.resolution.workflow, _plan(workspace, frozen, found)
    if not yes:
        _tell(
            session, [Outcome(step, RemovalResult.PLANNED) for step in plan.steps], plan, done=False
        )
        return
    _begin(workspace, workflow)
    outcomes = list(carry_out(plan.steps, partial(_record, frozen, found)))
    reason = first_failure(outcomes)
    if reason is None:
        _end(workspace, workflow)
    _tell(session, outcomes, plan, done=reason is None)
    if reason is not None:
        _fail(session, outcomes, reason, workflow)


def _record(frozen: FrozenWorkflow, found: Stored | None, step: RemovalStep) -> None:
    if found is not None:
        source = Source(frozen.plan.project)
        events = [(step.event, {"name": step.name})]
        found.audit.append_project(events, source, lambda: datetime.now(UTC))


def _tell(session: Session, outcomes: list[Outcome], plan: Plan, *, done: bool) -> None:
    lines = [one.line for one in outcomes]
    lines += [f"kept  {what} ({because})" for what, because in plan.kept]
    lines.append("kept  audit logs, ledger and attempts")
    if all(one.result is RemovalResult.PLANNED for one in outcomes):
        lines.append("nothing was changed; --yes does it")
    document = {
        "done": done,
        "steps": [one.document for one in outcomes],
        "kept": [{"name": what, "because": because} for what, because in plan.kept],
    }
    session.printer.result(document, "\n".join(lines))


def _fail(session: Session, outcomes: list[Outcome], reason: Reason, workflow: Workflow) -> None:
    for one in outcomes:
        if one.result is RemovalResult.FAILED:
            session.printer.note(one_line(f"error: {one.reason}: {one.step}: {one.message}"))
    session.printer.note(f"`chartly teardown {workflow.name} --yes` goes on with what is left")
    raise typer.Exit(REASONS[reason].exit_code)
