"""Measures the playbook's success criteria, each as yes, no, or not known."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Protocol

from chartly.api.event_schema import EventSchema, event_schema
from chartly.api.storage import StorageSpec
from chartly.errors import ChartlyError, Reason
from chartly.evidence.audit_trail import missing_types, required_types
from chartly.evidence.hash_chain import ChainVerdict, Entry
from chartly.plan.prepare import FrozenWorkflow
from chartly.plan.runplan import RunPlan
from chartly_service.quantity import counted
from chartly_service.recorded_attempt import RecordedAttempt
from chartly_service.trial import FixtureTrials, Trial

VALIDATED = "profiles are versioned and validated"
DETERMINISTIC = "ingestion runs deterministically on fixtures"
EXPECTED = "events match expectations"
STORAGE = "storage policy is enforced"
ANALYTICS = "analytics output is repeatable"
EVIDENCE = "observability and audit evidence exist"
_NO_RUN = "no run has succeeded yet"
_HEAD = 19
"""Characters of a chain's head that identify it for a person."""

Judgement = tuple[bool | None, str]
"""Whether something holds, or None where it could not be measured; and the evidence."""


@dataclass(frozen=True)
class Criterion:
    """One success criterion.

    Attributes:
        holds: None where it could not be measured.
        evidence: what was measured, or why nothing was.
    """

    name: str
    holds: bool | None
    evidence: str


class PolicyPart(Protocol):
    """One part of a storage policy beside the stored tables; ``str`` renders it."""

    @property
    def holds(self) -> bool: ...


class MeasuredProject(Protocol):
    """A project's store that can be measured."""

    def attempts(self, workflow: str) -> Sequence[RecordedAttempt]:
        """Every attempt of a workflow's runs, the latest first."""
        ...

    def policy(
        self, schema: EventSchema, storage: StorageSpec, expired_at: datetime
    ) -> Sequence[PolicyPart]:
        """Every part of a dataset's policy beside the tables that are there."""
        ...

    def pages(self, run: str) -> Sequence[tuple[object, ...]]:
        """What a run read: its pages, each with its digest."""
        ...

    def fingerprint(self, dataset: str) -> str | None:
        """The fingerprint of an output's rows; None where it is not there."""
        ...

    def run_entries(self, run: str, attempt: int) -> list[Entry]:
        """The chain of an attempt as it is stored."""
        ...

    def verify_chains(self) -> list[ChainVerdict]:
        """Checks every chain of the project."""
        ...


@dataclass(frozen=True)
class StatusSources:
    """The sources of evidence.

    Attributes:
        opened: opens the project's store.
        metrics: whether a run's metrics are kept, and where.
    """

    trials: FixtureTrials
    opened: Callable[[], AbstractContextManager[MeasuredProject]]
    metrics: Callable[[str], Judgement]


def criteria(frozen: FrozenWorkflow, sources: StatusSources) -> Iterator[Criterion]:
    """The six criteria, in the playbook's order."""
    yield _measured(VALIDATED, partial(_validated, frozen))
    trial = _trial(sources.trials)
    yield _measured(DETERMINISTIC, partial(_deterministic, trial))
    yield _measured(EXPECTED, partial(_expected, trial, sources.trials))
    try:
        with sources.opened() as project:
            stored = _Stored(project, frozen.resolution.workflow.name, frozen.plan)
            for name, judge in (
                (STORAGE, stored.storage),
                (ANALYTICS, partial(stored.analytics, trial)),
                (EVIDENCE, partial(stored.evidence, sources.metrics)),
            ):
                yield _measured(name, judge)
    except ChartlyError as error:
        # Where nothing has run there is no evidence; what else would be measured is not known.
        nothing = False if error.reason is Reason.PREREQUISITE_MISSING else None
        for name, holds in ((STORAGE, None), (ANALYTICS, None), (EVIDENCE, nothing)):
            yield Criterion(name, holds, error.message)


def _measured(name: str, judge: Callable[[], Judgement]) -> Criterion:
    """What a judge returns; not known where it raises."""
    try:
        return Criterion(name, *judge())
    except ChartlyError as error:
        return Criterion(name, None, error.message)


def _validated(frozen: FrozenWorkflow) -> Judgement:
    plan = frozen.plan
    try:
        frozen.check()
    except ChartlyError as error:
        return False, error.message
    names = ", ".join(str(profile.reference.profile) for profile in plan.profiles)
    return True, f"{names}; config {plan.digest}"


def _trial(trials: FixtureTrials) -> Trial | str:
    """The fixtures' two runs, or why there are none."""
    try:
        return trials.run()
    except ChartlyError as error:
        return error.message


def _deterministic(trial: Trial | str) -> Judgement:
    if isinstance(trial, str):
        return None, trial
    first, second = trial.first, trial.second
    evidence = f"{counted(trial.fixtures, 'fixture')}, run twice: {_counted(first.counts)}"
    for run in (first, second):
        if run.reason is not Reason.SUCCEEDED:
            return False, f"{run.reason}: {run.message}"
    if first.counts != second.counts:
        return False, f"{evidence}, then {_counted(second.counts)}"
    return True, evidence


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counts.items())


def _expected(trial: Trial | str, trials: FixtureTrials) -> Judgement:
    if isinstance(trial, str):
        return None, trial
    compared = trials.compare()
    differing = [golden.fixture for golden in compared if not golden.conforms]
    verdict = f"differ: {', '.join(differing)}" if differing else "equal to their goldens"
    return not differing, f"{', '.join(golden.golden for golden in compared)} {verdict}"


@dataclass(frozen=True)
class _Stored:
    """The criteria of one workflow that are measured in a project's store."""

    project: MeasuredProject
    workflow: str
    plan: RunPlan

    def storage(self) -> Judgement:
        """Every part of every dataset's policy beside its tables."""
        succeeded = self._succeeded()
        if not succeeded:
            return None, _NO_RUN
        evidence, holds = [], True
        for stream in self.plan.streams:
            schema = event_schema(stream.normalizer, stream.storage)
            parts = self.project.policy(schema, stream.storage, succeeded[0].ingested_at)
            holds = holds and all(part.holds for part in parts)
            # What does not hold comes first.
            ordered = sorted(parts, key=lambda part: part.holds)
            evidence.append(f"{stream.storage.dataset}: {', '.join(map(str, ordered))}")
        return holds, "; ".join(evidence)

    def analytics(self, trial: Trial | str) -> Judgement:
        """Fingerprints of the same input: of the fixtures, of the last two runs, of now."""
        if not self.plan.analytics:
            return True, "no analytics in this workflow"
        succeeded = self._succeeded()
        if not succeeded:
            return None, _NO_RUN
        compared = [_of_fixtures(trial), self._of_runs(), self._of_now(succeeded[0])]
        differing = [evidence for alike, evidence in compared if alike is False]
        if differing:
            return False, "; ".join(differing)
        repeated = any(alike for alike, _ in compared[:2])
        return True if repeated else None, "; ".join(evidence for _, evidence in compared)

    def evidence(self, metrics: Callable[[str], Judgement]) -> Judgement:
        """The audit events and metrics of the latest run that succeeded."""
        succeeded = self._succeeded()
        if not succeeded:
            return False, _NO_RUN
        latest = succeeded[0]
        entries = self.project.run_entries(latest.run_id, latest.attempt)
        kinds = (profile.reference.profile.kind for profile in self.plan.profiles)
        missing = missing_types(entries, required_types(kinds, len(self.plan.analytics)))
        broken = [chain.chain for chain in self.project.verify_chains() if chain.verdict.fault]
        measured, where = metrics(latest.run_id)
        parts = [
            f"{counted(len(entries), 'audit event')} of {latest.run_id}",
            f"chain head {latest.audit_head[:_HEAD]}",
            where,
            *([f"missing {', '.join(missing)}"] if missing else []),
            f"broken chains {', '.join(broken)}" if broken else "all chains verified",
        ]
        return False if missing or broken else measured, ", ".join(parts)

    def _of_runs(self) -> Judgement:
        """The last two attempts, if both succeeded on the same pages under the same profiles."""
        attempts = self.project.attempts(self.workflow)[:2]
        if len(attempts) < len(("newer", "older")):
            return None, "one run, so no two to compare"
        newer, older = attempts
        alike = (
            {newer.reason, older.reason} == {Reason.SUCCEEDED.value}
            and newer.config_digest == older.config_digest
            and self.project.pages(newer.run_id) == self.project.pages(older.run_id)
        )
        if not alike:
            return None, "the last two runs had not the same input"
        return _compared(f"{older.run_id} and {newer.run_id}", _outputs(older), _outputs(newer))

    def _of_now(self, last: RecordedAttempt) -> Judgement:
        """What is published now beside what the last run recorded."""
        if self.project.attempts(self.workflow)[0] != last:
            return None, "a later attempt may have published"
        datasets = [query.spec.outputs.dataset for query in self.plan.analytics]
        now = {name: self.project.fingerprint(name) or "not there" for name in datasets}
        return _compared(f"{last.run_id} and what is there now", _outputs(last), now)

    def _succeeded(self) -> list[RecordedAttempt]:
        """The workflow's attempts that succeeded, the latest first."""
        attempts = self.project.attempts(self.workflow)
        return [attempt for attempt in attempts if attempt.reason == Reason.SUCCEEDED]


def _of_fixtures(trial: Trial | str) -> Judgement:
    if isinstance(trial, str):
        return None, trial
    return _compared("the fixtures, run twice", trial.first.outputs, trial.second.outputs)


def _compared(subject: str, first: Mapping[str, str], second: Mapping[str, str]) -> Judgement:
    if first != second:
        return False, f"{subject}: {_listed(first)} then {_listed(second)}"
    return bool(first) or None, f"{subject}: {_listed(first)}"


def _listed(outputs: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {value}" for name, value in outputs.items()) or "no outputs"


def _outputs(attempt: RecordedAttempt) -> dict[str, str]:
    return {output["dataset"]: output["fingerprint"] for output in attempt.outcome["outputs"]}
