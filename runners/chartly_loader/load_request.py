"""What a load is asked to do, tells while it runs, and gives back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from chartly.errors import Reason
from chartly.evidence.audit_event import UNVERIFIED
from chartly.plan.runplan import RunPlan
from chartly.warning import RunWarning
from chartly_spool.segment import Counters
from chartly_store.fence import Turn
from chartly_store.rollup import RollupResult


@dataclass(frozen=True)
class LoadRequest:
    """One attempt of a run.

    Attributes:
        ingested_at: the run's freeze time, the same in every attempt.
        checkpoint: where the head of the project's audit chain is kept; None in a cluster, where
            that chain is not written.
        window: computes analytics for this range instead of what was touched.
        evidence: what else the audit trail shall say, such as ``--connect-to``.
        grace: seconds to wait for a connector that has not come yet.
        turn: what the run knows of its turn among the runs of its workflow.
    """

    plan: RunPlan
    workflow: str
    workflow_version: str
    run_id: str
    attempt: int
    ingested_at: datetime
    run_digest: str
    spool: Path
    checkpoint: Path | None
    window: tuple[datetime, datetime] | None = None
    actor: str = UNVERIFIED
    evidence: Mapping[str, object] = field(default_factory=dict)
    grace: float = 30.0
    turn: Turn = field(default_factory=Turn)


LOADING, ANALYTICS, EVIDENCE = "loading", "analytics", "evidence"


@dataclass(frozen=True)
class Progress:
    """How far a load is; from the stage ``EVIDENCE`` on, it is known how the attempt ends."""

    pages: int = 0
    read: int = 0
    loaded: int = 0
    rejected: int = 0
    stage: str = LOADING


OnProgress = Callable[[Progress], None]
Now = Callable[[], datetime]


@dataclass(frozen=True)
class LoadResult:
    """How an attempt ended.

    Attributes:
        counts: of the whole run: pages, bytes, read, loaded, rejected, duplicate, filtered, late,
            corrected; read = loaded + rejected + duplicate + filtered + late (INV-4).
        audited: the attempt's audit chain reads back from the store, whole and with every event
            that an attempt which ended like this must have.
        newest: the time of the newest event of each dataset that has one; known after success.
        datasets: the counts of the whole run for each dataset.
    """

    reason: Reason
    message: str
    counts: dict[str, int]
    counters: Counters
    outputs: tuple[RollupResult, ...]
    audit_head: str
    audited: bool
    seconds: dict[str, float]
    warnings: tuple[RunWarning, ...] = ()
    newest: Mapping[str, datetime] = field(default_factory=dict)
    datasets: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
