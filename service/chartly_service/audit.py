"""Verifies a project's audit trail, and reads the events of a run."""

from collections.abc import Sequence
from typing import Protocol

from chartly.api.place import Place
from chartly.evidence.hash_chain import ChainVerdict, Entry
from chartly_service.recorded_attempt import RecordedAttempt


class AuditedProject(Protocol):
    """A project's store that keeps an audit trail."""

    @property
    def name(self) -> str:
        """How messages name it."""
        ...

    def verify_chains(self) -> list[ChainVerdict]:
        """Checks every chain of the project."""
        ...

    def run_entries(self, run: str, attempt: int) -> list[Entry]:
        """The chain of an attempt as it is stored."""
        ...

    def latest_run(self) -> str:
        """The run whose attempt began last.

        Raises:
            RunError: ``PrerequisiteMissing``: there is none.
        """
        ...

    def attempts_of(self, run: str) -> Sequence[RecordedAttempt]:
        """Every attempt of a run, the latest first."""
        ...


def events(project: AuditedProject, run: str | None) -> list[Entry]:
    """The audit events of all attempts of a run, or of the latest, in their order.

    Raises:
        SpecError: the project has no such run.
    """
    name = project.latest_run() if run is None else run
    attempts = project.attempts_of(name)
    if not attempts:
        raise Place(object="run").refusal(f"is not in {project.name}", value=run)
    return [
        entry
        for attempt in sorted(recorded.attempt for recorded in attempts)
        for entry in project.run_entries(name, attempt)
    ]
