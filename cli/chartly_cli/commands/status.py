"""``chartly status``: the playbook's definition of done, with the evidence for each criterion."""

from collections.abc import Iterator
from dataclasses import dataclass

import typer

from chartly.api.workflow import Workflow
from chartly.errors import REASONS, ChartlyError, Reason
from chartly.evidence.trail import missing_types, required_types
from chartly.plan.check import check_plan
from chartly_cli.fixture_run import run_twice
from chartly_cli.fixtures import compare, fixtures_of
from chartly_cli.printable import one_line
from chartly_cli.runs import METRICS
from chartly_cli.session import Session
from chartly_cli.stored import Stored, stored
from chartly_cli.workspace import Frozen, Workspace
from chartly_store.attempts import Attempt, Attempts


@dataclass(frozen=True)
class Criterion:
    """One success criterion: whether it holds, and what shows it."""

    name: str
    holds: bool
    evidence: str


def status(session: Session, domain: str) -> None:
    """Prints the six criteria; exits with OutputContract when one does not hold."""
    workspace = session.workspace()
    workflow = workspace.workflow(domain)
    criteria = list(_criteria(workspace, workflow))
    document = [
        {"criterion": one.name, "holds": one.holds, "evidence": one.evidence} for one in criteria
    ]
    lines = [
        one_line(f"{'yes' if one.holds else 'NO '}  {one.name}: {one.evidence}") for one in criteria
    ]
    session.printer.result(document, "\n".join(lines))
    if not all(one.holds for one in criteria):
        raise typer.Exit(REASONS[Reason.OUTPUT_CONTRACT].exit_code)


def _criteria(workspace: Workspace, workflow: Workflow) -> Iterator[Criterion]:
    frozen = workspace.freeze(workflow)
    yield _validated(frozen)
    yield from _fixtures(workspace, frozen)
    try:
        with stored(workspace, frozen.plan.project) as found:
            yield from _run(frozen, found)
    except ChartlyError as error:
        for name in (_STORAGE, _ANALYTICS, _EVIDENCE):
            yield Criterion(name, holds=False, evidence=error.message)


_VALIDATED = "profiles are versioned and validated"
_STORAGE = "storage policy is enforced"
_ANALYTICS = "analytics output is repeatable"
_EVIDENCE = "observability and audit evidence exist"


def _validated(frozen: Frozen) -> Criterion:
    try:
        check_plan(frozen.resolution, frozen.plan)
    except ChartlyError as error:
        return Criterion(_VALIDATED, holds=False, evidence=error.message)
    names = ", ".join(str(one.reference.profile) for one in frozen.plan.profiles)
    return Criterion(_VALIDATED, holds=True, evidence=f"{names}; config {frozen.plan.digest}")


def _fixtures(workspace: Workspace, frozen: Frozen) -> Iterator[Criterion]:
    fixtures = fixtures_of(workspace.fixtures, frozen.resolution.workflow)
    runs, goldens = "ingestion runs deterministically on fixtures", "events match expectations"
    if not fixtures:
        yield Criterion(runs, holds=False, evidence=f"no fixtures in {workspace.fixtures}")
        yield Criterion(goldens, holds=False, evidence=f"no goldens in {workspace.fixtures}")
        return
    first, second = run_twice(frozen, fixtures)
    alike = first.reason is second.reason is Reason.SUCCEEDED and first.counts == second.counts
    yield Criterion(runs, alike, f"{len(fixtures)} fixtures, run twice: {first.counts}")
    compared = [compare(one, frozen.plan) for one in fixtures]
    differing = [one.fixture for one in compared if not one.conforms]
    said = f"differ: {', '.join(differing)}" if differing else "equal to their goldens"
    names = ", ".join(one.canonical.name for one in fixtures)
    yield Criterion(goldens, not differing, f"{names} {said}")


def _run(frozen: Frozen, found: Stored) -> Iterator[Criterion]:
    workflow = frozen.resolution.workflow.name
    attempts = [one for one in Attempts(found.store).of_workflow(workflow) if one.reason]
    done = [one for one in attempts if one.reason == Reason.SUCCEEDED]
    yield _storage(frozen, found)
    yield _analytics(frozen, done)
    yield _evidence(frozen, found, done)


def _storage(frozen: Frozen, found: Stored) -> Criterion:
    shown = []
    for stream in frozen.plan.streams:
        storage = stream.storage
        row = found.store.dataset(storage.dataset)
        if row is None:
            said = f"dataset {storage.dataset} is not stored yet"
            return Criterion(_STORAGE, holds=False, evidence=said)
        size = found.store.bytes_on_disk(storage.dataset)
        days = storage.retention_days or (storage.retention.days if storage.retention else None)
        shown.append(
            f"{storage.dataset}: layout {row.layout}, retention {days or 'none'} days, sealed "
            f"before {row.sealed_before or 'nothing'}, {size:,} of {storage.max_bytes:,} bytes"
        )
    return Criterion(_STORAGE, holds=True, evidence="; ".join(shown))


def _analytics(frozen: Frozen, done: list[Attempt]) -> Criterion:
    if not frozen.plan.analytics:
        return Criterion(_ANALYTICS, holds=True, evidence="no analytics in this workflow")
    if not done:
        return Criterion(_ANALYTICS, holds=False, evidence="no run has succeeded yet")
    outputs = done[0].outcome["outputs"]
    prints = ", ".join(f"{one['dataset']} {one['fingerprint']}" for one in outputs)
    return Criterion(_ANALYTICS, bool(outputs), f"{done[0].run_id}: {prints}")


def _evidence(frozen: Frozen, found: Stored, done: list[Attempt]) -> Criterion:
    if not done:
        return Criterion(_EVIDENCE, holds=False, evidence="no run has succeeded yet")
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
    return Criterion(_EVIDENCE, whole, said)
