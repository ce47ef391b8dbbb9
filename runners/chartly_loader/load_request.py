"""The interface of a load: its request, its progress and its result."""

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
        checkpoint: the file with the head of the project's audit chain; None in a cluster, where
            that chain is not written.
        window: computes analytics for this range instead of the touched windows.
        evidence: further data of the audit trail, such as ``--connect-to``.
        grace: seconds to wait for the connector to start.
        turn: of the run among the runs of its workflow.
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
    """The progress of a load; from the stage ``EVIDENCE`` on, its reason is decided."""

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
        audited: whether the attempt's audit chain reads back from the store, complete and with
            every event that an attempt with this reason must have.
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
