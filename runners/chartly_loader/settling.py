"""The third phase of a load: corrections, checks and expiry, once all pages are committed."""

from dataclasses import replace
from datetime import datetime

from chartly.api.duration import parse_duration
from chartly.errors import RunError
from chartly.query.windows import window_of
from chartly.warning import RunWarning
from chartly_loader.closing_warnings import of_overlaps
from chartly_loader.count_checks import check_rejects, check_sums
from chartly_loader.load_context import LoadContext, LoadStream
from chartly_store.ledger import summed
from chartly_store.project_store import DatasetRow


def settle(context: LoadContext, stream: LoadStream) -> None:
    """Corrections, checks of the counts, and expiry.

    Raises:
        Bug: a record is not accounted for (INV-4).
        RunError: ``RejectThreshold``.
    """
    request, outcome = context.request, context.outcome
    outcome.corrected += stream.table.correct(request.run_id, request.ingested_at)
    outcome.warnings.extend(_never_matched(context, stream))
    slices = context.slice_totals()
    check_sums(slices)
    of_stream = {
        slice_: counts for slice_, counts in slices.items() if slice_.stream == stream.plan.name
    }
    totals = summed(of_stream.values())
    stream.table.of_run(request.run_id).check_complete()
    try:
        check_rejects(stream.plan, totals)
    except RunError as error:
        context.audit.too_many_rejects(stream.plan, totals, error.reason)
        raise
    stop = request.plan.connector.pagination.stop
    outcome.warnings.extend(of_overlaps(stop, totals["duplicate"]))
    context.audit.normalized(stream.plan, totals)
    _expire(context, stream)
    context.audit.dataset_updated(stream.plan, totals, of_stream)
    newest = stream.table.newest()
    if newest is not None:
        outcome.newest[stream.plan.storage.dataset] = newest


def _never_matched(context: LoadContext, stream: LoadStream) -> list[RunWarning]:
    """Warnings of mapped paths that matched no value, in any attempt of the run."""
    unmatched = stream.pages.unmatched
    if stream.resumed:
        rows = stream.table.of_run(context.request.run_id)
        for name in rows.with_values([*unmatched]):
            del unmatched[name]
    return [*unmatched.values()]


def _expire(context: LoadContext, stream: LoadStream) -> None:
    """Deletes expired rows, and seals their windows before: without the rows they would change."""
    newest = stream.table.newest_expired(context.request.ingested_at)
    if newest is not None:
        stream.row = _sealed(context, stream, newest)
        context.store.record(stream.row)
    stream.table.expire(context.request.ingested_at)


def _sealed(context: LoadContext, stream: LoadStream, newest: datetime) -> DatasetRow:
    """The dataset's record with all windows sealed that lose a row to expiry."""
    lengths = [
        parse_duration(query.spec.inputs.window)
        for query in context.request.plan.analytics
        if query.spec.inputs.dataset == stream.plan.storage.dataset
    ]
    ends = [window_of(newest, length).end for length in lengths]
    known = [end for end in (*ends, stream.row.sealed_before) if end is not None]
    return replace(stream.row, sealed_before=max(known, default=None))
