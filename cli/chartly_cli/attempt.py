"""One attempt of a run: what its connector spools, loaded into the store.

Imported late, since the engine's packages take as long to start as the connector does.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from chartly.plan.runplan import RunPlan
from chartly_cli.runs import METRICS, Intent, RunFolder
from chartly_loader.load import load
from chartly_loader.metrics import run_metrics, write_metrics
from chartly_loader.request import LoadRequest, LoadResult, OnProgress
from chartly_store.fence import Turn
from chartly_store.port import Engine


@dataclass(frozen=True)
class Attempting:
    """An attempt that is about to load what its connector spools."""

    run: RunFolder
    plan: RunPlan
    actor: str
    spool: Path


def loaded(
    attempt: Attempting, checkpoint: Path | None, engine: Engine, on_progress: OnProgress
) -> LoadResult:
    """How the attempt ended that the run's intent describes.

    Args:
        checkpoint: the file of the project's audit chain; None where nobody keeps one, because
            the store is not this folder's alone.
    """
    intent = attempt.run.intent
    request = LoadRequest(
        plan=attempt.plan,
        workflow=intent.workflow,
        workflow_version=intent.version,
        run_id=intent.run_id,
        attempt=intent.attempt,
        ingested_at=intent.moment,
        run_digest=intent.run_digest,
        spool=attempt.spool,
        checkpoint=checkpoint,
        window=_window(intent),
        actor=attempt.actor,
        evidence=intent.evidence,
        turn=Turn(is_alone=checkpoint is not None),
    )
    return load(request, engine, on_progress, lambda: datetime.now(UTC))


def keep_metrics(run: RunFolder, plan: RunPlan, result: LoadResult, seconds: float) -> None:
    """Writes the metrics of a run of ``seconds`` that is over into its folder."""
    metrics = run_metrics(result, plan, run.intent.workflow, seconds, datetime.now(UTC))
    write_metrics(metrics, run.path / METRICS)


def _window(intent: Intent) -> tuple[datetime, datetime] | None:
    if intent.window is None:
        return None
    start, end = (datetime.fromisoformat(text).astimezone(UTC) for text in intent.window)
    return start, end
