"""``chartly validate``."""

from pathlib import Path

import typer

from chartly.api.diagnosis import InvalidObjectError
from chartly.errors import ChartlyError, SpecError
from chartly.plan.check import check_plan
from chartly.plan.served import check_served
from chartly_cli.session import Session
from chartly_cli.workspace import Workspace, read_files


def validate(session: Session, paths: list[Path]) -> None:
    """Tells every mistake; exits with ConfigInvalid when there is one."""
    workspace = session.workspace()
    if paths:
        workspace = read_files(paths, session.directory)
    problems = list(workspace.problems)
    problems += _profile_problems(workspace)
    if not paths:
        problems += _workflow_problems(workspace)
    checked = len(workspace.profiles) + len(workspace.workflows)
    document = {"checked": checked, "problems": problems}
    if problems and session.printer.is_json:
        session.printer.result(document, "")
        raise typer.Exit(3)
    if problems:
        raise InvalidObjectError(problems)
    if not checked:
        raise SpecError(f"{session.directory}: holds no profiles/ and workflows/ to check")
    session.printer.result(document, f"{checked} objects are valid")


def _profile_problems(workspace: Workspace) -> list[str]:
    problems = []
    for _, profile in workspace.profiles:
        try:
            check_served(profile.spec, f"{profile.source}: {profile.id}")
        except SpecError as error:
            problems.append(error.message)
    return problems


def _workflow_problems(workspace: Workspace) -> list[str]:
    """What only shows when a workflow is resolved: references, order, paths, queries, datasets."""
    problems: list[str] = []
    writers: dict[str, str] = {}
    for workflow in workspace.workflows if not workspace.problems else ():
        try:
            frozen = workspace.freeze(workflow)
            check_plan(frozen.resolution, frozen.plan)
        except ChartlyError as error:
            problems += getattr(error, "problems", (error.message,))
            continue
        plan = frozen.plan
        datasets = [one.storage.dataset for one in plan.streams]
        datasets += [one.spec.outputs.dataset for one in plan.analytics]
        for dataset in datasets:
            key = f"{plan.project}/{dataset}"
            other = writers.setdefault(key, workflow.name)
            if other != workflow.name:
                problems.append(
                    f"{workflow.source}: {workflow}: dataset {dataset!r} is already written by "
                    f"workflow {other!r}; a dataset has one writer"
                )
    return list(dict.fromkeys(problems))
