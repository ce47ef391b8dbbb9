"""One pull: from the loader's state to the last page, through the spool."""

import logging
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from chartly.egress.ends import PageFacts
from chartly.egress.paging import Paging
from chartly.errors import ChartlyError, Reason, RunError
from chartly.extract.peek import Peek
from chartly.plan.runplan import MAIN_STREAM, RunPlan
from chartly.warning import merged
from chartly_connector.client import EgressClient, Expectation, PullClock, Response, Traffic
from chartly_spool.segment import Counters, End, SegmentMeta, StreamState, digest
from chartly_spool.writer import DEFAULT_LIMIT, SpoolWriter

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Spooling:
    """Where pages go.

    Attributes:
        limit: bytes that may wait there.
        grace: seconds to wait until the loader says where to start.
    """

    path: Path
    limit: int = DEFAULT_LIMIT
    grace: float = 60.0


class Pull:
    """The course of one connector through its pages."""

    def __init__(
        self, plan: RunPlan, client: EgressClient, writer: SpoolWriter, clock: PullClock
    ) -> None:
        self._spec = plan.connector
        self._client = client
        self._writer = writer
        self._clock = clock
        self._started = clock.monotonic()
        self._peek = Peek(plan.connector.records, plan.connector.pagination)
        self.pages = 0

    def run(self, state: StreamState) -> None:
        """Pulls every page from ``state`` on.

        Raises:
            RunError: what ended it early; pages that were written stay.
        """
        if state.complete:
            return
        paging = Paging(self._spec.pagination, state.position, state.seen)
        number = state.next_number
        while not paging.is_over:
            self._check_time()
            self._take(paging, number)
            number += 1
        self._client.traffic.warnings.extend(paging.warnings)

    def _take(self, paging: Paging, number: int) -> None:
        """Fetches and writes the page where ``paging`` is."""
        request = paging.request()
        target = self._client.page_target(request.query)
        if request.link is not None:
            target = self._client.link_target(request.link, target)
        expected = Expectation(paging.ends_with, paging.hint)
        accept = partial(self._accept, paging)
        response, (records, failure) = self._client.fetch(target, accept, expected)
        meta = self._meta(number, response, records, request.token_hash)
        self._write(replace(meta, position=paging.position), response.body)
        if failure is not None:
            raise failure

    def _accept(self, paging: Paging, response: Response) -> tuple[int, RunError | None]:
        """How many records a page has, and what of it ends the run; paging is behind it then.

        Raises:
            RunError: it is no page, or does not say how to go on; paging is where it was.
        """
        page = self._peek.page(response.body)
        facts = PageFacts(
            page.size,
            page.members,
            response.headers,
            page.digest,
            response.target.url,
            paging.ends_with(response.status),
        )
        return page.records, _advance(paging, facts)

    def _write(self, meta: SegmentMeta, body: bytes) -> None:
        waited = self._writer.write(meta, body)
        self._client.traffic.throttled_seconds += waited
        self.pages += 1
        _LOG.info("page %d: %d records from %s", meta.number, meta.records, meta.url)

    def _meta(self, number: int, response: Response, records: int, token_hash: str) -> SegmentMeta:
        return SegmentMeta(
            number=number,
            stream=MAIN_STREAM,
            size=len(response.body),
            sha256=digest(response.body),
            url=self._client.redacted(response.target.public),
            status=response.status,
            records=records,
            position=None,
            token_hash=token_hash,
        )

    def _check_time(self) -> None:
        if self._clock.monotonic() - self._started > self._spec.max_run_seconds:
            raise RunError(
                Reason.LIMIT_REACHED,
                f"maxRunSeconds {self._spec.max_run_seconds} is reached and the API has more",
            )


def pull(plan: RunPlan, client: EgressClient, spool: Spooling, clock: PullClock) -> End:
    """Pulls everything and says in the spool how it ended."""
    with SpoolWriter(spool.path, spool.limit) as writer:
        course: Pull | None = None
        try:
            state = writer.wait_for_state(spool.grace)
            course = Pull(plan, client, writer, clock)
            course.run(state.streams.get(MAIN_STREAM, StreamState()))
            reason, message = Reason.SUCCEEDED, ""
        except ChartlyError as error:
            reason, message = error.reason, client.redacted(error.message)
        except Exception as error:  # noqa: BLE001 - the loader has to be told, whatever it is
            _LOG.exception("this is a bug in Chartly")
            reason = Reason.INTERNAL_ERROR
            message = f"the connector met {type(error).__name__}; its log has the details"
        pages = course.pages if course else 0
        warnings = merged(
            replace(warning, message=client.redacted(warning.message))
            for warning in client.traffic.warnings
        )
        end = End(pages, reason, message, counters(pages, client.traffic), warnings)
        writer.end(end)
        return end


def counters(pages: int, traffic: Traffic) -> Counters:
    """The traffic in the form that the spool carries."""
    return Counters(
        pages=pages,
        requests=traffic.requests,
        retries=traffic.retries,
        bytes=traffic.bytes,
        throttled_seconds=round(traffic.throttled_seconds, 3),
        codes=dict(traffic.codes),
    )


def _advance(paging: Paging, facts: PageFacts) -> RunError | None:
    """Goes on after a page; a loop or limit comes back, since the page itself is good.

    Raises:
        RunError: the page cannot be gone on from; it is asked for again.
    """
    try:
        paging.advance(facts)
    except RunError as error:
        if error.reason is Reason.UPSTREAM_UNAVAILABLE:
            raise
        return error
    return None
