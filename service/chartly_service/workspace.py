"""The objects of one place, such as a folder, that are used together as in a cluster."""

from dataclasses import dataclass, field
from pathlib import Path

from chartly.api.documents import Document, Json
from chartly.api.place import Place
from chartly.api.profile import Profile, parse_profile
from chartly.api.reference import Project, parse_project
from chartly.api.suggestion import suggestion_for
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

STATE = ".chartly"
NAMESPACE_FILE = "namespace.yaml"
_KINDS = ("Profile", "Workflow", "WorkflowRun", "Namespace")


@dataclass
class Workspace:
    """The objects of a folder, or of some of its files.

    Attributes:
        profiles: each with whether it belongs to all projects.
        project: what an option or the folder's Namespace names; None where neither does.
        problems: what is wrong with files and objects that could not be read.
        above: the folder above, where that one holds a workspace and this one does not.
    """

    root: Path
    profiles: list[tuple[bool, Profile]] = field(default_factory=list)
    workflows: list[Workflow] = field(default_factory=list)
    runs: list[WorkflowRun] = field(default_factory=list)
    project: Project | None = None
    problems: list[Problem] = field(default_factory=list)
    above: Path | None = None

    @property
    def place(self) -> Place:
        """The folder, by its absolute path, as what a problem is about."""
        return Place(object=str(self.root.resolve()))

    @property
    def hint(self) -> str:
        """The clause of an error that names the folder that was probably meant."""
        return f"; the folder above holds a workspace: -C {self.above}" if self.above else ""

    @property
    def state(self) -> Path:
        """Where runs, the store and secrets are kept."""
        return self.root / STATE

    @property
    def fixtures(self) -> Path:
        return self.root / "fixtures"

    @property
    def size(self) -> int:
        """How many objects a check goes through."""
        return len(self.profiles) + len(self.workflows) + len(self.runs)

    def add(self, document: Document, *, shared: bool) -> None:
        """Adds the object of a document, or the problems of one that is none.

        Args:
            shared: whether a profile belongs to all projects wherever its namespace puts it.
        """
        try:
            self._add(document, shared=shared)
        except SpecError as error:
            self.problems += error.problems

    def _add(self, document: Document, *, shared: bool) -> None:
        kind = document.content.get("kind")
        match kind:
            case "Profile":
                profile = parse_profile(document)
                is_shared = shared or profile.namespace == GLOBAL_NAMESPACE
                self.profiles.append((is_shared, profile))
            case "Workflow":
                workflow = parse_workflow(document)
                self.workflows.append(workflow)
                self.problems += step_problems(workflow)
            case "WorkflowRun":
                self.runs.append(parse_workflow_run(document))
            case "Namespace":
                self.project = _project_of_namespace(document) or self.project
            case _:
                self.problems.append(_unknown_kind(document, kind))

    def check_versions(self) -> None:
        """Adds a problem for each workflow that differs from another of its version."""
        first_of_version: dict[str, Workflow] = {}
        for workflow in self.workflows:
            version = f"{workflow.name}@{workflow.version}"
            first = first_of_version.setdefault(version, workflow)
            if first.steps != workflow.steps:
                why = f"differs from the same version in {first.source}"
                why += "; give the changed one a new version"
                self.problems.append(workflow.place.problem(why, reason=Reason.VERSION_REUSED))

    def workflow(self, name: str) -> Workflow:
        """The workflow of a name, or of a domain: the label ``domain``.

        Raises:
            SpecError: there is none, or several.
        """
        self.require_whole()
        wanted = slugified(name)
        matches = [workflow for workflow in self.workflows if workflow.name == wanted]
        matches = matches or [each for each in self.workflows if _domain(each) == wanted]
        if not matches:
            known = sorted({workflow.name for workflow in self.workflows} | {*self.domains()})
            there = suggestion_for(wanted, known) if known else "it holds no workflow"
            why = f"is not in {self.root.resolve()}; {there}{self.hint}"
            raise Place(object="workflow").refusal(why, value=name, allowed=known)
        if len({(workflow.version, str(workflow.written)) for workflow in matches}) > 1:
            places = ", ".join(workflow.source for workflow in matches)
            raise Place(object="workflow").refusal(f"is in several files: {places}", value=name)
        return matches[0]

    def domains(self) -> list[str]:
        """The domains that workflows are labelled with."""
        return sorted({_domain(workflow) for workflow in self.workflows} - {""})

    def home(self, workflow: Workflow) -> Project:
        """The project that a workflow belongs to.

        Raises:
            SpecError: ``NotAProject``: neither an option, nor the folder, nor the workflow
                names one.
        """
        named = homes(workflow)
        if self.project is not None:
            return self.project
        if len(named) == 1:
            return next(iter(named))
        raise workflow.place.refusal(
            "names no project; give --project tenant/project, or put a "
            f"{NAMESPACE_FILE} with the labels {TENANT_LABEL} and {PROJECT_LABEL} into "
            f"{self.root.resolve()}",
            reason=Reason.NOT_A_PROJECT,
        )

    def only_project(self) -> Project:
        """The project that all workflows belong to.

        Raises:
            SpecError: they belong to several, or to one that nothing names.
        """
        self.require_whole()
        if self.project is not None:
            return self.project
        projects = {self.home(workflow) for workflow in self.workflows}
        if len(projects) != 1:
            content = f"workflows of {len(projects)} projects" if projects else "no workflow"
            raise self.place.refusal(
                f"holds {content}; give --project tenant/project, or -C with the folder of one"
                f"{self.hint}",
                reason=Reason.NOT_A_PROJECT,
            )
        return projects.pop()

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
        """Returns if every file could be read.

        Raises:
            SpecError: with the problems of those that could not.
        """
        if self.problems:
            raise SpecError(self.problems)


def _unknown_kind(document: Document, kind: Json) -> Problem:
    why = f"is not known; {suggestion_for(str(kind), _KINDS)}"
    if kind is None:
        why = f"is required; allowed are {', '.join(_KINDS)}"
    return document.place.at("kind").problem(why, value=kind, allowed=_KINDS)


def _project_of_namespace(document: Document) -> Project | None:
    metadata = document.content.get("metadata")
    labels: Json = metadata.get("labels") if isinstance(metadata, dict) else None
    if not isinstance(labels, dict) or TENANT_LABEL not in labels:
        return None
    with document.place.of("Namespace").at("metadata", "labels").within():
        return parse_project(f"{labels[TENANT_LABEL]}/{labels.get(PROJECT_LABEL, '')}")


def _domain(workflow: Workflow) -> str:
    return slugified(workflow.labels.get("domain", ""))
