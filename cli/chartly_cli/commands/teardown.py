"""``chartly teardown``: the playbook's order; audit logs are never touched."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from chartly.api.profile import Profile
from chartly.errors import ChartlyError, Reason, SpecError
from chartly.evidence.event import Source
from chartly_cli.commands.deprecate import annotate
from chartly_cli.runs import run_folders, write_durably
from chartly_cli.session import Session
from chartly_cli.stored import Stored, stored
from chartly_cli.workspace import Frozen, Workspace, read_files
from chartly_store.teardown import drop_dataset, drop_output

_PENDING = "teardown"


@dataclass(frozen=True)
class Step:
    """One thing to remove; doing it again when it is gone changes nothing."""

    kind: str
    name: str
    event: str
    act: Callable[[], object]


def teardown(session: Session, name: str, *, yes: bool) -> None:
    """Tells, or with ``yes`` does, what removes a domain."""
    workspace = session.workspace()
    _take_up(workspace)
    frozen = workspace.freeze(workspace.workflow(name))
    if not (workspace.state / "store").is_dir():
        _finish(session, _file_steps(workspace, frozen), yes=yes, found=None, frozen=frozen)
        return
    with stored(workspace, frozen.plan.project) as found:
        if yes:
            _end_cut_off(workspace.state, frozen.resolution.workflow.name)
        steps = _steps(workspace, frozen, found)
        _finish(session, steps, yes=yes, found=found, frozen=frozen)


def _end_cut_off(state: Path, workflow: str) -> None:
    """Ends runs that were cut off: none may go on where the rows of its first pages are gone."""
    for folder in run_folders(state):
        intent = folder.intent
        if folder.result is None and intent.workflow == workflow:
            said = {"reason": Reason.KILLED.value, "message": "cut off, then torn down"}
            folder.finish({"run": intent.run_id, **said})


def _steps(workspace: Workspace, frozen: Frozen, found: Stored) -> list[Step]:
    files = _file_steps(workspace, frozen)
    writer = frozen.resolution.workflow.name
    derived = [
        Step(
            "derived dataset",
            dataset,
            "dataset.deleted",
            partial(drop_output, found.store, dataset),
        )
        for dataset in (one.spec.outputs.dataset for one in frozen.plan.analytics)
        if _is_ours(found, dataset, writer)
    ]
    canonical = [
        Step(
            "canonical dataset",
            dataset,
            "dataset.deleted",
            partial(drop_dataset, found.store, dataset),
        )
        for dataset in (one.storage.dataset for one in frozen.plan.streams)
        if _is_ours(found, dataset, writer)
    ]
    return [files[0], *derived, *canonical, *files[1:]]


def _is_ours(found: Stored, dataset: str, workflow: str) -> bool:
    """Whether no other workflow writes a dataset; what another one wrote is not ours to drop."""
    row = found.store.dataset(dataset)
    return row is None or row.workflow == workflow


def _file_steps(workspace: Workspace, frozen: Frozen) -> list[Step]:
    """The workflow's file is removed first; profiles are marked deprecated last."""
    workflow = frozen.resolution.workflow
    path = workspace.root / workflow.source
    kept = workspace.state / _PENDING / path.name
    others = [one for one in workspace.workflows if one.name != workflow.name]
    sources = {one.source for one in others} | {one.source for _, one in workspace.profiles}
    alone = workflow.source not in sources
    remove = partial(_remove, path, kept, alone=alone)
    steps = [Step("workflow", workflow.source, "workflow.deleted", remove)]
    used = {step.reference.rpartition("::")[2] for one in others for step in one.steps}
    because = f"torn down with workflow {workflow.name}"
    for one in frozen.resolution.profiles:
        free = str(one.reference.profile) not in used
        # Marked by a teardown that was cut off before it had recorded so, it is recorded now.
        marked = one.profile.deprecated not in (None, because)
        if one.found_in is not None and not marked and free:
            source = workspace.root / one.profile.source
            act = partial(_mark, source, one.profile, because)
            name = str(one.reference.profile)
            steps.append(Step("profile (deprecate)", name, "profile.deprecated", act))
    return steps


def _mark(path: Path, profile: Profile, because: str) -> None:
    if profile.deprecated is None:
        annotate(path, profile, because)


def _remove(path: Path, kept: Path, *, alone: bool) -> None:
    """Removes a workflow's file; what it named is kept until the teardown is through.

    Raises:
        SpecError: the file holds other objects, too.
    """
    if not alone:
        raise SpecError(f"{path}: holds other objects, too; take the workflow out of it by hand")
    # Taken up after a kill, the workflow is read from what was kept, and its file is gone.
    if path.exists() and path != kept:
        kept.parent.mkdir(parents=True, exist_ok=True)
        write_durably(kept, path.read_bytes())
        path.unlink()


def _take_up(workspace: Workspace) -> None:
    """Workflows whose teardown was cut off after their file was gone."""
    pending = sorted((workspace.state / _PENDING).glob("*"))
    workspace.workflows += read_files(pending, workspace.root).workflows


def _finish(
    session: Session, steps: list[Step], *, yes: bool, found: Stored | None, frozen: Frozen
) -> None:
    lines = []
    for step in steps:
        said = f"{'removed' if yes else 'would remove'}  {step.kind}: {step.name}"
        if yes:
            said += _do(step, found, frozen)
        lines.append(said)
    if yes:
        shutil.rmtree(session.workspace().state / _PENDING, ignore_errors=True)
    lines.append("kept  audit logs, ledger and attempts")
    if not yes:
        lines.append("nothing was changed; --yes does it")
    document = {
        "done": yes,
        "steps": [{"kind": step.kind, "name": step.name} for step in steps],
    }
    session.printer.result(document, "\n".join(lines))


def _do(step: Step, found: Stored | None, frozen: Frozen) -> str:
    """Does one step and records it; what cannot be done is said, and the rest goes on."""
    try:
        step.act()
    except ChartlyError as error:
        return f" (not done: {error.message})"
    if found is not None:
        found.audit.append_project(
            [(step.event, {"name": step.name})],
            Source(frozen.plan.project),
            lambda: datetime.now(UTC),
        )
    return ""
