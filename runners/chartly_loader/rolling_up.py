"""The fourth phase of a load: runs the analytics queries over the written datasets."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

from chartly.api.duration import parse_duration
from chartly.errors import Reason, RunError
from chartly.plan.runplan import AnalyticsPlan
from chartly.query.windows import windows_between
from chartly_loader.closing_warnings import of_sealed_windows
from chartly_loader.load_context import LoadContext, LoadStream
from chartly_loader.load_request import ANALYTICS
from chartly_store.rollup import Publisher, Rollup, RollupResult


def roll_up(context: LoadContext, stream: LoadStream) -> None:
    """Publishes every query that reads the stream's dataset."""
    for query in context.request.plan.analytics:
        if query.spec.inputs.dataset == stream.plan.storage.dataset:
            context.report(ANALYTICS)
            with _named(query):
                result = _published(context, query, stream)
            context.outcome.outputs.append(result)
            context.outcome.warnings.extend(of_sealed_windows(result))
            context.audit.rolled_up(query.digest, result)


def _published(context: LoadContext, query: AnalyticsPlan, stream: LoadStream) -> RollupResult:
    request, time_column = context.request, stream.schema.time_column
    if time_column is None:
        raise RunError(Reason.CONFIG_INVALID, f"{stream.plan.storage.dataset}: has no time column")
    context.check_turn()
    layout = json.dumps({"window": query.spec.inputs.window})
    context.store.claim(query.spec.outputs.dataset, request.workflow, layout)
    rollup = Rollup(context.store, query.spec, time_column)
    # Read before the windows: an attempt that ends meanwhile may leave rows in other windows.
    rivals = tuple(context.fence.rivals())
    windows = (
        rollup.touched(query.digest)
        if request.window is None
        else windows_between(*request.window, parse_duration(query.spec.inputs.window))
    )
    publisher = Publisher(context.attempt.ordinal, request.run_id, query.digest, rivals)
    complete = request.window is None
    return rollup.publish(windows, publisher, stream.row.sealed_before, complete=complete)


@contextmanager
def _named(query: AnalyticsPlan) -> Iterator[None]:
    """Puts the profile's reference before an error of its output."""
    try:
        yield
    except RunError as error:
        if error.reason is not Reason.OUTPUT_CONTRACT:
            raise
        raise RunError(error.reason, f"{query.reference.profile}: {error.message}") from None
