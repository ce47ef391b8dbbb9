"""Which slice asks for its next page when: pulling many slices without I/O.

The caller sends what ``next`` gives and answers each with ``received`` or ``failed``. Of each slice
one request is under way at a time, so its pages come in order; a slice that fails leaves the others
going.
"""

from collections import deque
from dataclasses import dataclass
from enum import Enum

from chartly.api.pagination import Pagination
from chartly.egress.ends import PageFacts
from chartly.egress.paging import PageRequest, Paging
from chartly.errors import ChartlyError, Reason, RunError
from chartly.slices import Position, PullState, Slice
from chartly.warning import RunWarning, WarningReason

ENDS_ALL = (Reason.TERMINATED, Reason.PEER_LOST)
"""What ends the connector, and not only the slice at whose page it was met."""


@dataclass(frozen=True)
class SliceRequest:
    """A page to ask for, of one slice."""

    slice: Slice
    page: PageRequest


class Idle(Enum):
    """Why there is no request."""

    WAIT = "wait"
    """Until a request that is under way has its answer."""
    OVER = "over"


@dataclass(frozen=True)
class PageReceipt:
    """A page's place in its slice and in the run.

    Attributes:
        position: where to go on after it; None after the last.
    """

    number: int
    page: int
    position: Position | None


@dataclass
class _Pull:
    """One slice that is being pulled."""

    slice: Slice
    paging: Paging
    page: int


class PullSchedule:
    """The course through the slices of a run.

    Args:
        max_concurrent: slices that are pulled side by side.
    """

    def __init__(self, pagination: Pagination, state: PullState, max_concurrent: int) -> None:
        self._pagination = pagination
        self._slices = state.slices
        self._max_concurrent = max_concurrent
        self._next_number = state.next_number
        self._waiting = deque(
            slice_ for slice_, start in state.slices.items() if not start.complete
        )
        self._ready: deque[_Pull] = deque()
        self._under_way: dict[Slice, _Pull] = {}
        self._complete = {slice_ for slice_, start in state.slices.items() if start.complete}
        self._errors: dict[Slice, ChartlyError] = {}
        self._warnings: dict[Slice, tuple[RunWarning, ...]] = {}

    def next(self) -> SliceRequest | Idle:
        """The next request to send.

        Raises:
            RunError: what ends all slices.
        """
        while True:
            self._open()
            if not self._ready:
                return Idle.WAIT if self._under_way else Idle.OVER
            pull = self._ready.popleft()
            try:
                request = pull.paging.request()
            except RunError as error:
                self._end(pull.slice, error)
                continue
            self._under_way[pull.slice] = pull
            return SliceRequest(pull.slice, request)

    def ends_with(self, slice_: Slice, status: int) -> bool:
        """Whether a status, as the answer to a slice's request, stands for the end of its pages."""
        return self._under_way[slice_].paging.ends_with(status)

    def hint(self, slice_: Slice, status: int) -> str:
        """What to write where a status may stand for the end of the pages; or nothing."""
        return self._under_way[slice_].paging.hint(status)

    def received(self, slice_: Slice, facts: PageFacts) -> PageReceipt:
        """Takes the answer to a slice's request.

        A loop or a limit ends the slice, and its page is good all the same.

        Raises:
            RunError: ``UpstreamUnavailable``: the page cannot be gone on from; the request is still
                under way, and the page may be asked for again. Also what ends all slices.
        """
        pull = self._under_way[slice_]
        try:
            pull.paging.advance(facts)
        except RunError as error:
            if error.reason is Reason.UPSTREAM_UNAVAILABLE:
                raise
            self._end(slice_, error)
        del self._under_way[slice_]
        receipt = PageReceipt(self._next_number, pull.page, pull.paging.position)
        self._next_number += 1
        pull.page += 1
        if slice_ not in self._errors:
            self._go_on(pull)
        return receipt

    def failed(self, slice_: Slice, error: ChartlyError) -> None:
        """Ends a slice whose request, or whose page, came to nothing."""
        self._under_way.pop(slice_, None)
        self._ready = deque(pull for pull in self._ready if pull.slice != slice_)
        self._errors[slice_] = error

    def stop(self, error: ChartlyError) -> None:
        """Ends every slice that has pages left."""
        for slice_ in self._slices.keys() - self._complete - self._errors.keys():
            self._errors[slice_] = error
        for queue in (self._waiting, self._ready, self._under_way):
            queue.clear()

    @property
    def ends(self) -> list[tuple[Slice, ChartlyError | None]]:
        """How each slice ended, in their order; to be asked when the schedule is over."""
        return [(slice_, self._errors.get(slice_)) for slice_ in self._slices]

    @property
    def warnings(self) -> list[RunWarning]:
        """What is to be said of the slices whose pages are all there.

        A slice of one page has no paging member to show; it is odd where no slice has one.
        """
        never_seen = WarningReason.PAGING_FIELD_NEVER_SEEN
        nowhere = all(
            never_seen in {warning.reason for warning in warnings}
            for warnings in self._warnings.values()
        )
        return [
            warning
            for warnings in self._warnings.values()
            for warning in warnings
            if nowhere or warning.reason is not never_seen
        ]

    def _open(self) -> None:
        """Opens slices up to the limit."""
        while self._waiting and len(self._ready) + len(self._under_way) < self._max_concurrent:
            slice_ = self._waiting.popleft()
            state = self._slices[slice_]
            try:
                paging = Paging(self._pagination, state.position, state.seen)
            except RunError as error:
                self._end(slice_, error)
                continue
            self._go_on(_Pull(slice_, paging, state.next_page))

    def _go_on(self, pull: _Pull) -> None:
        if pull.paging.is_over:
            self._complete.add(pull.slice)
            self._warnings[pull.slice] = pull.paging.warnings
        else:
            self._ready.append(pull)

    def _end(self, slice_: Slice, error: RunError) -> None:
        if error.reason in ENDS_ALL:
            raise error
        self._errors[slice_] = error
