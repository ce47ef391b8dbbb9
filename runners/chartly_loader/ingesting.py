"""The second phase of a load: commits the pages of the spool, and checks the connector's end."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing

import pyarrow as pa

from chartly.errors import Reason, RunError
from chartly.slices import PullState, Slice
from chartly_loader.load_context import LoadContext, LoadStream
from chartly_loader.opening import check_queries
from chartly_loader.page_intake import Lane, PageIntake
from chartly_loader.seen_keys import SeenKeys
from chartly_loader.shaping import Shaping
from chartly_spool.segment import End
from chartly_spool.spool_reader import SpoolReader


def ingest(context: LoadContext, streams: Sequence[LoadStream], state: PullState) -> None:
    """Commits every page that the connector pulls from the state on.

    Raises:
        RunError: with the connector's reason, where it failed; pages that arrived are committed.
    """
    with SpoolReader(context.request.spool, context.request.grace) as reader:
        check_queries(context, streams)
        reader.write_state(state)
        # pyarrow's first conversion of Python values takes 0.15 s where pandas is installed; the
        # first page takes as long to arrive.
        pa.array([0])
        with context.timed("load"):
            _run_intake(context, streams, reader)
        _check_end(context, reader.end, state.slices)


def _run_intake(context: LoadContext, streams: Sequence[LoadStream], reader: SpoolReader) -> None:
    with ExitStack() as stack:
        lanes = {
            stream.plan.name: _lane(context, stream, stack.enter_context(closing(SeenKeys())))
            for stream in streams
        }
        try:
            PageIntake(lanes, context.ledger, context.check_turn).run(reader, context.on_progress)
        finally:
            for lane in lanes.values():
                context.outcome.warnings.extend(lane.pages.duplicate_keys)
                context.outcome.warnings.extend(lane.shaping.warnings())


def _lane(context: LoadContext, stream: LoadStream, seen: SeenKeys) -> Lane:
    if stream.resumed:
        for keys in stream.table.of_run(context.request.run_id).committed_keys():
            seen.add(keys)
    shaping = Shaping(
        context.request,
        stream.plan,
        stream.shaper,
        context.attempt.ordinal,
        stream.row.sealed_before,
        seen,
        context.now,
    )
    return Lane(stream.pages, shaping, stream.schema, stream.table)


def _check_end(context: LoadContext, end: End | None, requested: Mapping[Slice, object]) -> None:
    if end is None:
        raise RunError(Reason.PEER_LOST, "the connector ended without saying how")
    context.outcome.counters = end.counters
    context.outcome.warnings.extend(end.warnings)
    context.audit.connector_ended(end)
    if end.reason is not Reason.SUCCEEDED:
        raise RunError(end.reason, end.message)
    ends = {ended.slice: ended.reason for ended in end.slices}
    for slice_ in requested:
        reason = ends.get(slice_)
        if reason is not Reason.SUCCEEDED:
            account = f"that it ended with {reason.value}" if reason else "nothing"
            raise RunError(
                Reason.PEER_LOST,
                f"the connector says that it succeeded, and of slice {str(slice_)!r} it says "
                f"{account}",
            )
