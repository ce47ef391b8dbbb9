"""Validates profiles, workflows and runs: alone, then each workflow with its profiles."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from chartly.api.model import SpecModel
from chartly.api.place import Place
from chartly.api.reference import Project, parse_reference
from chartly.api.workflow import Workflow
from chartly.errors import ChartlyError, Problem, Reason, SpecError
from chartly.load.page_dataset import pages_dataset
from chartly.plan.catalog import Catalog
from chartly.plan.plan_check import check_alone
from chartly.plan.prepare import FrozenWorkflow
from chartly.plan.resolve import homes
from chartly.plan.runplan import RunPlan
from chartly.plan.served import check_served
from chartly_service.workspace import Workspace

_HOME = Project("any", "project")
"""Used where the project is not known: no profile by itself depends on it."""
QueryCheck = Callable[[RunPlan], None]
"""Runs the queries of a plan over no rows; raises SpecError for those that an engine refuses."""


@dataclass(frozen=True)
class Validation:
    """The result of a validation.

    Attributes:
        checked: how many objects were read.
        unchecked: what could not be checked, since no file holds it; a sentence each.
    """

    checked: int
    problems: Sequence[Problem]
    unchecked: Sequence[str]


def validate(folder: Workspace, named: Workspace | None, check_queries: QueryCheck) -> Validation:
    """Every problem of the objects.

    Workflows are resolved only where no object has a problem by itself.

    Args:
        folder: the objects beside the named ones.
        named: the objects to check; None for those of the folder.
    """
    workspace = folder if named is None else named
    problems = [*workspace.problems, *_object_problems(workspace)]
    if problems:
        return Validation(workspace.size, problems, [])
    unchecked: list[str] = []
    resolvable = workspace
    if named is not None:
        resolvable, unchecked = _at_hand(named, folder)
    problems = _workflow_problems(resolvable, check_queries)
    return Validation(workspace.size, problems, unchecked)


def _object_problems(workspace: Workspace) -> list[Problem]:
    """The problems of each object by itself."""
    scoped = [(None if shared else _HOME, profile) for shared, profile in workspace.profiles]
    parts: list[tuple[SpecModel, Place]] = [
        (workflow.spec, workflow.place) for workflow in workspace.workflows
    ]
    parts += [(run.spec, run.place) for run in workspace.runs]
    checks: list[Callable[[], object]] = [
        # One version has one content, also where no workflow names it.
        partial(Catalog, scoped),
        *(partial(check_alone, each.spec, each.spec_place) for _, each in workspace.profiles),
        *(partial(check_served, spec, place.at("spec")) for spec, place in parts),
    ]
    return [problem for check in checks for problem in _problems(check)]


def _problems(check: Callable[[], object]) -> Sequence[Problem]:
    try:
        check()
    except ChartlyError as error:
        return error.problems
    return ()


def _at_hand(named: Workspace, folder: Workspace) -> tuple[Workspace, list[str]]:
    """The named workflows whose profiles are in the files or the folder, and what is lacking."""
    own = {(shared, profile.id) for shared, profile in named.profiles}
    near = [
        (shared, profile) for shared, profile in folder.profiles if (shared, profile.id) not in own
    ]
    project = named.project or folder.project
    whole = replace(named, profiles=[*named.profiles, *near], workflows=[], project=project)
    unchecked = []
    for workflow in named.workflows:
        lacking = _lacking(workflow, whole)
        unchecked += [f"{workflow.source}: {workflow}: {part}" for part in lacking]
        whole.workflows += [] if lacking else [workflow]
    return whole, unchecked


def _lacking(workflow: Workflow, whole: Workspace) -> list[str]:
    """What a workflow names that is in no file; certain mistakes are not among it."""
    if whole.project is None and not homes(workflow):
        return ["its profiles, since no file or option names its project"]
    try:
        home = whole.home(workflow)
    except SpecError:
        return []
    catalog = whole.catalog(home)
    references = [parse_reference(step.reference, home) for step in workflow.steps if step.enabled]
    return [
        f"profile {str(reference)!r} is not in the named files or the folder"
        for reference in dict.fromkeys(references)
        if reference.scope in (None, home)
        and catalog.find(reference.scope, reference.profile) is None
    ]


def _workflow_problems(workspace: Workspace, check_queries: QueryCheck) -> list[Problem]:
    """What only shows when a workflow is resolved: references, order, paths, queries, datasets."""
    problems: list[Problem] = []
    writers: dict[str, str] = {}
    for workflow in workspace.workflows:
        try:
            frozen = workspace.prepare(workflow)
        except ChartlyError as error:
            problems += error.problems
            continue
        problems += _query_problems(frozen, check_queries)
        problems += _writer_problems(workflow, frozen.plan, writers)
    return list(dict.fromkeys(problems))


def _query_problems(frozen: FrozenWorkflow, check_queries: QueryCheck) -> Sequence[Problem]:
    """What an engine refuses of the queries."""
    if not frozen.plan.analytics:
        return ()
    try:
        with frozen.resolution.locating():
            check_queries(frozen.plan)
    except SpecError as error:
        return error.problems
    return ()


def _writer_problems(workflow: Workflow, plan: RunPlan, writers: dict[str, str]) -> list[Problem]:
    """The datasets that another workflow writes; adds those of this one to the writers."""
    problems = []
    for dataset in _datasets(plan):
        writer = writers.setdefault(f"{plan.project}/{dataset}", workflow.name)
        if writer != workflow.name:
            why = (
                f"dataset {dataset!r} is already written by workflow {writer!r}; a dataset has "
                "one writer"
            )
            place = workflow.place.at("spec", "steps")
            problems.append(place.problem(why, reason=Reason.DATASET_IN_USE))
    return problems


def _datasets(plan: RunPlan) -> list[str]:
    """Every dataset that a plan writes."""
    return [
        *(stream.storage.dataset for stream in plan.streams),
        *(pages_dataset(stream.storage) for stream in plan.streams if stream.storage.raw.enabled),
        *(query.spec.outputs.dataset for query in plan.analytics),
    ]
