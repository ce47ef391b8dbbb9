"""Runs one load: its phases in their order, over one context."""

import pyarrow as pa

from chartly.errors import ChartlyError, Reason
from chartly_loader.ingesting import ingest
from chartly_loader.load_context import LoadContext
from chartly_loader.load_request import LoadRequest, LoadResult, Now, OnProgress
from chartly_loader.opening import open_streams
from chartly_loader.recording import record_end
from chartly_loader.rolling_up import roll_up
from chartly_loader.settling import settle
from chartly_store.engine_port import Engine


def load(request: LoadRequest, engine: Engine, on_progress: OnProgress, now: Now) -> LoadResult:
    """Loads the pages that the connector spools, and records the end of the attempt.

    A ``ChartlyError`` becomes the result's reason; the attempt is recorded either way.
    """
    context = LoadContext(request, engine, on_progress, now)
    try:
        _load(context)
        reason, message = Reason.SUCCEEDED, ""
    except ChartlyError as error:
        reason, message = error.reason, error.message
    return record_end(context, reason, message)


def _load(context: LoadContext) -> None:
    streams, state = open_streams(context)
    ingest(context, streams, state)
    # The following queries need the memory that the load has used.
    pa.default_memory_pool().release_unused()
    context.store.engine.release_unused()
    for stream in streams:
        context.check_turn()
        with context.timed("settle"):
            settle(context, stream)
        with context.timed("analytics"):
            roll_up(context, stream)
