"""A folder of profiles and workflows, which stands in for a cluster."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from chartly.api.documents import Document, Json, parse_documents
from chartly.api.profile import Profile, parse_profile
from chartly.api.reference import Project, parse_project
from chartly.api.suggestion import one_of
from chartly.api.workflow import Workflow, parse_workflow
from chartly.api.workflow_run import WorkflowRun, parse_workflow_run
from chartly.errors import Reason, SpecError
from chartly.names import (
    GLOBAL_NAMESPACE,
    PROJECT_LABEL,
    TENANT_LABEL,
    slugified,
)
from chartly.plan.catalog import Catalog, Scope
from chartly.plan.prepare import FrozenWorkflow, freeze_workflow, prepare
from chartly.plan.resolve import homes, step_problems

STATE = ".chartly"
NAMESPACE_FILE = "namespace.yaml"
_SUFFIXES = (".yaml", ".yml", ".json")
_FOLDERS = ("profiles", "workflows", "global")


@dataclass
class Workspace:
    """What a folder holds.

    Attributes:
        problems: one sentence for each file or object that could not be read.
    """

    root: Path
    profiles: list[tuple[bool, Profile]] = field(default_factory=list)
    workflows: list[Workflow] = field(default_factory=list)
    runs: list[WorkflowRun] = field(default_factory=list)
    project: Project | None = None
    problems: list[str] = field(default_factory=list)

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
            raise SpecError(f"workflow {name!r} is not in {self.root}; {there}")
        if len({(one.version, str(one.written)) for one in found}) > 1:
            places = ", ".join(one.source for one in found)
            raise SpecError(f"workflow {name!r} stands in several files: {places}")
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
        raise SpecError(
            f"{workflow}: it is not said which project it belongs to; give --project "
            f"tenant/project, or put a {NAMESPACE_FILE} with the labels {TENANT_LABEL} and "
            f"{PROJECT_LABEL} into {self.root}",
            Reason.NOT_A_PROJECT,
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
            InvalidObjectError: with one sentence for each that could not.
        """
        if self.problems:
            from chartly.api.diagnosis import InvalidObjectError  # noqa: PLC0415 - rarely needed

            raise InvalidObjectError(self.problems)


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
            workspace.problems.append(f"{path}: holds no object")
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
    return path.suffix in _SUFFIXES and path.is_file()


def _documents(path: Path, root: Path, problems: list[str]) -> list[Document]:
    source = str(path.relative_to(root)) if path.is_relative_to(root) else str(path)
    try:
        return parse_documents(path.read_text(encoding="utf-8"), source)
    except SpecError as error:
        problems.append(error.message)
    except OSError as error:
        problems.append(f"{source}: cannot be read: {error.strerror}")
    except UnicodeDecodeError:
        problems.append(f"{source}: is not UTF-8; save it in that encoding")
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
            workspace.problems += [f"{workflow.source}: {one}" for one in step_problems(workflow)]
        elif kind == "WorkflowRun":
            workspace.runs.append(parse_workflow_run(document))
        elif kind == "Namespace":
            workspace.project = _project(document) or workspace.project
        else:
            hint = one_of(str(kind), ("Profile", "Workflow", "WorkflowRun", "Namespace"))
            workspace.problems.append(f"{document.source}: kind: {kind!r} is not known; {hint}")
    except SpecError as error:
        workspace.problems += getattr(error, "problems", (error.message,))


def _project(document: Document) -> Project | None:
    metadata = document.content.get("metadata")
    labels: Json = metadata.get("labels") if isinstance(metadata, dict) else None
    if not isinstance(labels, dict) or TENANT_LABEL not in labels:
        return None
    return parse_project(f"{labels[TENANT_LABEL]}/{labels.get(PROJECT_LABEL, '')}")


def _check_workflows(workspace: Workspace) -> None:
    seen: dict[str, Workflow] = {}
    for one in workspace.workflows:
        other = seen.setdefault(f"{one.name}@{one.version}", one)
        if other.steps != one.steps:
            workspace.problems.append(
                f"{one.source}: {one}: differs from the same version in {other.source}; "
                f"give the changed one a new version"
            )


def _domain(workflow: Workflow) -> str:
    return slugified(workflow.labels.get("domain", ""))
