"""A folder of profiles and workflows, which stands in for a cluster."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from chartly.api.documents import Document, Json, parse_documents
from chartly.api.place import Place
from chartly.api.profile import Profile, parse_profile
from chartly.api.reference import Project, parse_project
from chartly.api.suggestion import one_of
from chartly.api.workflow import Workflow, parse_workflow
from chartly.api.workflow_run import WorkflowRun, parse_workflow_run
from chartly.errors import Problem, Reason, SpecError
from chartly.names import (
    GLOBAL_NAMESPACE,
    PROJECT_LABEL,
    TENANT_LABEL,
    slugified,
)
from chartly.plan.catalog import Catalog, Scope
from chartly.plan.prepare import FrozenWorkflow, freeze_workflow, prepare
from chartly.plan.resolve import homes, step_problems
from chartly_cli.reading import cause

STATE = ".chartly"
NAMESPACE_FILE = "namespace.yaml"
_SUFFIXES = (".yaml", ".yml", ".json")
_KINDS = ("Profile", "Workflow", "WorkflowRun", "Namespace")
_FOLDERS = ("profiles", "workflows", "global")


@dataclass
class Workspace:
    """What a folder holds.

    Attributes:
        problems: what is wrong with files and objects that could not be read.
    """

    root: Path
    profiles: list[tuple[bool, Profile]] = field(default_factory=list)
    workflows: list[Workflow] = field(default_factory=list)
    runs: list[WorkflowRun] = field(default_factory=list)
    project: Project | None = None
    problems: list[Problem] = field(default_factory=list)

    @property
    def state(self) -> Path:
        """Where runs, the store and secrets are kept."""
        return self.root / STATE

    @property
    def fixtures(self) -> Path:
        return self.root / "fixtures"

    def workflow(self, name: str) -> Workflow:
        """The workflow of a name, or of a domain: the label ``domain``.

        Raises:
            SpecError: there is none, or several.
        """
        self.require_whole()
        wanted = slugified(name)
        found = [one for one in self.workflows if one.name == wanted]
        found = found or [one for one in self.workflows if _domain(one) == wanted]
        if not found:
            known = sorted({one.name for one in self.workflows} | {*self.domains()})
            there = one_of(wanted, known) if known else "it holds no workflow"
            why = f"is not in {self.root}; {there}"
            raise Place(object="workflow").refusal(why, value=name, allowed=known)
        if len({(one.version, str(one.written)) for one in found}) > 1:
            places = ", ".join(one.source for one in found)
            raise Place(object="workflow").refusal(f"stands in several files: {places}", value=name)
        return found[0]

    def domains(self) -> list[str]:
        """The domains that workflows are labelled with."""
        return sorted({_domain(one) for one in self.workflows if _domain(one)})

    def home(self, workflow: Workflow) -> Project:
        """The project that a workflow belongs to.

        Raises:
            SpecError: ``NotAProject``: neither an option, nor the folder, nor the workflow says.
        """
        named = homes(workflow)
        if self.project is not None:
            return self.project
        if len(named) == 1:
            return next(iter(named))
        raise workflow.place.refusal(
            "it is not said which project it belongs to; give --project tenant/project, or put a "
            f"{NAMESPACE_FILE} with the labels {TENANT_LABEL} and {PROJECT_LABEL} into {self.root}",
            reason=Reason.NOT_A_PROJECT,
        )

    def catalog(self, home: Project) -> Catalog:
        """The profiles of the folder, in the scopes that they belong to."""
        scoped: list[tuple[Scope, Profile]] = [
            (None if shared else home, profile) for shared, profile in self.profiles
        ]
        return Catalog(scoped)

    def freeze(self, workflow: Workflow) -> FrozenWorkflow:
        """Resolves and freezes a workflow, whether a run of it would get far or not.

        Raises:
            SpecError: it does not resolve.
        """
        home = self.home(workflow)
        return freeze_workflow(workflow, self.catalog(home), home)

    def prepare(self, workflow: Workflow) -> FrozenWorkflow:
        """Resolves, freezes and checks a workflow.

        Raises:
            SpecError: it cannot run.
        """
        home = self.home(workflow)
        return prepare(workflow, self.catalog(home), home)

    def require_whole(self) -> None:
        """Whether every file could be read.

        Raises:
            SpecError: with the problems of those that could not.
        """
        if self.problems:
            raise SpecError(self.problems)


def read_workspace(root: Path, project: str | None = None) -> Workspace:
    """The workspace of a folder; mistakes are collected, not raised."""
    workspace = Workspace(root)
    for path in _files(root):
        shared = path.relative_to(root).parts[0] == "global"
        for document in _documents(path, root, workspace.problems):
            _take(document, workspace, shared=shared)
    _check_workflows(workspace)
    if project is not None:
        workspace.project = parse_project(project)
    return workspace


def read_files(paths: Iterable[Path], root: Path) -> Workspace:
    """A workspace of the named files alone; a folder stands for its own files, as to kubectl."""
    workspace = Workspace(root)
    for path in paths:
        before = len(workspace.problems)
        files = sorted(filter(_is_ours, path.iterdir())) if path.is_dir() else [path]
        found = [one for file in files for one in _documents(file, root, workspace.problems)]
        if not found and len(workspace.problems) == before:
            workspace.problems.append(Place(object=str(path)).problem("holds no object"))
        for document in found:
            _take(document, workspace, shared=False)
    return workspace


def _files(root: Path) -> Iterator[Path]:
    if (root / NAMESPACE_FILE).is_file():
        yield root / NAMESPACE_FILE
    for folder in _FOLDERS:
        found = (root / folder).rglob("*") if (root / folder).is_dir() else ()
        yield from sorted(filter(_is_ours, found))


def _is_ours(path: Path) -> bool:
    return path.suffix.lower() in _SUFFIXES and path.is_file()


def _documents(path: Path, root: Path, problems: list[Problem]) -> list[Document]:
    source = str(path.relative_to(root)) if path.is_relative_to(root) else str(path)
    try:
        return parse_documents(path.read_text(encoding="utf-8"), source)
    except SpecError as error:
        problems += error.problems
    except OSError as error:
        problems.append(Place(source).problem(f"cannot be read: {cause(error)}"))
    except UnicodeDecodeError:
        problems.append(Place(source).problem("is not UTF-8; save it in that encoding"))
    return []


def _take(document: Document, workspace: Workspace, *, shared: bool) -> None:
    kind = document.content.get("kind")
    try:
        if kind == "Profile":
            profile = parse_profile(document)
            shared = shared or profile.namespace == GLOBAL_NAMESPACE
            workspace.profiles.append((shared, profile))
        elif kind == "Workflow":
            workflow = parse_workflow(document)
            workspace.workflows.append(workflow)
            workspace.problems += step_problems(workflow)
        elif kind == "WorkflowRun":
            workspace.runs.append(parse_workflow_run(document))
        elif kind == "Namespace":
            workspace.project = _project(document) or workspace.project
        else:
            why = f"is not known; {one_of(str(kind), _KINDS)}"
            if kind is None:
                why = f"is required; allowed are {', '.join(_KINDS)}"
            place = document.place.at("kind")
            workspace.problems.append(place.problem(why, value=kind, allowed=_KINDS))
    except SpecError as error:
        workspace.problems += error.problems


def _project(document: Document) -> Project | None:
    metadata = document.content.get("metadata")
    labels: Json = metadata.get("labels") if isinstance(metadata, dict) else None
    if not isinstance(labels, dict) or TENANT_LABEL not in labels:
        return None
    with document.place.of("Namespace").at("metadata", "labels").within():
        return parse_project(f"{labels[TENANT_LABEL]}/{labels.get(PROJECT_LABEL, '')}")


def _check_workflows(workspace: Workspace) -> None:
    seen: dict[str, Workflow] = {}
    for one in workspace.workflows:
        other = seen.setdefault(f"{one.name}@{one.version}", one)
        if other.steps != one.steps:
            why = f"differs from the same version in {other.source}"
            why += "; give the changed one a new version"
            workspace.problems.append(one.place.problem(why, reason=Reason.VERSION_REUSED))


def _domain(workflow: Workflow) -> str:
    return slugified(workflow.labels.get("domain", ""))
