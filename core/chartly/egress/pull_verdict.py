"""The reason of a pull, derived from the ends of its slices."""

from collections.abc import Sequence

from chartly.errors import REASONS, ChartlyError, Reason, Retry
from chartly.slices import Slice

_MOST_RETRYABLE = (Retry.FREE, Retry.RETRY, Retry.NEVER)


def verdict(ends: Sequence[tuple[Slice, ChartlyError | None]]) -> tuple[Reason, str]:
    """The reason and message of a pull: those of the failed slice that a retry helps most."""
    failed = [(slice_, error) for slice_, error in ends if error is not None]
    if not failed:
        return Reason.SUCCEEDED, ""
    worst, error = min(failed, key=lambda end: _MOST_RETRYABLE.index(REASONS[end[1].reason].retry))
    if len(ends) == 1:
        return error.reason, error.message
    return error.reason, f"{worst}: {error.message} ({len(failed)} of {len(ends)} slices failed)"
