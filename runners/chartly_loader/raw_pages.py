"""The rows of pages as received."""

from collections.abc import Sequence

from chartly_loader.load_request import LoadRequest
from chartly_spool.segment import Segment
from chartly_store.raw_page_table import RawPage


def raw_pages(request: LoadRequest, segments: Sequence[Segment]) -> list[RawPage]:
    """The rows of pages; a page that another attempt receives again is the same row."""
    return [
        RawPage(
            meta.sha256,
            meta.slice.stream,
            request.run_id,
            meta.number,
            request.ingested_at,
            segment.body,
            meta.slice.key,
        )
        for segment in segments
        for meta in (segment.meta,)
    ]
