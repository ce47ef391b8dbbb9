"""From segments to committed rows: shaped in one thread while another writes to the engine."""

import gc
import json
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc

from chartly.errors import ChartlyError, Reason, RunError
from chartly.extract.records import decode_page, select_records
from chartly.extract.reject import Rejection
from chartly.extract.shaper import Shaper
from chartly.plan.runplan import StreamPlan
from chartly_loader.request import LoadRequest, Now, OnProgress, Progress
from chartly_loader.seen import SeenKeys
from chartly_spool.reader import SpoolReader
from chartly_spool.segment import Segment
from chartly_store.events import EventTable
from chartly_store.ledger import Committed, Ledger
from chartly_store.project import ProjectStore

GROUP_BYTES = 12 * 1024 * 1024
GROUP_SEGMENTS = 512
_WAIT_SECONDS = 1.0
_INDEX_BITS = 24
_GENERATION_BITS = 16


@dataclass
class _Group:
    """Pages that are committed together."""

    tables: list[pa.Table] = field(default_factory=list)
    rejects: list[dict[str, object]] = field(default_factory=list)
    ledger: list[Committed] = field(default_factory=list)
    duplicates: int = 0
    fault: ChartlyError | None = None


@dataclass(frozen=True)
class Target:
    """Where a stream's rows go, and what decides which of them are late.

    Attributes:
        insist: raises where the attempt may not write any more.
    """

    store: ProjectStore
    table: EventTable
    ledger: Ledger
    shaper: Shaper
    ordinal: int
    sealed_before: datetime | None
    insist: Callable[[], None]


class Intake:
    """Loads one stream of one attempt."""

    def __init__(
        self, request: LoadRequest, stream: StreamPlan, target: Target, seen: SeenKeys, now: Now
    ) -> None:
        self._request = request
        self._stream = stream
        self._target = target
        self._seen = seen
        self._now = now
        self._floor = self._late_before()
        self.corrected = 0
        self.progress = Progress()

    def run(self, reader: SpoolReader, on_progress: OnProgress) -> None:
        """Commits every segment until the connector has ended.

        Raises:
            RunError: the connector is lost, a page is unusable, or the store refuses.
        """
        with _quiet_collector(), ThreadPoolExecutor(1, "commit") as writer:
            pending: Future[None] | None = None
            fault: ChartlyError | None = None
            while fault is None:
                # Asked before the segments: what comes between the two is then seen next time.
                ended = reader.end is not None
                segments = reader.next_segments(GROUP_SEGMENTS, GROUP_BYTES, _WAIT_SECONDS)
                if not segments and ended:
                    break
                group = self._shape(segments)
                fault = group.fault
                if group.ledger:
                    if pending is not None:
                        pending.result()
                    pending = writer.submit(self._commit, group, reader)
                    self._advance(group)
                    on_progress(self.progress)
            if pending is not None:
                pending.result()
        if fault is not None:
            raise fault
        self._check_whole(reader)

    def _check_whole(self, reader: SpoolReader) -> None:
        """Whether the connector's last word fits the pages that came."""
        said = reader.end.pages if reader.end is not None else 0
        if said != self.progress.pages:
            raise RunError(
                Reason.PEER_LOST,
                f"the connector wrote {said} pages and {self.progress.pages} came",
            )

    def _shape(self, segments: list[Segment]) -> _Group:
        """The pages up to the first unusable one, which ends the run after they are committed."""
        group = _Group()
        for segment in segments:
            try:
                self._shape_one(segment, group)
            except ChartlyError as error:
                group.fault = error
                break
        return group

    def _shape_one(self, segment: Segment, group: _Group) -> None:
        connector = self._request.plan.connector
        document = decode_page(segment.body)
        records = select_records(document, connector.records, connector.pagination.mode)
        shaped = self._target.shaper.shape(records)
        rows = self._on_time(shaped.rows)
        late = shaped.rows.num_rows - rows.num_rows
        duplicates = self._seen.add(rows.column("event_key").to_pylist())
        group.duplicates += duplicates
        group.tables.append(self._enveloped(rows, segment))
        group.rejects += [self._reject(one, segment) for one in shaped.rejections]
        group.ledger.append(
            self._committed(
                segment,
                {
                    "read": shaped.read,
                    "loaded": rows.num_rows - duplicates,
                    "rejected": len(shaped.rejections),
                    "duplicate": duplicates,
                    "filtered": shaped.filtered,
                    "late": late,
                },
            )
        )

    def _late_before(self) -> datetime | None:
        retention = self._stream.storage.retention
        cut = self._request.ingested_at - timedelta(days=retention.days) if retention else None
        known = [one for one in (cut, self._target.sealed_before) if one is not None]
        return max(known, default=None)

    def _on_time(self, rows: pa.Table) -> pa.Table:
        time = self._target.shaper.schema.time_column
        if self._floor is None or time is None:
            return rows
        floor = pa.scalar(self._floor, pa.timestamp("ms", tz="UTC"))
        return rows.filter(pc.greater_equal(rows.column(time), floor))

    def _enveloped(self, rows: pa.Table, segment: Segment) -> pa.Table:
        """The rows with their envelope and version."""
        count = rows.num_rows
        project = self._request.plan.project
        constants = {
            "type": self._target.shaper.schema.event_type,
            "tenant_id": project.tenant,
            "project_id": project.project,
            "run_id": self._request.run_id,
            "profile_digest": self._stream.normalizer_digest,
        }
        index = rows.column("_index").combine_chunks()
        page = pa.scalar(f"sha256:{segment.meta.sha256}#")
        columns = {
            name: rows.column(name) for name in rows.column_names if not name.startswith("_")
        }
        columns |= {name: _constant(text, count) for name, text in constants.items()}
        columns["ingested_at"] = pa.repeat(
            pa.scalar(self._request.ingested_at, pa.timestamp("ms", tz="UTC")), count
        )
        columns["raw_ref"] = pc.binary_join_element_wise(page, index.cast(pa.string()), "")
        columns["_ver"] = self._versions(rows, segment.meta.number)
        columns["_deleted"] = pa.repeat(pa.scalar(0, pa.uint8()), count)
        return pa.table(columns)

    def _versions(self, rows: pa.Table, number: int) -> pa.Array:
        if "_version" in rows.column_names:
            return rows.column("_version")
        sequence = (self._target.ordinal << _INDEX_BITS) | number
        return pa.repeat(pa.scalar(sequence << _GENERATION_BITS, pa.uint64()), rows.num_rows)

    def _reject(self, one: Rejection, segment: Segment) -> dict[str, object]:
        return {
            "run_id": self._request.run_id,
            "raw_ref": f"sha256:{segment.meta.sha256}#{one.index}",
            "stream": segment.meta.stream,
            "segment": segment.meta.number,
            "reason": one.reason.value,
            "field": one.field,
            "path": one.path,
            "message": one.message,
            "record": one.record.decode("utf-8", "replace"),
            "profile_digest": self._stream.normalizer_digest,
            "ingested_at": self._request.ingested_at,
        }

    def _committed(self, segment: Segment, counts: dict[str, int]) -> Committed:
        meta = segment.meta
        return Committed(
            dataset=self._stream.storage.dataset,
            run_id=self._request.run_id,
            stream=meta.stream,
            segment=meta.number,
            attempt=self._request.attempt,
            ordinal=self._target.ordinal,
            state_key=self._state_key(),
            page_sha256=meta.sha256,
            bytes=meta.size,
            position=json.dumps(meta.position),
            token_hash=meta.token_hash,
            committed_at=self._now(),
            **counts,
        )

    def _state_key(self) -> str:
        request = self._request
        parts = (request.plan.project, request.workflow, request.plan.connector_name)
        return "/".join(map(str, (*parts, self._stream.name)))

    def _commit(self, group: _Group, reader: SpoolReader) -> None:
        """Rows first, then the ledger, then the spool: whatever dies, nothing is lost."""
        self._target.insist()
        storage = self._stream.storage
        if self._target.store.bytes_on_disk(storage.dataset) > storage.max_bytes:
            raise RunError(
                Reason.STORAGE_QUOTA_EXCEEDED,
                f"dataset {storage.dataset!r} is larger than its maxBytes {storage.max_bytes}",
            )
        rows = pa.concat_tables(group.tables)
        if group.duplicates:
            rows = self._winners(rows)
        self._target.table.insert(rows)
        self._target.table.insert_rejects(group.rejects)
        self._target.ledger.commit(group.ledger)
        reader.done(page.segment for page in group.ledger)

    def _winners(self, rows: pa.Table) -> pa.Table:
        """One row per key: the highest version, and the last of equal ones.

        Within one insert the engine could not tell two rows of one key and version apart.
        """
        time = self._target.shaper.schema.time_column
        versions = rows.column("_ver").to_pylist()
        moments = rows.column(time).to_pylist() if time else versions
        best: dict[str, int] = {}
        for index, key in enumerate(rows.column("event_key").to_pylist()):
            other = best.setdefault(key, index)
            if other != index:
                if time and moments[index] != moments[other]:
                    self.corrected += 1
                if versions[index] >= versions[other]:
                    best[key] = index
        return rows.take(pa.array(sorted(best.values()), pa.int64()))

    def _advance(self, group: _Group) -> None:
        done = self.progress
        self.progress = Progress(
            pages=done.pages + len(group.ledger),
            read=done.read + sum(page.read for page in group.ledger),
            loaded=done.loaded + sum(page.loaded for page in group.ledger),
            rejected=done.rejected + sum(page.rejected for page in group.ledger),
        )


def _constant(text: str, count: int) -> pa.Array:
    """One text for every row, stored once."""
    return pa.DictionaryArray.from_arrays(
        pa.repeat(pa.scalar(0, pa.int8()), count), pa.array([text], pa.string())
    )


@contextmanager
def _quiet_collector() -> Iterator[None]:
    """No cyclic collection while pages are in hand: records hold no cycles, and there are many."""
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if before:
            gc.enable()
