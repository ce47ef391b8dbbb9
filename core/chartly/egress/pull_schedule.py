"""The schedule of a pull of many slices, without I/O.

The caller sends each request that ``next`` returns and reports its result with ``received`` or
``failed``. A slice has one request under way at a time, so its pages come in order; the failure of
one slice does not stop the others.
"""

from collections import deque
from dataclasses import dataclass
from enum import Enum

from chartly.api.pagination import Pagination
from chartly.egress.paging import PageRequest, Paging
from chartly.egress.stop_rules import PageFacts
from chartly.errors import ChartlyError, Reason, RunError
from chartly.slices import Position, PullState, Slice
from chartly.warning import RunWarning, WarningReason

ENDS_CONNECTOR = (Reason.TERMINATED, Reason.PEER_LOST)
"""Reasons that end the connector, and not only the slice of the request."""


@dataclass(frozen=True)
class SliceRequest:
    """A request for the next page of a slice."""

    slice: Slice
    page: PageRequest


class Idle(Enum):
    """The reason that there is no request."""

    WAIT = "wait"
    """A request under way has no response yet."""
    OVER = "over"


@dataclass(frozen=True)
class PageReceipt:
    """A page's place in its slice and in the run.

    Attributes:
        position: where to continue after it; None after the last.
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
    """The state of a run's pull over all its slices.

    Args:
        max_concurrent: slices that are pulled at the same time.
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
            RunError: a reason of ``ENDS_CONNECTOR``.
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
        """Whether a status, as the response to a slice's request, means the end of its pages."""
        return self._under_way[slice_].paging.ends_with(status)

    def hint(self, slice_: Slice, status: int) -> str:
        """The setting to suggest where a status may mean the end of the pages; or empty."""
        return self._under_way[slice_].paging.hint(status)

    def received(self, slice_: Slice, facts: PageFacts) -> PageReceipt:
        """Records the page of a slice's request.

        A loop or a limit ends the slice; its page is valid all the same.

        Raises:
            RunError: ``UpstreamUnavailable``: the page has no usable next page; the request is
                still under way, and may be sent again. Also a reason of ``ENDS_CONNECTOR``.
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
            self._continue(pull)
        return receipt

    def failed(self, slice_: Slice, error: ChartlyError) -> None:
        """Ends a slice whose request or page failed."""
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
        """How each slice ended, in their order; complete once ``next`` returns ``OVER``."""
        return [(slice_, self._errors.get(slice_)) for slice_ in self._slices]

    @property
    def warnings(self) -> list[RunWarning]:
        """The warnings about the slices that are complete.

        A slice of one page may lack the paging member; the warning is for where no slice has it.
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
            self._continue(_Pull(slice_, paging, state.next_page))

    def _continue(self, pull: _Pull) -> None:
        if pull.paging.is_over:
            self._complete.add(pull.slice)
            self._warnings[pull.slice] = pull.paging.warnings
        else:
            self._ready.append(pull)

    def _end(self, slice_: Slice, error: RunError) -> None:
        if error.reason in ENDS_CONNECTOR:
            raise error
        self._errors[slice_] = error
