"""The recorded results of attempts: a run that succeeded is reported again, not repeated."""

from contextlib import suppress
from dataclasses import asdict

from chartly.errors import Reason, RunError, recorded_reason
from chartly.slices import complete_state
from chartly.warning import parse_warnings, warning_documents
from chartly_loader.load_request import LoadRequest, LoadResult
from chartly_spool.segment import Counters
from chartly_spool.spool_reader import SpoolReader
from chartly_store.attempts import FINISHED, Attempt, Attempts
from chartly_store.engine_port import Engine
from chartly_store.project_store import ProjectStore
from chartly_store.rollup import RollupResult

_WAIT_SECONDS = 1.0


def record_of(result: LoadResult) -> dict[str, object]:
    """The members of an attempt's record that are no columns of the table."""
    return {
        "counts": result.counts,
        "counters": asdict(result.counters),
        "outputs": [asdict(output) for output in result.outputs],
        "audited": result.audited,
        "seconds": result.seconds,
        "warnings": warning_documents(result.warnings),
        "datasets": result.datasets,
    }


def result_of(attempt: Attempt) -> LoadResult:
    """The result that an attempt has recorded."""
    outcome = attempt.outcome
    reason, message = recorded_reason(attempt.reason, attempt.message)
    return LoadResult(
        reason=reason,
        message=message,
        counts=outcome["counts"],
        counters=Counters(**outcome["counters"]),
        outputs=tuple(RollupResult(**output) for output in outcome["outputs"]),
        audit_head=attempt.audit_head,
        audited=outcome["audited"],
        seconds=outcome["seconds"],
        warnings=parse_warnings(outcome.get("warnings", [])),
        datasets=outcome.get("datasets", {}),
    )


def earlier_success(request: LoadRequest, engine: Engine) -> LoadResult | None:
    """The result of the run, if an earlier attempt has recorded that it succeeded.

    Raises:
        RunError: ``Terminated``: this attempt is over, or another process is in it.
    """
    store = ProjectStore(engine, request.plan.project)
    store.create()
    attempts = Attempts(store).of_run(request.run_id)
    for attempt in attempts:
        if attempt.state == FINISHED and attempt.reason == Reason.SUCCEEDED:
            return result_of(attempt)
    last = max((attempt.attempt for attempt in attempts), default=0)
    if last >= request.attempt:
        raise RunError(
            Reason.TERMINATED,
            f"attempt {request.attempt} of run {request.run_id!r} is over: attempt {last} has "
            f"begun before",
        )
    return None


def dismiss_connector(request: LoadRequest) -> None:
    """Writes a state without open slices for the connector, and waits until it has ended.

    The reason of its end is ignored.
    """
    with suppress(RunError), SpoolReader(request.spool, request.grace) as reader:
        reader.write_state(complete_state(request.plan.slices))
        while reader.end is None:
            reader.next_segments(1, 1, _WAIT_SECONDS)
