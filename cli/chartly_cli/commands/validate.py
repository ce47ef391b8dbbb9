"""``chartly validate``."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import typer

from chartly.api.place import Place
from chartly.api.reference import Project, parse_reference
from chartly.api.workflow import Workflow
from chartly.errors import REASONS, ChartlyError, Problem, Reason, SpecError
from chartly.load.pages import pages_dataset
from chartly.plan.catalog import Catalog
from chartly.plan.plan_check import check_alone
from chartly.plan.prepare import FrozenWorkflow
from chartly.plan.resolve import homes
from chartly.plan.runplan import RunPlan
from chartly.plan.served import check_served
from chartly_cli.output import counted
from chartly_cli.printable import one_line
from chartly_cli.session import Session
from chartly_cli.workspace import Workspace, read_files

_HOME = Project("any", "project")
"""Stands for the project of the folder: which it is matters to no profile by itself."""


def validate(session: Session, paths: list[Path]) -> None:
    """Tells every mistake; exits with ConfigInvalid when there is one."""
    folder = session.workspace()
    workspace = read_files(paths, session.directory) if paths else folder
    checked = len(workspace.profiles) + len(workspace.workflows) + len(workspace.runs)
    problems = [*workspace.problems, *_object_problems(workspace)]
    unchecked: list[str] = []
    if paths and not problems:
        workspace, unchecked = _at_hand(workspace, folder)
    if not problems:
        problems += _workflow_problems(workspace)
    document = {
        "checked": checked,
        "problems": [one.document() for one in problems],
        "unchecked": unchecked,
    }
    if problems and session.printer.is_json:
        session.printer.result(document, "")
        raise typer.Exit(REASONS[problems[0].reason].exit_code)
    if problems:
        raise SpecError(problems)
    if not checked and paths:
        why = "hold no Profile, Workflow or WorkflowRun"
        raise Place(object="the named files").refusal(why)
    if not checked:
        raise session.place.refusal("holds no profiles/ and workflows/ to check")
    told = f"{counted(checked, 'object')} {'is' if checked == 1 else 'are'} valid"
    lines = [told, *(f"not checked: {one}" for one in unchecked)]
    session.printer.result(document, "\n".join(map(one_line, lines)))


def _object_problems(workspace: Workspace) -> list[Problem]:
    """What each object shows by itself."""
    checks: list[Callable[[], object]] = [
        # One version has one content, also where no workflow names it.
        partial(Catalog, [(None if shared else _HOME, one) for shared, one in workspace.profiles]),
        *(partial(check_alone, one.spec, one.spec_place) for _, one in workspace.profiles),
        *(partial(check_served, one.spec, one.place.at("spec")) for one in workspace.workflows),
        *(partial(check_served, one.spec, one.place.at("spec")) for one in workspace.runs),
    ]
    return [problem for check in checks for problem in _problems(check)]


def _problems(check: Callable[[], object]) -> Sequence[Problem]:
    try:
        check()
    except ChartlyError as error:
        return error.problems
    return ()


def _at_hand(named: Workspace, folder: Workspace) -> tuple[Workspace, list[str]]:
    """The named workflows whose profiles are in the files or the folder, and what is not there."""
    own = {(shared, one.id) for shared, one in named.profiles}
    near = [(shared, one) for shared, one in folder.profiles if (shared, one.id) not in own]
    project = named.project or folder.project
    whole = replace(named, profiles=[*named.profiles, *near], workflows=[], project=project)
    unchecked = []
    for workflow in named.workflows:
        lacking = _lacking(workflow, whole)
        unchecked += [f"{workflow.source}: {workflow}: {one}" for one in lacking]
        whole.workflows += [] if lacking else [workflow]
    return whole, unchecked


def _lacking(workflow: Workflow, whole: Workspace) -> list[str]:
    """What a workflow names that is not at hand; what is certainly wrong is not among it."""
    if whole.project is None and not homes(workflow):
        return ["its profiles, since it is not said which project it belongs to"]
    try:
        home = whole.home(workflow)
    except SpecError:
        return []
    catalog = whole.catalog(home)
    references = [parse_reference(one.reference, home) for one in workflow.steps if one.enabled]
    return [
        f"profile {str(one)!r} is not at hand"
        for one in dict.fromkeys(references)
        if one.scope in (None, home) and catalog.find(one.scope, one.profile) is None
    ]


def _workflow_problems(workspace: Workspace) -> list[Problem]:
    """What only shows when a workflow is resolved: references, order, paths, queries, datasets."""
    problems: list[Problem] = []
    writers: dict[str, str] = {}
    for workflow in workspace.workflows:
        try:
            frozen = workspace.prepare(workflow)
        except ChartlyError as error:
            problems += error.problems
            continue
        problems += _query_problems(frozen)
        for dataset in _datasets(frozen.plan):
            key = f"{frozen.plan.project}/{dataset}"
            other = writers.setdefault(key, workflow.name)
            if other != workflow.name:
                why = (
                    f"dataset {dataset!r} is already written by workflow {other!r}; a dataset has "
                    "one writer"
                )
                place = workflow.place.at("spec", "steps")
                problems.append(place.problem(why, reason=Reason.DATASET_IN_USE))
    return list(dict.fromkeys(problems))


def _datasets(plan: RunPlan) -> list[str]:
    """Every dataset that a plan writes."""
    return [
        *(one.storage.dataset for one in plan.streams),
        *(pages_dataset(one.storage) for one in plan.streams if one.storage.raw.enabled),
        *(one.spec.outputs.dataset for one in plan.analytics),
    ]


def _query_problems(frozen: FrozenWorkflow) -> Sequence[Problem]:
    """What an engine refuses of the queries; that there is no engine is none of their problems."""
    if not frozen.plan.analytics:
        return ()
    from chartly_store.explanation import check_explained  # noqa: PLC0415 - costs 0.4 s

    try:
        with frozen.resolution.locating():
            check_explained(frozen.plan)
    except SpecError as error:
        return error.problems
    return ()
