"""Removes a domain in the playbook's order; audit logs are never touched."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Protocol

from chartly.api.profile import Profile
from chartly.api.workflow import Workflow
from chartly.evidence.audit_event import Data
from chartly.plan.prepare import FrozenWorkflow
from chartly_service.removal import RemovalOutcome, RemovalStep, carry_out, first_failure


class RecordingProject(Protocol):
    """A project's store that records audit events."""

    def record(self, kind: str, data: Data, now: Callable[[], datetime]) -> None:
        """Adds an event of the project to its audit trail."""
        ...


class RemovableProject(RecordingProject, Protocol):
    """A project's store whose datasets can be dropped."""

    def writer_of(self, dataset: str) -> str | None:
        """The workflow that writes a dataset; None where none does."""
        ...

    def drop_output(self, dataset: str) -> bool:
        """Drops an analytics output; returns whether there was one."""
        ...

    def drop_dataset(self, dataset: str) -> bool:
        """Drops a canonical dataset, its rejects and pages; returns whether there was one."""
        ...


class DomainFiles(Protocol):
    """The objects of a domain where their author keeps them."""

    def begin(self, workflow: Workflow) -> None:
        """Keeps what a teardown needs to be continued after its workflow is gone."""
        ...

    def end(self, workflow: Workflow) -> None:
        """Drops what ``begin`` kept."""
        ...

    def others(self, workflow: Workflow) -> Sequence[Workflow]:
        """The workflows beside this one."""
        ...

    def remove(self, workflow: Workflow) -> bool:
        """Removes a workflow; returns whether it was there.

        Raises:
            SpecError: it cannot be removed alone.
        """
        ...

    def end_runs(self, workflow: Workflow) -> None:
        """Ends runs that were cut off: none continues once the rows of its first pages are gone."""
        ...

    def deprecate(self, profile: Profile, because: str) -> bool:
        """Marks a profile; returns whether that changed anything.

        Raises:
            SpecError: it cannot be edited.
        """
        ...


@dataclass(frozen=True)
class KeptPart:
    """What a teardown leaves alone."""

    name: str
    because: str


@dataclass(frozen=True)
class TeardownPlan:
    """The steps of a teardown, in their order, and what it leaves alone."""

    workflow: Workflow
    steps: list[RemovalStep]
    kept: list[KeptPart]


@dataclass(frozen=True)
class RemovableDomain:
    """A domain whose teardown is planned.

    Attributes:
        project: None where nothing was ever stored for it.
    """

    frozen: FrozenWorkflow
    files: DomainFiles
    project: RemovableProject | None


def plan_teardown(domain: RemovableDomain) -> TeardownPlan:
    """The teardown of a domain, without any change."""
    workflow = domain.frozen.resolution.workflow
    steps = [_workflow_step(domain)]
    kept: list[KeptPart] = []
    if domain.project is not None:
        dataset_steps, kept = _dataset_steps(domain, domain.project)
        steps += dataset_steps
    profile_steps, used = _profile_steps(domain)
    return TeardownPlan(workflow, [*steps, *profile_steps], [*kept, *used])


def tear_down(
    domain: RemovableDomain, plan: TeardownPlan, now: Callable[[], datetime]
) -> list[RemovalOutcome]:
    """Removes a domain; another call continues with what is left."""
    domain.files.begin(plan.workflow)
    outcomes = list(carry_out(plan.steps, partial(_record, domain.project, now)))
    if first_failure(outcomes) is None:
        domain.files.end(plan.workflow)
    return outcomes


def _record(
    project: RemovableProject | None, now: Callable[[], datetime], step: RemovalStep
) -> None:
    if project is not None:
        project.record(step.event, {"name": step.name}, now)


def _workflow_step(domain: RemovableDomain) -> RemovalStep:
    workflow = domain.frozen.resolution.workflow

    def remove() -> bool:
        was_there = domain.files.remove(workflow)
        if domain.project is not None:
            domain.files.end_runs(workflow)
        return was_there

    return RemovalStep("workflow", workflow.source, "workflow.deleted", remove)


def _dataset_steps(
    domain: RemovableDomain, project: RemovableProject
) -> tuple[list[RemovalStep], list[KeptPart]]:
    """Derived datasets before canonical ones, without those that another workflow writes."""
    workflow = domain.frozen.resolution.workflow.name
    steps, kept = [], []
    for kind, names, drop in (
        (
            "derived dataset",
            [query.spec.outputs.dataset for query in domain.frozen.plan.analytics],
            project.drop_output,
        ),
        (
            "canonical dataset",
            [stream.storage.dataset for stream in domain.frozen.plan.streams],
            project.drop_dataset,
        ),
    ):
        for name in names:
            writer = project.writer_of(name)
            if writer is None or writer == workflow:
                steps.append(RemovalStep(kind, name, "dataset.deleted", partial(drop, name)))
            else:
                kept.append(KeptPart(f"dataset: {name}", f"workflow {writer} writes it"))
    return steps, kept


def _profile_steps(domain: RemovableDomain) -> tuple[list[RemovalStep], list[KeptPart]]:
    """Profiles are marked deprecated last; those that another workflow names are kept."""
    workflow = domain.frozen.resolution.workflow
    others = domain.files.others(workflow)
    used = {step.reference.rpartition("::")[2]: other for other in others for step in other.steps}
    because = f"torn down with workflow {workflow.name}"
    steps, kept = [], []
    for resolved in domain.frozen.resolution.profiles:
        name = str(resolved.reference.profile)
        if resolved.found_in is None:
            kept.append(KeptPart(f"profile: {name}", "it stands in global"))
        elif name in used:
            kept.append(KeptPart(f"profile: {name}", f"{used[name]} names it"))
        # Marked by a teardown that was cut off before it had recorded so, it is recorded now.
        elif resolved.profile.deprecated in (None, because):
            mark = partial(domain.files.deprecate, resolved.profile, because)
            steps.append(RemovalStep("profile (deprecate)", name, "profile.deprecated", mark))
    return steps, kept
