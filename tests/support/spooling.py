"""What the two sides of a spool say where a run is one plain slice."""

from chartly.errors import Reason
from chartly.plan.runplan import MAIN_STREAM
from chartly.slices import PullState, Slice, SliceState
from chartly_spool.segment import Counters, End, SliceEnd

MAIN = Slice(MAIN_STREAM)


def alone(state: SliceState | None = None) -> PullState:
    """The state of a run whose only slice is at ``state``."""
    start = state or SliceState()
    return PullState({MAIN: start}, start.next_page)


def ended(pages: int, reason: Reason = Reason.SUCCEEDED, message: str = "") -> End:
    """The end of its connector."""
    counters = Counters(pages=pages, requests=pages)
    slices = (SliceEnd(MAIN, pages, reason, message),)
    return End(pages, reason, message, counters, slices=slices)
