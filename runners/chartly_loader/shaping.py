"""From parsed pages to a batch of rows with their envelope, and what became of each record."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import compress

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from chartly.extract.pages import Page
from chartly.extract.reject import Rejection
from chartly.extract.shaper import ShapedBatch, Shaper
from chartly.load.versions import row_version
from chartly.plan.runplan import StreamPlan
from chartly.warning import RunWarning, WarningReason
from chartly_loader.batch import LoadBatch
from chartly_loader.request import LoadRequest, Now
from chartly_loader.seen import Mask, SeenKeys
from chartly_spool.segment import Segment, SegmentMeta
from chartly_store.ledger import Committed
from chartly_store.pages import RawPage

Counts = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Parsed:
    """A page whose body was read."""

    segment: Segment
    page: Page


class Shaping:
    """Shapes the pages of one stream of one attempt.

    Args:
        sealed_before: the end of the newest window that is never computed again.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - what rows are made of
        self,
        request: LoadRequest,
        stream: StreamPlan,
        shaper: Shaper,
        ordinal: int,
        sealed_before: datetime | None,
        seen: SeenKeys,
        now: Now,
    ) -> None:
        self._request = request
        self._stream = stream
        self._shaper = shaper
        self._ordinal = ordinal
        self._seen = seen
        self._now = now
        self._truncated: Counter[str] = Counter()
        self._floor = self._late_before(sealed_before)
        self._keeps_pages = stream.storage.raw.enabled
        self._state_key = "/".join(
            map(
                str,
                (
                    request.plan.project,
                    request.workflow,
                    request.plan.connector_name,
                    stream.name,
                ),
            )
        )

    def shape(self, parsed: Sequence[Parsed]) -> LoadBatch:
        """The batch of some pages."""
        shaped = self._shaper.shape([one.page for one in parsed])
        self._truncated.update(shaped.truncated)
        metas = [one.segment.meta for one in parsed]
        rows, keys = self._on_time(shaped)
        repeated = self._seen.add(keys)
        pages = rows.column("_page").to_numpy()
        counts = self._counts(shaped, pages, repeated)
        return LoadBatch(
            rows=self._enveloped(rows, metas),
            starts=np.searchsorted(pages, np.arange(len(metas))),
            rejects=[self._reject(one, metas[one.page]) for one in shaped.rejections],
            ledger=[
                self._committed(meta, {name: int(count[place]) for name, count in counts.items()})
                for place, meta in enumerate(metas)
            ],
            raw=[self._raw(one.segment) for one in parsed] if self._keeps_pages else [],
            repeated=repeated is not None,
        )

    def warnings(self) -> list[RunWarning]:
        """What may be wrong with the rows of all pages so far."""
        return [
            RunWarning(WarningReason.TIMES_TRUNCATED, name, self._truncation(name), count)
            for name, count in self._truncated.items()
        ]

    def _truncation(self, name: str) -> str:
        unit = self._shaper.instant_units[name]
        return f"what is finer than a {unit} was cut off, as excess: truncate says"

    def _late_before(self, sealed_before: datetime | None) -> datetime | None:
        retention = self._stream.storage.retention
        cut = self._request.ingested_at - timedelta(days=retention.days) if retention else None
        known = [one for one in (cut, sealed_before) if one is not None]
        return max(known, default=None)

    def _on_time(self, shaped: ShapedBatch) -> tuple[pa.Table, list[str]]:
        time = self._shaper.schema.time_column
        if self._floor is None or time is None:
            return shaped.rows, shaped.keys
        floor = pa.scalar(self._floor, pa.timestamp("ms", tz="UTC"))
        mask = pc.greater_equal(shaped.rows.column(time), floor)
        return shaped.rows.filter(mask), list(compress(shaped.keys, mask.to_pylist()))

    def _counts(
        self, shaped: ShapedBatch, pages: npt.NDArray[np.uint32], repeated: Mask | None
    ) -> dict[str, Counts]:
        """What became of each page's records (INV-4)."""
        size = len(shaped.read)
        read, filtered = np.array(shaped.read), np.array(shaped.filtered)
        rejected = np.bincount([one.page for one in shaped.rejections], minlength=size)
        kept = np.bincount(pages, minlength=size)
        nothing = np.zeros(size, dtype=np.int64)
        duplicate = nothing if repeated is None else np.bincount(pages[repeated], minlength=size)
        return {
            "read": read,
            "loaded": kept - duplicate,
            "rejected": rejected,
            "duplicate": duplicate,
            "filtered": filtered,
            "late": np.bincount(shaped.rows.column("_page").to_numpy(), minlength=size) - kept,
        }

    def _enveloped(self, rows: pa.Table, metas: Sequence[SegmentMeta]) -> pa.Table:
        """The rows with their envelope and version."""
        count = rows.num_rows
        project = self._request.plan.project
        constants = {
            "type": self._shaper.schema.event_type,
            "tenant_id": project.tenant,
            "project_id": project.project,
            "run_id": self._request.run_id,
            "profile_digest": self._stream.normalizer_digest,
        }
        columns = {
            name: rows.column(name) for name in rows.column_names if not name.startswith("_")
        }
        columns |= {name: _constant(text, count) for name, text in constants.items()}
        columns["ingested_at"] = pa.repeat(
            pa.scalar(self._request.ingested_at, pa.timestamp("ms", tz="UTC")), count
        )
        places = rows.column("_page").to_numpy()
        # Two pages may be equal, and a dictionary holds a text once.
        columns["_page"] = pa.array([one.sha256 for one in metas]).dictionary_encode().take(places)
        columns["_record"] = rows.column("_index")
        columns["_ver"] = self._versions(rows, places, metas)
        columns["_deleted"] = pa.repeat(pa.scalar(0, pa.uint8()), count)
        return pa.table(columns)

    def _versions(
        self, rows: pa.Table, places: npt.NDArray[np.uint32], metas: Sequence[SegmentMeta]
    ) -> pa.ChunkedArray | pa.Array:
        if "_version" in rows.column_names:
            return rows.column("_version")
        versions = [row_version(self._ordinal, meta.number) for meta in metas]
        return pa.array(np.array(versions, dtype=np.uint64)[places])

    def _raw(self, segment: Segment) -> RawPage:
        meta = segment.meta
        run_id, moment = self._request.run_id, self._request.ingested_at
        return RawPage(meta.sha256, meta.stream, run_id, meta.number, moment, segment.body)

    def _reject(self, one: Rejection, meta: SegmentMeta) -> dict[str, object]:
        return {
            "run_id": self._request.run_id,
            "raw_ref": f"sha256:{meta.sha256}#{one.index}",
            "stream": meta.stream,
            "segment": meta.number,
            "reason": one.reason.value,
            "field": one.field,
            "path": one.path,
            "message": one.message,
            "record": one.record.decode("utf-8", "replace"),
            "profile_digest": self._stream.normalizer_digest,
            "ingested_at": self._request.ingested_at,
            "slice": "",
            "ordinal": self._ordinal,
        }

    def _committed(self, meta: SegmentMeta, counts: dict[str, int]) -> Committed:
        return Committed(
            dataset=self._stream.storage.dataset,
            run_id=self._request.run_id,
            stream=meta.stream,
            slice="",
            segment=meta.number,
            page=meta.number,
            attempt=self._request.attempt,
            ordinal=self._ordinal,
            state_key=self._state_key,
            page_sha256=meta.sha256,
            bytes=meta.size,
            position=json.dumps(meta.position),
            token_hash=meta.token_hash,
            committed_at=self._now(),
            **counts,
        )


def _constant(text: str, count: int) -> pa.Array:
    """One text for every row, stored once."""
    return pa.DictionaryArray.from_arrays(
        pa.repeat(pa.scalar(0, pa.int8()), count), pa.array([text], pa.string())
    )
