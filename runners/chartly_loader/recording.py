"""The last phase of a load: records the end of the attempt, in the audit trail and the store."""

import json
from collections.abc import Iterable, Iterator, Mapping

from chartly.errors import Reason
from chartly.plan.runplan import StreamPlan
from chartly.slices import Slice
from chartly.warning import RunWarning, merge_warnings, parse_warnings
from chartly_loader.load_context import LoadContext
from chartly_loader.load_request import EVIDENCE, LoadResult
from chartly_loader.recorded_result import record_of
from chartly_store.ledger import summed


def record_end(context: LoadContext, reason: Reason, message: str) -> LoadResult:
    """Records the end of an attempt; returns its result."""
    outcome = context.outcome
    slices = context.report(EVIDENCE)
    counts = {**summed(slices.values()), "corrected": outcome.corrected}
    warnings = merge_warnings((*_earlier_warnings(context), *outcome.warnings))
    context.audit.ended(reason, message, counts, warnings)
    result = LoadResult(
        reason=reason,
        message=message,
        counts=counts,
        counters=outcome.counters,
        outputs=tuple(outcome.outputs),
        audit_head=context.audit.head,
        audited=context.audit.reads_back(reason),
        seconds={name: round(value, 3) for name, value in outcome.seconds.items()},
        warnings=warnings,
        newest=outcome.newest,
        datasets=_by_dataset(context.request.plan.streams, slices),
    )
    record = json.dumps(record_of(result))
    context.attempts.finish(
        context.attempt, reason, message, record, result.audit_head, context.now()
    )
    return result


def _by_dataset(
    streams: Iterable[StreamPlan], slices: Mapping[Slice, Mapping[str, int]]
) -> dict[str, dict[str, int]]:
    return {
        stream.storage.dataset: summed(
            counts for slice_, counts in slices.items() if slice_.stream == stream.name
        )
        for stream in streams
    }


def _earlier_warnings(context: LoadContext) -> Iterator[RunWarning]:
    """The warnings of earlier attempts about the pages that they committed."""
    if context.request.attempt > 1:
        for attempt in context.attempts.of_run(context.request.run_id):
            yield from parse_warnings(attempt.outcome.get("warnings", []))
