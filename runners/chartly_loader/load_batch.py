"""Batches: pages that are committed together, and the rule for where a batch ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from chartly.api.event_schema import EventSchema
from chartly_store.ledger import CommittedPage
from chartly_store.raw_page_table import RawPage

MOST_ROWS = 128 * 1024
"""Rows above which a batch is committed whole, with no page left to the next one."""
LARGEST_ROWS = 512 * 1024
"""Rows above which a batch is committed, however many partitions they are scattered over."""
ROWS_A_PART = 8 * 1024
"""Rows below which a part costs more than its rows: it has files, and is merged again."""


@dataclass(frozen=True)
class LoadBatch:
    """Rows, rejects and ledger entries of some pages, in the order of the pages.

    Attributes:
        starts: where each page's rows begin in ``rows``.
        raw: the pages as received; empty where the dataset does not keep them.
        repeated: whether rows of the batch may share a key.
    """

    rows: pa.Table
    starts: npt.NDArray[np.int64]
    rejects: list[dict[str, object]]
    ledger: list[CommittedPage]
    raw: list[RawPage]
    repeated: bool

    def split(self, page: int) -> tuple[LoadBatch, LoadBatch]:
        """The batch of the pages before ``page``, and that of the others."""
        row = int(self.starts[page])
        number = self.ledger[page].segment
        early = [reject for reject in self.rejects if int(str(reject["segment"])) < number]
        return (
            LoadBatch(
                self.rows.slice(0, row),
                self.starts[:page],
                early,
                self.ledger[:page],
                self.raw[:page],
                self.repeated,
            ),
            LoadBatch(
                self.rows.slice(row),
                self.starts[page:] - row,
                self.rejects[len(early) :],
                self.ledger[page:],
                self.raw[page:],
                self.repeated,
            ),
        )


def joined(parts: Sequence[LoadBatch]) -> LoadBatch:
    """Joins batches in their order."""
    if len(parts) == 1:
        return parts[0]
    offsets = np.cumsum([0, *(part.rows.num_rows for part in parts)])
    return LoadBatch(
        rows=pa.concat_tables([part.rows for part in parts]).unify_dictionaries(),
        starts=np.concatenate(
            [part.starts + offset for part, offset in zip(parts, offsets, strict=False)]
        ),
        rejects=[reject for part in parts for reject in part.rejects],
        ledger=[page for part in parts for page in part.ledger],
        raw=[page for part in parts for page in part.raw],
        repeated=any(part.repeated for part in parts),
    )


def cut(batch: LoadBatch, schema: EventSchema) -> tuple[LoadBatch | None, LoadBatch | None]:
    """Cuts a batch in the part to commit now, and the part that waits for the next pages.

    Rows that are scattered over many partitions wait; otherwise the rows of the last partition do,
    where it begins with a page.
    """
    rows = batch.rows.num_rows
    if schema.time_column is None or not rows or rows > LARGEST_ROWS:
        return batch, None
    times = batch.rows.column(schema.time_column)
    floors = pc.floor_temporal(times, unit=schema.granularity or "day")
    partitions = floors.cast(pa.int64()).to_numpy()
    if rows < ROWS_A_PART * len(np.unique(partitions)):
        return None, batch
    place = _last_cut(batch, partitions) if rows <= MOST_ROWS else None
    return (batch, None) if place is None else batch.split(place)


def _last_cut(batch: LoadBatch, partitions: npt.NDArray[np.int64]) -> int | None:
    """The last page whose rows, and all after it, lie in later partitions than all before it.

    None where no page is such, as when pages come in no order of time.
    """
    filled = np.flatnonzero(np.diff(np.append(batch.starts, len(partitions))))
    starts = batch.starts[filled]
    before = np.maximum.accumulate(np.maximum.reduceat(partitions, starts))[:-1]
    after = np.minimum.accumulate(np.minimum.reduceat(partitions, starts)[::-1])[::-1][1:]
    cuts = np.flatnonzero(before < after)
    return int(filled[cuts[-1] + 1]) if len(cuts) else None


def settled(batch: LoadBatch, schema: EventSchema) -> LoadBatch:
    """The batch without rows of equal key and version, between which the engine would choose.

    Within a page the last row of a key wins; an earlier one with another time becomes a tombstone,
    so that both windows count as touched. With a version field, equal versions may occur in any
    page, so that only rows of equal time are reduced to one: of several times the later wins, in
    whatever batch (``EventTable.correct``).
    """
    if not batch.repeated:
        return batch
    rows, time = batch.rows, schema.time_column
    keys = _codes(rows.column("event_key"))
    versions = rows.column("_ver").to_numpy()
    moments = rows.column(time).cast(pa.int64()).to_numpy() if time else np.zeros_like(keys)
    distinct = _last_of(keys, versions, moments)
    winners = distinct if schema.version_field else _last_of(keys, versions)
    kept = rows.filter(pa.array(distinct))
    deleted = pa.array((~winners[distinct]).astype(np.uint8))
    place = kept.schema.get_field_index("_deleted")
    return replace(batch, rows=kept.set_column(place, "_deleted", deleted))


def _codes(column: pa.ChunkedArray) -> npt.NDArray[np.int64]:
    """A number for each text, equal for equal texts."""
    codes: npt.NDArray[np.int64] = (
        column.combine_chunks().dictionary_encode().indices.to_numpy().astype(np.int64)
    )
    return codes


def _last_of(*columns: npt.NDArray[np.generic]) -> npt.NDArray[np.bool_]:
    """A mask of the rows that no later row equals in all columns."""
    order = np.lexsort(columns)
    last = np.zeros(len(order), dtype=np.bool_)
    last[-1:] = True
    for column in columns:
        inorder = column[order]
        last[:-1] |= inorder[1:] != inorder[:-1]
    mask = np.empty_like(last)
    mask[order] = last
    return mask
