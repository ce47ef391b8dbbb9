"""The state that the phases of one load share: the attempt, the store, and the outcome so far."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from chartly.api.event_schema import EventSchema
from chartly.extract.observed import ObservedReader
from chartly.extract.shaper import Shaper
from chartly.plan.runplan import StreamPlan
from chartly.slices import PullState, Slice
from chartly.warning import RunWarning
from chartly_loader.attempt_audit import AttemptAudit
from chartly_loader.load_request import LoadRequest, Now, OnProgress, Progress
from chartly_spool.segment import Counters
from chartly_store.attempts import Attempt, Attempts
from chartly_store.engine_port import Engine
from chartly_store.event_table import EventTable
from chartly_store.fence import Epochs, Fence
from chartly_store.ledger import Ledger, summed
from chartly_store.project_store import DatasetRow, ProjectStore
from chartly_store.rollup import RollupResult


@dataclass
class LoadStream:
    """One stream of the run with its reader, shaper and table.

    Attributes:
        resumed: whether earlier attempts have committed pages of it.
    """

    plan: StreamPlan
    pages: ObservedReader
    shaper: Shaper
    table: EventTable
    row: DatasetRow
    resumed: bool = False

    @property
    def schema(self) -> EventSchema:
        return self.shaper.schema


@dataclass
class LoadOutcome:
    """The results of an attempt so far."""

    corrected: int = 0
    counters: Counters = field(default_factory=Counters)
    outputs: list[RollupResult] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    warnings: list[RunWarning] = field(default_factory=list)
    newest: dict[str, datetime] = field(default_factory=dict)


class LoadContext:
    """One recorded attempt, with its ordinal."""

    def __init__(
        self, request: LoadRequest, engine: Engine, on_progress: OnProgress, now: Now
    ) -> None:
        self.request = request
        self.now = now
        self.store = ProjectStore(engine, request.plan.project)
        self.ledger = Ledger(self.store)
        self.attempts = Attempts(self.store)
        self.audit = AttemptAudit(request, self.store, now)
        self.outcome = LoadOutcome()
        self.on_progress = on_progress
        self.store.create()
        self.store.check_writable()
        self.audit.open()
        datasets = [stream.storage.dataset for stream in request.plan.streams]
        epoch = Epochs(self.store).enter(datasets, request.turn, request.run_id, now())
        self.attempt = self.attempts.begin(_attempt(request, epoch), now())
        self.fence = Fence(self.store, self.attempt, datasets)
        self.audit.started()

    def check_turn(self) -> None:
        """Raises where the attempt may not write any more.

        Raises:
            RunError: ``Terminated``: a later one has begun.
        """
        self.fence.check_turn()

    def resume(self) -> PullState:
        """The state from which the run continues."""
        return self.ledger.resume(self.request.run_id, self.request.plan.slices)

    def slice_totals(self) -> dict[Slice, dict[str, int]]:
        """The counts of each slice with a committed page."""
        return self.ledger.slice_totals(self.request.run_id)

    def report(self, stage: str) -> dict[Slice, dict[str, int]]:
        """Reports that a stage begins; returns the counts of each slice so far."""
        slices = self.slice_totals()
        totals = summed(slices.values())
        self.on_progress(
            Progress(totals["pages"], totals["read"], totals["loaded"], totals["rejected"], stage)
        )
        return slices

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        """Adds the duration of the block to that of a step."""
        started = time.perf_counter()
        try:
            yield
        finally:
            passed = time.perf_counter() - started
            seconds = self.outcome.seconds
            seconds[step] = seconds.get(step, 0.0) + passed


def _attempt(request: LoadRequest, epoch: int) -> Attempt:
    return Attempt(
        run_id=request.run_id,
        attempt=request.attempt,
        ordinal=0,
        workflow=request.workflow,
        workflow_version=request.workflow_version,
        config_digest=request.plan.digest,
        ingested_at=request.ingested_at,
        epoch=epoch,
    )
