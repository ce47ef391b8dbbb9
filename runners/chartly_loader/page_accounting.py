"""Accounts for the records of pages: counts, rejects, and the pages' entries in the ledger."""

import json
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from chartly.extract.reject import Rejection
from chartly.extract.shaper import ShapedBatch
from chartly.plan.runplan import StreamPlan
from chartly_loader.load_request import LoadRequest, Now
from chartly_loader.seen_keys import Mask
from chartly_spool.segment import SegmentMeta
from chartly_store.ledger import CommittedPage

Places = npt.NDArray[np.uint32]
"""For each row, the position of its page in the batch."""


class PageAccounting:
    """The accounts of one stream of one attempt."""

    def __init__(self, request: LoadRequest, stream: StreamPlan, ordinal: int, now: Now) -> None:
        self._request = request
        self._stream = stream
        self._ordinal = ordinal
        self._now = now

    def entries(
        self,
        metas: Sequence[SegmentMeta],
        shaped: ShapedBatch,
        kept: Places,
        repeated: Mask | None,
    ) -> list[CommittedPage]:
        """The ledger's entries of pages.

        Args:
            kept: the pages of the rows that are not late.
            repeated: a mask of those whose key the run has loaded before.
        """
        counts = _counts(shaped, kept, repeated)
        return [
            self._committed(meta, {name: int(count[place]) for name, count in counts.items()})
            for place, meta in enumerate(metas)
        ]

    def reject(self, rejection: Rejection, meta: SegmentMeta) -> dict[str, object]:
        """The row of a rejected record."""
        return {
            "run_id": self._request.run_id,
            "raw_ref": f"sha256:{meta.sha256}#{rejection.index}",
            "stream": meta.slice.stream,
            "segment": meta.number,
            "reason": rejection.reason.value,
            "field": rejection.field,
            "path": rejection.path,
            "message": rejection.message,
            "record": rejection.record.decode("utf-8", "replace"),
            "profile_digest": self._stream.normalizer_digest,
            "ingested_at": self._request.ingested_at,
            "slice": meta.slice.key,
            "ordinal": self._ordinal,
        }

    def _committed(self, meta: SegmentMeta, counts: dict[str, int]) -> CommittedPage:
        return CommittedPage(
            dataset=self._stream.storage.dataset,
            run_id=self._request.run_id,
            stream=meta.slice.stream,
            slice=meta.slice.key,
            segment=meta.number,
            page=meta.page,
            index=0,
            attempt=self._request.attempt,
            ordinal=self._ordinal,
            page_sha256=meta.sha256,
            bytes=meta.size,
            position=json.dumps(meta.position),
            token_hash=meta.token_hash,
            committed_at=self._now(),
            **counts,
        )


def _counts(
    shaped: ShapedBatch, kept: Places, repeated: Mask | None
) -> dict[str, npt.NDArray[np.int64]]:
    """The counts of each page's records by outcome (INV-4)."""
    size = len(shaped.read)
    rejected = np.bincount([rejection.page for rejection in shaped.rejections], minlength=size)
    in_time = np.bincount(kept, minlength=size)
    none = np.zeros(size, dtype=np.int64)
    duplicate = none if repeated is None else np.bincount(kept[repeated], minlength=size)
    return {
        "read": np.array(shaped.read),
        "loaded": in_time - duplicate,
        "rejected": rejected,
        "duplicate": duplicate,
        "filtered": np.array(shaped.filtered),
        "late": np.bincount(shaped.rows.column("_page").to_numpy(), minlength=size) - in_time,
    }
