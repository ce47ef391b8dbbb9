"""The first phase of a load: creates or alters the tables, and checks the queries."""

from collections.abc import Sequence

from chartly.extract.observed import ObservedReader
from chartly.extract.pages import compile_reader
from chartly.extract.shaper import compile_shaper
from chartly.plan.runplan import StreamPlan
from chartly.slices import PullState
from chartly_loader.load_context import LoadContext, LoadStream
from chartly_store.event_table import EventTable
from chartly_store.rollup import Rollup


def open_streams(context: LoadContext) -> tuple[list[LoadStream], PullState]:
    """Opens the plan's streams, each with its dataset; returns the state to continue from, too."""
    streams = [_opened(context, plan) for plan in context.request.plan.streams]
    state = context.resume()
    resumed = {slice_.stream for slice_, start in state.slices.items() if start.next_page}
    for stream in streams:
        stream.resumed = stream.plan.name in resumed
    return streams, state


def check_queries(context: LoadContext, streams: Sequence[LoadStream]) -> None:
    """Raises where the engine refuses a query, before the connector sends any request."""
    times = {stream.plan.storage.dataset: stream.schema.time_column for stream in streams}
    for query in context.request.plan.analytics:
        time = times[query.spec.inputs.dataset]
        if time is not None:
            Rollup(context.store, query.spec, time).check(query.text_place)


def _opened(context: LoadContext, plan: StreamPlan) -> LoadStream:
    shaper = compile_shaper(plan.normalizer, plan.storage)
    row = context.store.ensure_dataset(
        shaper.schema, plan.storage, context.request.workflow, context.check_turn
    )
    table = EventTable(context.store, shaper.schema, plan.storage)
    connector = context.request.plan.connector
    pages = compile_reader(
        connector.records, connector.pagination.mode, plan.normalizer, plan.storage
    )
    return LoadStream(plan, ObservedReader(pages), shaper, table, row)
