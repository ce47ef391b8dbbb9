"""Shapes parsed pages into a batch of rows with their envelope."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import compress

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from chartly.extract.pages import Page
from chartly.extract.shaper import ShapedBatch, Shaper
from chartly.load.versions import row_version
from chartly.plan.runplan import StreamPlan
from chartly.warning import RunWarning, WarningReason
from chartly_loader.load_batch import LoadBatch
from chartly_loader.load_request import LoadRequest, Now
from chartly_loader.page_accounting import PageAccounting
from chartly_loader.raw_pages import raw_pages
from chartly_loader.seen_keys import SeenKeys
from chartly_spool.segment import Segment, SegmentMeta


class Shaping:
    """Shapes the pages of one stream of one attempt.

    Args:
        sealed_before: the end of the newest sealed window, before which rows are late.
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
        self._accounting = PageAccounting(request, stream, ordinal, now)
        self._truncated: Counter[str] = Counter()
        self._floor = self._late_before(sealed_before)
        self._keeps_pages = stream.storage.raw.enabled

    def shape(self, pages: Sequence[tuple[Segment, Page]]) -> LoadBatch:
        """Shapes pages into a batch."""
        shaped = self._shaper.shape([page for _, page in pages])
        self._truncated.update(shaped.truncated)
        segments = [segment for segment, _ in pages]
        metas = [segment.meta for segment in segments]
        rows, keys = self._on_time(shaped)
        repeated = self._seen.add(keys)
        places = rows.column("_page").to_numpy()
        return LoadBatch(
            rows=self._enveloped(rows, metas),
            starts=np.searchsorted(places, np.arange(len(metas))),
            rejects=[
                self._accounting.reject(rejection, metas[rejection.page])
                for rejection in shaped.rejections
            ],
            ledger=self._accounting.entries(metas, shaped, places, repeated),
            raw=raw_pages(self._request, segments) if self._keeps_pages else [],
            repeated=repeated is not None,
        )

    def warnings(self) -> list[RunWarning]:
        """The warnings about the rows of all pages so far."""
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
        known = [floor for floor in (cut, sealed_before) if floor is not None]
        return max(known, default=None)

    def _on_time(self, shaped: ShapedBatch) -> tuple[pa.Table, list[str]]:
        time = self._shaper.schema.time_column
        if self._floor is None or time is None:
            return shaped.rows, shaped.keys
        floor = pa.scalar(self._floor, pa.timestamp("us", tz="UTC"))
        mask = pc.greater_equal(shaped.rows.column(time), floor)
        return shaped.rows.filter(mask), list(compress(shaped.keys, mask.to_pylist()))

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
        columns |= {name: _constant(value, count) for name, value in constants.items()}
        columns["ingested_at"] = pa.repeat(
            pa.scalar(self._request.ingested_at, pa.timestamp("ms", tz="UTC")), count
        )
        places = rows.column("_page").to_numpy()
        # Two pages may be equal, and a dictionary holds a text once.
        columns["_page"] = (
            pa.array([meta.sha256 for meta in metas]).dictionary_encode().take(places)
        )
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


def _constant(value: str, count: int) -> pa.Array:
    """The same text for every row, stored once."""
    return pa.DictionaryArray.from_arrays(
        pa.repeat(pa.scalar(0, pa.int8()), count), pa.array([value], pa.string())
    )
