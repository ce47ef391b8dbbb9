"""The prerequisites of a run: doctor lists them, a run requires them."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from chartly.api.connector import SecretRef
from chartly.errors import ChartlyError, Problem, Reason, RunError, SpecError
from chartly.plan.prepare import FrozenWorkflow
from chartly_service.quantity import counted
from chartly_service.validate import QueryCheck
from chartly_service.workspace import Workspace


@dataclass(frozen=True)
class Prerequisite:
    """One prerequisite, checked.

    Attributes:
        reason: what a run that lacks it fails with.
        warning: it is there, and something about it is unsafe.
        problems: what is wrong with the files.
    """

    name: str
    ok: bool
    sentence: str
    reason: Reason = Reason.PREREQUISITE_MISSING
    warning: bool = False
    problems: tuple[Problem, ...] = ()

    @classmethod
    def failed(cls, name: str, error: ChartlyError) -> "Prerequisite":
        """A prerequisite whose check raised an error."""
        return cls(
            name, ok=False, sentence=error.message, reason=error.reason, problems=error.problems
        )


class RunSite(Protocol):
    """Where runs are started: a machine, its secrets, and the way to a store."""

    def machine(self) -> Iterable[Prerequisite]:
        """What every run needs of the machine."""
        ...

    def secret(self, reference: SecretRef, connector: str) -> Prerequisite:
        """Whether the secret of a connector is there and usable."""
        ...

    def store(self) -> Iterable[Prerequisite]:
        """Whether the store can be reached; none where only a run opens it."""
        ...


def object_prerequisites(workspace: Workspace) -> Iterator[Prerequisite]:
    """Whether the files can be read, and hold a workflow."""
    count, folder = len(workspace.profiles), f"{workspace.root.resolve()}{workspace.hint}"
    if workspace.problems:
        yield Prerequisite.failed("profiles", SpecError(workspace.problems))
    else:
        sentence = f"{counted(count, 'profile')} in {folder}"
        yield Prerequisite("profiles", ok=count > 0, sentence=sentence)
    yield Prerequisite(
        "workflows",
        bool(workspace.workflows),
        f"{counted(len(workspace.workflows), 'workflow')} in {folder}",
    )


def workflow_prerequisites(frozen: FrozenWorkflow, site: RunSite) -> Iterator[Prerequisite]:
    """What one workflow needs beside what every run does."""
    plan, workflow = frozen.plan, frozen.resolution.workflow
    # A workflow without a project has not resolved.
    sentence = f"{plan.project} is the project"
    yield Prerequisite("project", ok=True, sentence=sentence, reason=Reason.NOT_A_PROJECT)
    try:
        frozen.check()
    except ChartlyError as error:
        yield Prerequisite.failed("plan", error)
    else:
        yield Prerequisite("plan", ok=True, sentence=f"{workflow} resolves to {plan.digest}")
    if workflow.spec.suspend:
        sentence = f"{workflow}: spec.suspend is true, so no run starts"
        yield Prerequisite("suspended", ok=False, sentence=sentence, reason=Reason.CONFIG_INVALID)
    reference = plan.connector.auth.secret_ref
    if reference is not None:
        yield site.secret(reference, plan.connector_name)


def query_prerequisites(
    frozen: FrozenWorkflow, check_queries: QueryCheck
) -> Iterator[Prerequisite]:
    """Whether an engine accepts the queries; a run checks them in its own store before it pulls."""
    if not frozen.plan.analytics:
        return
    try:
        with frozen.resolution.locating():
            check_queries(frozen.plan)
    except ChartlyError as error:
        yield Prerequisite.failed("queries", error)
    else:
        sentence = f"{frozen.resolution.workflow}: the engine accepts every query"
        yield Prerequisite("queries", ok=True, sentence=sentence)


def require(
    prerequisites: Iterable[Prerequisite], on_warning: Callable[[Prerequisite], None]
) -> None:
    """Returns if all prerequisites are there; checks none after the first that is not.

    Raises:
        SpecError: with the problems of the files.
        RunError: with the prerequisite's reason and sentence.
    """
    for prerequisite in prerequisites:
        if prerequisite.problems:
            raise SpecError(prerequisite.problems)
        if not prerequisite.ok:
            raise RunError(prerequisite.reason, f"{prerequisite.name}: {prerequisite.sentence}")
        if prerequisite.warning:
            on_warning(prerequisite)
