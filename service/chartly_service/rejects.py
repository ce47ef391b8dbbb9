"""Reads the records of a workflow's latest run that did not become events."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from chartly.errors import Reason, RunError
from chartly_service.recorded_attempt import RecordedAttempt


@dataclass(frozen=True)
class RejectedRecord:
    """One record as it was received, and why it became no event."""

    reason: str
    field: str
    path: str
    message: str
    raw_ref: str
    record: str


@dataclass(frozen=True)
class RunRejects:
    """The first rejects of a run.

    Attributes:
        recorded: how many the run counted; those that are not there are past their retention, or
            were removed.
    """

    run: str
    recorded: int
    records: list[RejectedRecord]


class RejectingProject(Protocol):
    """A project's store that keeps rejects."""

    def attempts(self, workflow: str) -> Sequence[RecordedAttempt]:
        """Every attempt of a workflow's runs, the latest first."""
        ...

    def totals(self, run: str) -> Mapping[str, int]:
        """A run's counts over all its committed pages."""
        ...

    def rejects(self, dataset: str, run: str, limit: int) -> list[RejectedRecord]:
        """The first rejects of a run in a dataset; none where it has no table of them."""
        ...


def rejects(
    project: RejectingProject, workflow: str, datasets: Sequence[str], limit: int
) -> RunRejects:
    """The rejects of a workflow's latest run, ``limit`` of each dataset at most.

    Raises:
        RunError: ``PrerequisiteMissing``: the workflow has not run.
    """
    attempts = project.attempts(workflow)
    if not attempts:
        raise RunError(
            Reason.PREREQUISITE_MISSING, f"workflow {workflow!r} has not run yet; run it first"
        )
    run = attempts[0].run_id
    records = [record for dataset in datasets for record in project.rejects(dataset, run, limit)]
    return RunRejects(run, project.totals(run)["rejected"], records)
