"""One load: attempt, tables, pages, corrections, retention, roll-ups, evidence, outcome."""

import json
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime

import pyarrow as pa

from chartly.api.duration import parse_duration
from chartly.api.event_schema import EventSchema
from chartly.errors import ChartlyError, Reason, RunError
from chartly.extract.observed import ObservedReader
from chartly.extract.pages import compile_reader
from chartly.extract.shaper import Shaper, compile_shaper
from chartly.plan.runplan import AnalyticsPlan, StreamPlan
from chartly.query.windows import Window, window_of, windows_between
from chartly.warning import RunWarning, merged, parsed
from chartly_loader.account import Account
from chartly_loader.checks import insist_on_few_rejects, insist_on_sum
from chartly_loader.closing_warnings import of_overlaps, of_sealed_windows
from chartly_loader.intake import CommitTarget, PageIntake
from chartly_loader.recorded import record_of
from chartly_loader.request import (
    ANALYTICS,
    EVIDENCE,
    LoadRequest,
    LoadResult,
    Now,
    OnProgress,
    Progress,
)
from chartly_loader.seen import SeenKeys
from chartly_loader.shaping import Shaping
from chartly_spool.reader import SpoolReader
from chartly_spool.segment import Counters, End, State, StreamState
from chartly_store.attempts import Attempt, Attempts
from chartly_store.events import EventTable
from chartly_store.ledger import Ledger, Resume
from chartly_store.port import Engine
from chartly_store.project import DatasetRow, ProjectStore
from chartly_store.rollup import Generation, Rollup, RollupResult


def load(request: LoadRequest, engine: Engine, on_progress: OnProgress, now: Now) -> LoadResult:
    """Loads what the connector spools, and records how it ended.

    A ``ChartlyError`` on the way becomes the result's reason; the attempt is recorded either way.
    """
    return _Load(request, engine, on_progress, now).run()


@dataclass
class _Stream:
    """One stream of the run with everything that serves it."""

    plan: StreamPlan
    pages: ObservedReader
    shaper: Shaper
    table: EventTable
    row: DatasetRow
    resume: Resume

    @property
    def schema(self) -> EventSchema:
        return self.shaper.schema


@dataclass
class _Outcome:
    """What is known of the attempt so far."""

    corrected: int = 0
    counters: Counters = field(default_factory=Counters)
    outputs: list[RollupResult] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    warnings: list[RunWarning] = field(default_factory=list)
    newest: dict[str, datetime] = field(default_factory=dict)


class _Load:
    def __init__(
        self, request: LoadRequest, engine: Engine, on_progress: OnProgress, now: Now
    ) -> None:
        self._request = request
        self._now = now
        self._on_progress = on_progress
        self._store = ProjectStore(engine, request.plan.project)
        self._ledger = Ledger(self._store)
        self._attempts = Attempts(self._store)
        self._account = Account(request, self._store, now)
        self._done = _Outcome()

    def run(self) -> LoadResult:
        self._store.create()
        self._store.insist_on_writable()
        self._account.open()
        attempt = self._attempts.begin(self._attempt(), self._now())
        self._account.started()
        try:
            self._load(attempt)
            reason, message = Reason.SUCCEEDED, ""
        except ChartlyError as error:
            reason, message = error.reason, error.message
        return self._finish(attempt, reason, message)

    def _attempt(self) -> Attempt:
        request = self._request
        return Attempt(
            run_id=request.run_id,
            attempt=request.attempt,
            ordinal=0,
            workflow=request.workflow,
            workflow_version=request.workflow_version,
            config_digest=request.plan.digest,
            ingested_at=request.ingested_at,
        )

    def _load(self, attempt: Attempt) -> None:
        streams = [self._open(one, attempt) for one in self._request.plan.streams]
        with SpoolReader(self._request.spool, self._request.grace) as reader:
            self._insist_on_queries(streams)
            reader.write_state(State({one.plan.name: _stream_state(one.resume) for one in streams}))
            # The first of Python's values that pyarrow is given takes 0.15 s where pandas is
            # installed; the first page takes as long to come.
            pa.array([0])
            with self._timed("load"):
                for stream in streams:
                    self._take_in(stream, attempt, reader)
            self._check_end(reader.end)
        # What is asked of the store from here on takes memory of its own.
        pa.default_memory_pool().release_unused()
        self._store.engine.release_unused()
        for stream in streams:
            self._attempts.insist_on_last(attempt)
            with self._timed("settle"):
                self._settle(stream)
                self._look_for_newest(stream)
            with self._timed("analytics"):
                self._roll_up(stream, attempt)

    def _open(self, plan: StreamPlan, attempt: Attempt) -> _Stream:
        shaper = compile_shaper(plan.normalizer, plan.storage)
        row = self._store.ensure_dataset(
            shaper.schema,
            plan.storage,
            self._request.workflow,
            lambda: self._attempts.insist_on_last(attempt),
        )
        table = EventTable(self._store, shaper.schema, plan.storage)
        resume = self._ledger.resume(self._request.run_id, plan.name)
        connector = self._request.plan.connector
        pages = compile_reader(
            connector.records, connector.pagination.mode, plan.normalizer, plan.storage
        )
        return _Stream(plan, ObservedReader(pages), shaper, table, row, resume)

    def _insist_on_queries(self, streams: list[_Stream]) -> None:
        """What an engine says of a query, it says before the connector may ask for anything."""
        times = {one.plan.storage.dataset: one.schema.time_column for one in streams}
        for query in self._request.plan.analytics:
            time = times[query.spec.inputs.dataset]
            if time is not None:
                where = f"{query.reference.profile}: spec.queryTemplate.text"
                Rollup(self._store, query.spec, time).insist(where)

    def _take_in(self, stream: _Stream, attempt: Attempt, reader: SpoolReader) -> None:
        with closing(SeenKeys()) as seen:
            if stream.resume.next_number:
                for keys in stream.table.of_run(self._request.run_id).committed_keys():
                    seen.add(keys)
            shaping = Shaping(
                self._request,
                stream.plan,
                stream.shaper,
                attempt.ordinal,
                stream.row.sealed_before,
                seen,
                self._now,
            )
            target = CommitTarget(
                stream.table, self._ledger, lambda: self._attempts.insist_on_last(attempt)
            )
            intake = PageIntake(stream.pages, shaping, stream.schema, target)
            try:
                intake.run(reader, self._on_progress)
            finally:
                self._done.warnings.extend(stream.pages.duplicate_keys)
                self._done.warnings.extend(shaping.warnings())

    def _check_end(self, end: End | None) -> None:
        if end is None:
            raise RunError(Reason.PEER_LOST, "the connector ended without saying how")
        self._done.counters = end.counters
        self._done.warnings.extend(end.warnings)
        self._account.connector_ended(end)
        if end.reason is not Reason.SUCCEEDED:
            raise RunError(end.reason, end.message)

    def _settle(self, stream: _Stream) -> None:
        """What can only be said when all pages are in: corrections, rejects, expiry."""
        self._done.corrected += stream.table.correct(
            self._request.run_id, self._request.ingested_at
        )
        self._done.warnings.extend(self._never_matched(stream))
        totals = self._totals()
        insist_on_sum(totals)
        stream.table.of_run(self._request.run_id).insist_on_all()
        try:
            insist_on_few_rejects(stream.plan, totals)
        except RunError as error:
            self._account.too_many_rejects(totals, error.reason)
            raise
        stop = self._request.plan.connector.pagination.stop
        self._done.warnings.extend(of_overlaps(stop, totals["duplicate"]))
        self._account.normalized(totals)
        self._expire(stream)
        self._account.dataset_updated(stream.plan, totals)

    def _never_matched(self, stream: _Stream) -> list[RunWarning]:
        """The mapped paths that led to nothing, also in what earlier attempts have committed."""
        unmatched = stream.pages.unmatched
        if stream.resume.next_number:
            rows = stream.table.of_run(self._request.run_id)
            for name in rows.with_values([*unmatched]):
                del unmatched[name]
        return [*unmatched.values()]

    def _expire(self, stream: _Stream) -> None:
        """Windows are sealed before their rows go: computed without them they would be wrong."""
        newest = stream.table.newest_expired(self._request.ingested_at)
        if newest is not None:
            stream.row = self._seal(stream, newest)
        stream.table.expire(self._request.ingested_at)

    def _look_for_newest(self, stream: _Stream) -> None:
        newest = stream.table.newest()
        if newest is not None:
            self._done.newest[stream.plan.storage.dataset] = newest

    def _seal(self, stream: _Stream, newest: datetime) -> DatasetRow:
        """Windows that lost a row to expiry are never computed again."""
        lengths = [
            parse_duration(one.spec.inputs.window)
            for one in self._request.plan.analytics
            if one.spec.inputs.dataset == stream.plan.storage.dataset
        ]
        ends = [window_of(newest, length).end for length in lengths]
        known = [one for one in (*ends, stream.row.sealed_before) if one is not None]
        row = replace(stream.row, sealed_before=max(known, default=None))
        self._store.record(row)
        return row

    def _roll_up(self, stream: _Stream, attempt: Attempt) -> None:
        for query in self._request.plan.analytics:
            if query.spec.inputs.dataset == stream.plan.storage.dataset:
                self._report(ANALYTICS)
                with _named(query):
                    result = self._publish(query, stream, attempt)
                self._done.outputs.append(result)
                self._done.warnings.extend(of_sealed_windows(result))
                self._account.rolled_up(query.digest, result)

    def _publish(self, query: AnalyticsPlan, stream: _Stream, attempt: Attempt) -> RollupResult:
        time_column = stream.schema.time_column
        if time_column is None:
            raise RunError(
                Reason.CONFIG_INVALID, f"{stream.plan.storage.dataset}: has no time column"
            )
        self._attempts.insist_on_last(attempt)
        layout = json.dumps({"window": query.spec.inputs.window})
        self._store.claim(query.spec.outputs.dataset, self._request.workflow, layout)
        rollup = Rollup(self._store, query.spec, time_column)
        given = self._request.window
        windows: list[Window] = (
            rollup.touched(query.digest)
            if given is None
            else windows_between(*given, parse_duration(query.spec.inputs.window))
        )
        generation = Generation(attempt.ordinal, self._request.run_id, query.digest)
        return rollup.publish(windows, generation, stream.row.sealed_before, complete=given is None)

    def _finish(self, attempt: Attempt, reason: Reason, message: str) -> LoadResult:
        counts = {**self._report(EVIDENCE), "corrected": self._done.corrected}
        warnings = merged((*self._earlier_warnings(), *self._done.warnings))
        self._account.ended(reason, message, counts, warnings)
        result = LoadResult(
            reason=reason,
            message=message,
            counts=counts,
            counters=self._done.counters,
            outputs=tuple(self._done.outputs),
            audit_head=self._account.head,
            audited=self._account.reads_back(reason),
            seconds={name: round(value, 3) for name, value in self._done.seconds.items()},
            warnings=warnings,
            newest=self._done.newest,
        )
        self._attempts.finish(
            attempt, reason, message, json.dumps(record_of(result)), result.audit_head, self._now()
        )
        return result

    def _earlier_warnings(self) -> Iterator[RunWarning]:
        """What earlier attempts said of the pages that they committed."""
        if self._request.attempt > 1:
            for attempt in self._attempts.of_run(self._request.run_id):
                yield from parsed(attempt.outcome.get("warnings", []))

    def _totals(self) -> dict[str, int]:
        return self._ledger.totals(self._request.run_id)

    def _report(self, stage: str) -> dict[str, int]:
        """Tells that a stage begins; returns the run's counts so far."""
        totals = self._totals()
        self._on_progress(
            Progress(totals["pages"], totals["read"], totals["loaded"], totals["rejected"], stage)
        )
        return totals

    @contextmanager
    def _timed(self, step: str) -> Iterator[None]:
        started = time.perf_counter()
        try:
            yield
        finally:
            passed = time.perf_counter() - started
            self._done.seconds[step] = self._done.seconds.get(step, 0.0) + passed


def _stream_state(resume: Resume) -> StreamState:
    return StreamState(resume.next_number, resume.position, resume.seen, resume.complete)


@contextmanager
def _named(query: AnalyticsPlan) -> Iterator[None]:
    """Puts the profile before what is wrong with its output."""
    try:
        yield
    except RunError as error:
        if error.reason is not Reason.OUTPUT_CONTRACT:
            raise
        raise RunError(error.reason, f"{query.reference.profile}: {error.message}") from None
