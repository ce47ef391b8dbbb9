"""The playbook's success criteria, each measured: yes, no, or not known."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from chartly.api.event_schema import event_schema
from chartly.errors import ChartlyError, Reason
from chartly.evidence.trail import missing_types, required_types
from chartly.names import sql_name
from chartly.plan.prepare import FrozenWorkflow
from chartly.query.fingerprint import fingerprint_query, fingerprint_text
from chartly_cli.fixture_run import run_twice
from chartly_cli.fixtures import Fixture, compare, fixtures_of
from chartly_cli.runs import METRICS
from chartly_cli.stored import Stored, stored
from chartly_cli.workspace import Workspace
from chartly_loader.request import LoadResult
from chartly_store.attempts import Attempt, Attempts
from chartly_store.ledger import Ledger
from chartly_store.policy import measure

VALIDATED = "profiles are versioned and validated"
DETERMINISTIC = "ingestion runs deterministically on fixtures"
EXPECTED = "events match expectations"
STORAGE = "storage policy is enforced"
ANALYTICS = "analytics output is repeatable"
EVIDENCE = "observability and audit evidence exist"
_NO_RUN = "no run has succeeded yet"


@dataclass(frozen=True)
class Criterion:
    """One success criterion.

    Attributes:
        holds: None where it could not be measured.
        evidence: what shows it, or why nothing does.
    """

    name: str
    holds: bool | None
    evidence: str


@dataclass(frozen=True)
class Trial:
    """A workflow's fixtures, run twice into a store that is thrown away."""

    fixtures: list[Fixture]
    first: LoadResult
    second: LoadResult

    @property
    def outputs(self) -> list[dict[str, str]]:
        """The fingerprints of both runs, by output."""
        return [
            {one.dataset: one.fingerprint for one in run.outputs}
            for run in (self.first, self.second)
        ]


def criteria(workspace: Workspace, frozen: FrozenWorkflow) -> Iterator[Criterion]:
    """The six, in the playbook's order."""
    yield _measured(VALIDATED, partial(_validated, frozen))
    trial = _trial(workspace, frozen)
    yield _measured(DETERMINISTIC, partial(_deterministic, trial))
    yield _measured(EXPECTED, partial(_expected, trial, frozen))
    try:
        with stored(workspace, frozen.plan.project) as found:
            for name, judge in (
                (STORAGE, partial(_storage, frozen, found)),
                (ANALYTICS, partial(_analytics, frozen, found, trial)),
                (EVIDENCE, partial(_evidence, frozen, found)),
            ):
                yield _measured(name, judge)
    except ChartlyError as error:
        # Where nothing has run there is no evidence; what else would be measured is not known.
        nothing = False if error.reason is Reason.PREREQUISITE_MISSING else None
        for name, holds in ((STORAGE, None), (ANALYTICS, None), (EVIDENCE, nothing)):
            yield Criterion(name, holds, error.message)


Verdict = tuple[bool | None, str]


def _measured(name: str, judge: Callable[[], Verdict]) -> Criterion:
    """What a judge finds; one that cannot ask cannot know."""
    try:
        return Criterion(name, *judge())
    except ChartlyError as error:
        return Criterion(name, None, error.message)


def _validated(frozen: FrozenWorkflow) -> Verdict:
    try:
        frozen.check()
    except ChartlyError as error:
        return False, error.message
    names = ", ".join(str(one.reference.profile) for one in frozen.plan.profiles)
    return True, f"{names}; config {frozen.plan.digest}"


def _trial(workspace: Workspace, frozen: FrozenWorkflow) -> Trial | str:
    """The fixtures' two runs, or why there are none."""
    fixtures = fixtures_of(workspace.fixtures, frozen.resolution.workflow)
    if not fixtures:
        return f"no fixtures in {workspace.fixtures}"
    try:
        return Trial(fixtures, *run_twice(frozen, fixtures))
    except ChartlyError as error:
        return error.message


def _deterministic(trial: Trial | str) -> Verdict:
    if isinstance(trial, str):
        return None, trial
    first, second = trial.first, trial.second
    said = f"{len(trial.fixtures)} fixtures, run twice: {_counted(first.counts)}"
    for run in (first, second):
        if run.reason is not Reason.SUCCEEDED:
            return False, f"{run.reason}: {run.message}"
    if first.counts != second.counts:
        return False, f"{said}, then {_counted(second.counts)}"
    return True, said


def _counted(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counts.items())


def _expected(trial: Trial | str, frozen: FrozenWorkflow) -> Verdict:
    if isinstance(trial, str):
        return None, trial
    compared = [compare(one, frozen.plan) for one in trial.fixtures]
    differing = [one.fixture for one in compared if not one.conforms]
    said = f"differ: {', '.join(differing)}" if differing else "equal to their goldens"
    names = ", ".join(one.canonical.name for one in trial.fixtures)
    return not differing, f"{names} {said}"


def _storage(frozen: FrozenWorkflow, found: Stored) -> Verdict:
    """Every part of every dataset's policy beside its tables."""
    done = _succeeded(frozen, found)
    if not done:
        return None, _NO_RUN
    told, holds = [], True
    for stream in frozen.plan.streams:
        schema = event_schema(stream.normalizer, stream.storage)
        measures = measure(found.store, schema, stream.storage, done[0].ingested_at)
        holds = holds and all(one.holds for one in measures)
        # What does not hold comes first.
        shown = sorted(measures, key=lambda one: one.holds)
        told.append(f"{stream.storage.dataset}: {', '.join(map(str, shown))}")
    return holds, "; ".join(told)


def _analytics(frozen: FrozenWorkflow, found: Stored, trial: Trial | str) -> Verdict:
    """Fingerprints of the same input: of the fixtures, of the last two runs, of what is there."""
    if not frozen.plan.analytics:
        return True, "no analytics in this workflow"
    done = _succeeded(frozen, found)
    if not done:
        return None, _NO_RUN
    compared = [*_of_fixtures(trial), *_of_runs(frozen, found), *_of_now(frozen, found, done[0])]
    differing = [said for alike, said in compared if alike is False]
    if differing:
        return False, "; ".join(differing)
    repeated = any(alike for alike, _ in compared[:2])
    return True if repeated else None, "; ".join(said for _, said in compared)


def _of_fixtures(trial: Trial | str) -> Iterator[Verdict]:
    if isinstance(trial, str):
        yield None, trial
        return
    first, second = trial.outputs
    yield _compared("the fixtures, run twice", first, second)


def _of_runs(frozen: FrozenWorkflow, found: Stored) -> Iterator[Verdict]:
    """The last two attempts, if both succeeded on the same pages under the same profiles."""
    attempts = Attempts(found.store).of_workflow(frozen.resolution.workflow.name)[:2]
    if len(attempts) < len(("newer", "older")):
        yield None, "one run, so no two to compare"
        return
    newer, older = attempts
    ledger = Ledger(found.store)
    alike = (
        {newer.reason, older.reason} == {Reason.SUCCEEDED.value}
        and newer.config_digest == older.config_digest
        and ledger.pages(newer.run_id) == ledger.pages(older.run_id)
    )
    if not alike:
        yield None, "the last two runs had not the same input"
        return
    yield _compared(f"{older.run_id} and {newer.run_id}", _outputs(older), _outputs(newer))


def _of_now(frozen: FrozenWorkflow, found: Stored, last: Attempt) -> Iterator[Verdict]:
    """What is published now beside what the last run recorded."""
    latest = Attempts(found.store).of_workflow(frozen.resolution.workflow.name)[0]
    if latest != last:
        yield None, "a later attempt may have published"
        return
    now = {}
    for query in frozen.plan.analytics:
        dataset = query.spec.outputs.dataset
        there = found.store.columns(sql_name(dataset))
        row = found.engine.rows(fingerprint_query(found.store.view(dataset)))[0] if there else None
        now[dataset] = fingerprint_text(row) if row else "not there"
    yield _compared(f"{last.run_id} and what is there now", _outputs(last), now)


def _compared(what: str, first: dict[str, str], second: dict[str, str]) -> Verdict:
    if first != second:
        return False, f"{what}: {_shown(first)} then {_shown(second)}"
    return bool(first) or None, f"{what}: {_shown(first)}"


def _shown(outputs: dict[str, str]) -> str:
    return ", ".join(f"{name} {print_}" for name, print_ in outputs.items()) or "no outputs"


def _outputs(attempt: Attempt) -> dict[str, str]:
    return {one["dataset"]: one["fingerprint"] for one in attempt.outcome["outputs"]}


def _evidence(frozen: FrozenWorkflow, found: Stored) -> Verdict:
    done = _succeeded(frozen, found)
    if not done:
        return False, _NO_RUN
    latest = done[0]
    entries = found.audit.run_entries(latest.run_id, latest.attempt)
    kinds = (one.reference.profile.kind for one in frozen.plan.profiles)
    missing = missing_types(entries, required_types(kinds, len(frozen.plan.analytics)))
    broken = [one.chain for one in found.audit.verify() if one.verdict.fault]
    metrics = found.folder / "runs" / latest.run_id / METRICS
    whole = not missing and not broken and metrics.exists()
    said = f"{len(entries)} audit events of {latest.run_id}, chain head {latest.audit_head[:19]}"
    said += f", metrics in {metrics}" if metrics.exists() else f", {metrics} is missing"
    said += f", missing {', '.join(missing)}" if missing else ""
    said += f", broken chains {', '.join(broken)}" if broken else ", all chains verified"
    return whole, said


def _succeeded(frozen: FrozenWorkflow, found: Stored) -> list[Attempt]:
    """The workflow's attempts that succeeded, the latest first."""
    attempts = Attempts(found.store).of_workflow(frozen.resolution.workflow.name)
    return [one for one in attempts if one.reason == Reason.SUCCEEDED]
