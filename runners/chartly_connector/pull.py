"""One pull: from the loader's state to the last page of each slice, through the spool."""

import logging
from collections import Counter
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from chartly.egress.pull_schedule import ENDS_CONNECTOR, PageReceipt, PullSchedule, SliceRequest
from chartly.egress.pull_verdict import verdict
from chartly.egress.stop_rules import PageFacts
from chartly.errors import Bug, ChartlyError, Reason, RunError
from chartly.extract.peek import Peek
from chartly.plan.runplan import RunPlan
from chartly.slices import PullState, Slice
from chartly.warning import merge_warnings
from chartly_connector.egress_client import EgressClient, Expectation, PullClock, Response, Traffic
from chartly_spool.segment import Counters, End, SegmentMeta, SliceEnd, digest
from chartly_spool.spool_writer import DEFAULT_LIMIT, SpoolWriter

_LOG = logging.getLogger(__name__)
_MAX_CONCURRENT = 1
"""Slices that are pulled concurrently: one thread sends one request at a time."""
_MESSAGE = 1000
"""Characters of a slice's message in the end."""


@dataclass(frozen=True)
class Spooling:
    """The spool of a pull.

    Attributes:
        limit: bytes of pages that the loader has not removed.
        grace: seconds to wait for the loader's state.
    """

    path: Path
    limit: int = DEFAULT_LIMIT
    grace: float = 60.0


class Pull:
    """The pull of one connector over the pages of its slices."""

    def __init__(
        self,
        plan: RunPlan,
        client: EgressClient,
        writer: SpoolWriter,
        clock: PullClock,
        state: PullState,
    ) -> None:
        self._spec = plan.connector
        self._client = client
        self._writer = writer
        self._clock = clock
        self._started = clock.monotonic()
        self._peek = Peek(plan.connector.records, plan.connector.pagination)
        self._pages: Counter[Slice] = Counter()
        self.schedule = PullSchedule(plan.connector.pagination, state, _MAX_CONCURRENT)

    @property
    def pages(self) -> int:
        """The number of written pages."""
        return self._pages.total()

    @property
    def ends(self) -> tuple[SliceEnd, ...]:
        """How each slice ended."""
        return tuple(
            SliceEnd(
                slice_,
                self._pages[slice_],
                error.reason if error else Reason.SUCCEEDED,
                self._client.redacted(error.message)[:_MESSAGE] if error else "",
            )
            for slice_, error in self.schedule.ends
        )

    def run(self) -> None:
        """Pulls every page from the state on.

        Raises:
            RunError: an error that ends all slices, such as a full spool; written pages stay.
        """
        while isinstance(request := self.schedule.next(), SliceRequest):
            if self._is_late:
                self.schedule.stop(self._late())
            else:
                self._pull_page(request)
        self._client.traffic.warnings.extend(self.schedule.warnings)

    def _pull_page(self, request: SliceRequest) -> None:
        """Fetches and writes a page; an error ends its slice."""
        try:
            meta, body = self._fetch(request)
        except RunError as error:
            self.schedule.failed(request.slice, error)
            if error.reason in ENDS_CONNECTOR:
                raise
            return
        try:
            self._write(meta, body)
        except ChartlyError as error:
            # The slice may end with this page, and yet the page is lost.
            self.schedule.failed(request.slice, error)
            raise

    def _fetch(self, request: SliceRequest) -> tuple[SegmentMeta, bytes]:
        page = request.page
        target = self._client.page_target(page.query)
        if page.link is not None:
            target = self._client.link_target(page.link, target)
        slice_, schedule = request.slice, self.schedule
        expected = Expectation(partial(schedule.ends_with, slice_), partial(schedule.hint, slice_))
        response, (records, receipt) = self._client.fetch(
            target, partial(self._accept, request), expected
        )
        return self._meta(request, response, records, receipt), response.body

    def _accept(self, request: SliceRequest, response: Response) -> tuple[int, PageReceipt]:
        """Moves the schedule past a page; returns its number of records and its receipt.

        Raises:
            RunError: it is no page, or has no usable position of the next one; the schedule has
                not moved.
        """
        page = self._peek.page(response.body)
        facts = PageFacts(
            page.size,
            page.members,
            response.headers,
            page.digest,
            response.target.url,
            self.schedule.ends_with(request.slice, response.status),
        )
        return page.records, self.schedule.received(request.slice, facts)

    def _meta(
        self, request: SliceRequest, response: Response, records: int, receipt: PageReceipt
    ) -> SegmentMeta:
        return SegmentMeta(
            number=receipt.number,
            slice=request.slice,
            page=receipt.page,
            size=len(response.body),
            sha256=digest(response.body),
            url=self._client.redacted(response.target.public),
            status=response.status,
            records=records,
            position=receipt.position,
            token_hash=request.page.token_hash,
        )

    def _write(self, meta: SegmentMeta, body: bytes) -> None:
        waited = self._writer.write(meta, body)
        self._client.traffic.throttled_seconds += waited
        self._pages[meta.slice] += 1
        slice_ = "" if meta.slice.is_plain else f" of {meta.slice}"
        _LOG.info("page %d%s: %d records from %s", meta.page, slice_, meta.records, meta.url)

    @property
    def _is_late(self) -> bool:
        return self._clock.monotonic() - self._started > self._spec.max_run_seconds

    def _late(self) -> RunError:
        return RunError(
            Reason.LIMIT_REACHED,
            f"maxRunSeconds {self._spec.max_run_seconds} is reached and the API has more",
        )


def pull(plan: RunPlan, client: EgressClient, spool: Spooling, clock: PullClock) -> End:
    """Pulls every page, and writes the end into the spool."""
    with SpoolWriter(spool.path, spool.limit) as writer:
        started: Pull | None = None
        try:
            state = writer.wait_for_state(spool.grace)
            started = Pull(plan, client, writer, clock, state)
            started.run()
            reason, message = verdict(started.schedule.ends)
        except ChartlyError as error:
            reason, message = _stopped(started, error)
        except Exception as error:  # noqa: BLE001 - the loader reads the end, whatever failed
            _LOG.exception("this is a bug in Chartly")
            message = f"the connector met {type(error).__name__}; its log has the details"
            reason, message = _stopped(started, Bug(message))
        end = _end(started, client, reason, client.redacted(message))
        writer.end(end)
        return end


def _stopped(started: Pull | None, error: ChartlyError) -> tuple[Reason, str]:
    """The end of an interrupted pull: every slice with pages left ends by the same error."""
    if started is not None:
        started.schedule.stop(error)
    return error.reason, error.message


def _end(started: Pull | None, client: EgressClient, reason: Reason, message: str) -> End:
    pages = started.pages if started else 0
    warnings = merge_warnings(
        replace(warning, message=client.redacted(warning.message))
        for warning in client.traffic.warnings
    )
    slices = started.ends if started else ()
    return End(pages, reason, message, counters(pages, client.traffic), warnings, slices)


def counters(pages: int, traffic: Traffic) -> Counters:
    """The traffic in the form of the spool's end."""
    return Counters(
        pages=pages,
        requests=traffic.requests,
        retries=traffic.retries,
        bytes=traffic.bytes,
        throttled_seconds=round(traffic.throttled_seconds, 3),
        codes=dict(traffic.codes),
    )
