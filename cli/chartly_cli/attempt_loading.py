"""Loads what the connector of an attempt fetches, in this process.

Imported late, since the engine's packages take as long to start as the connector does.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from chartly.plan.runplan import RunPlan
from chartly_loader.load import load
from chartly_loader.load_request import LoadRequest, LoadResult, OnProgress
from chartly_loader.run_metrics import run_metrics, write_metrics
from chartly_service.runs import RunIntent
from chartly_store.engine_port import Engine
from chartly_store.fence import Turn


@dataclass(frozen=True)
class LocalAttempt:
    """An attempt that is about to load.

    Attributes:
        checkpoint: the file of the project's audit chain; None where nobody keeps one, because
            the store is not this folder's alone.
    """

    intent: RunIntent
    plan: RunPlan
    actor: str
    spool: Path
    checkpoint: Path | None


def load_attempt(attempt: LocalAttempt, engine: Engine, on_progress: OnProgress) -> LoadResult:
    """How the attempt ended that the run's intent describes."""
    intent = attempt.intent
    request = LoadRequest(
        plan=attempt.plan,
        workflow=intent.workflow,
        workflow_version=intent.version,
        run_id=intent.run_id,
        attempt=intent.attempt,
        ingested_at=intent.moment,
        run_digest=intent.run_digest,
        spool=attempt.spool,
        checkpoint=attempt.checkpoint,
        window=_window(intent),
        actor=attempt.actor,
        evidence=intent.evidence,
        turn=Turn(is_alone=attempt.checkpoint is not None),
    )
    return load(request, engine, on_progress, lambda: datetime.now(UTC))


def write_attempt_metrics(
    path: Path, intent: RunIntent, plan: RunPlan, result: LoadResult, seconds: float
) -> None:
    """Writes the metrics of an attempt that took so many seconds."""
    metrics = run_metrics(result, plan, intent.workflow, seconds, datetime.now(UTC))
    write_metrics(metrics, path)


def _window(intent: RunIntent) -> tuple[datetime, datetime] | None:
    if intent.window is None:
        return None
    start, end = (datetime.fromisoformat(text).astimezone(UTC) for text in intent.window)
    return start, end
