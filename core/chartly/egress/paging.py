"""Paging without I/O: the next request, and the end of the pages; every loop is detected."""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from chartly.api.pagination import NEVER_AN_END, Pagination
from chartly.egress.next_page import COUNTED, first_position, leads_back, next_after
from chartly.egress.paging_warnings import lacks_member, warnings_of
from chartly.egress.pull_progress import PullProgress, progress_at
from chartly.egress.stop_rules import PageFacts, PageTotals, declared_total, declares_more
from chartly.errors import Reason, RunError
from chartly.slices import Position
from chartly.warning import RunWarning

_CLIENT_ERRORS = range(400, 500)


@dataclass(frozen=True)
class PageRequest:
    """The request of one page: query parameters, or a link instead of the base URL."""

    query: dict[str, str]
    link: str | None
    token_hash: str


class Paging:
    """The state of paging through one slice.

    Args:
        position: where to continue, from an earlier ``position``; None for the start.
        seen: hashes of the tokens that the run has followed already.
    """

    def __init__(
        self, pagination: Pagination, position: Position | None = None, seen: Iterable[str] = ()
    ) -> None:
        self._pagination = pagination
        self._progress = (
            progress_at(position) if position else PullProgress(next=first_position(pagination))
        )
        self._seen = set(seen)
        if not self.is_over:
            self._note(self._progress)

    @property
    def is_over(self) -> bool:
        """Whether no page is left."""
        return bool(self._progress.end)

    @property
    def position(self) -> Position | None:
        """Where to continue; None when no page is left and there is no warning to keep."""
        return None if self.is_over and not self.warnings else self._progress.position()

    @property
    def warnings(self) -> tuple[RunWarning, ...]:
        """The warnings about the pages once they are complete."""
        return warnings_of(self._pagination, self._progress) if self.is_over else ()

    def request(self) -> PageRequest:
        """The request of the page at the current position.

        Raises:
            RunError: ``ConfigInvalid``: an earlier version stored a link that cannot be resolved.
        """
        pagination, following = self._pagination, self._progress.next
        token_hash = _hash(following)
        if following is not None and pagination.mode == "nextUrl":
            return PageRequest({}, self._link(str(following)), token_hash)
        query: dict[str, str] = {}
        if pagination.size_param is not None:
            query[pagination.size_param] = str(pagination.page_size)
        if following is not None and pagination.mode != "none":
            query[_parameter(pagination)] = str(following)
        return PageRequest(query, None, token_hash)

    def _link(self, link: str) -> str:
        """The stored link; an earlier version stored relative ones, whose base is the first URL."""
        if "://" not in link and not link.startswith(("/", "?")) and self._progress.pages > 1:
            raise RunError(
                Reason.CONFIG_INVALID,
                "the run was begun by an earlier version, which kept a relative page link and not "
                "where it starts; start a new run",
            )
        return link

    def ends_with(self, status: int) -> bool:
        """Whether a status, as the response to this request, means the end of the pages."""
        return self._progress.pages > 0 and status in self._pagination.stop.statuses

    def hint(self, status: int) -> str:
        """The setting to suggest where a status may mean the end of the pages; or empty."""
        behind = self._progress.pages > 0 and self._pagination.mode != "none"
        if not behind or status not in _CLIENT_ERRORS or status in NEVER_AN_END:
            return ""
        return (
            f"; if the API answers so behind its last page, write pagination.stop.statuses: "
            f"[{status}]"
        )

    def advance(self, page: PageFacts) -> None:
        """Moves on after a page.

        Raises:
            RunError: ``PaginationLoop`` when the API returns to an earlier page,
                ``LimitReached`` when maxPages or maxEmptyPages is exceeded; a later attempt fails
                in the same way. ``UpstreamUnavailable`` when the page has no usable next page.
        """
        before, progress = self._progress, self._progress.after(page)
        if _is_repeated(self._pagination, page, before):
            progress = replace(progress, records=before.records)
        more = declares_more(self._pagination, page, self._totals(progress, page))
        progress = replace(
            progress, total=max(progress.total, declared_total(self._pagination, page))
        )
        _check_owed(page, before, more=more)
        if more is False:
            self._check_declared_end(page, before)
        if more is False or self._ends(page, progress, more=more is True):
            unseen = more is None and lacks_member(self._pagination, page, before)
            self._progress = replace(progress, end=1, unseen=int(unseen))
            return
        following = self._following(page, more=more is True)
        # The position moves first: an attempt that resumes from it must fail by the same loop or
        # limit, and not treat the page as the last one.
        self._progress = replace(progress, next=following, owed=int(more is True))
        self._check_repeated(page, before)
        self._check_limits()
        self._note(self._progress)

    def _totals(self, progress: PullProgress, page: PageFacts) -> PageTotals:
        position = progress.next
        if self._pagination.mode == "offset":
            return PageTotals(int(position or 0) + page.size, progress.pages)
        if self._pagination.mode == "page":
            return PageTotals(progress.records, int(position or 0) + (self._pagination.start == 0))
        return PageTotals(progress.records, progress.pages)

    def _ends(self, page: PageFacts, progress: PullProgress, *, more: bool) -> bool:
        """Whether the page is the last, by its status or, unless the API declares more, a rule."""
        if page.ended:
            return True
        if more:
            return False
        before = self._progress
        return any(ends(self._pagination, page, before) for ends in _ENDS) or (
            self._pagination.stop.repeated_page and self._repeats(page, before, progress)
        )

    def _repeats(self, page: PageFacts, before: PullProgress, progress: PullProgress) -> bool:
        """Whether the page repeats the last one; a full first page is not taken for the last."""
        if not _is_repeated(self._pagination, page, before):
            return False
        size = self._pagination.page_size
        if before.pages == 1 and (size is None or progress.largest >= size):
            raise _repeated(self._pagination)
        return True

    def _following(self, page: PageFacts, *, more: bool) -> str | int:
        """The position of the next page."""
        following = next_after(self._pagination, page, self._progress)
        if following is None:
            assert more  # noqa: S101 - or the page would have been the last
            raise RunError(
                Reason.UPSTREAM_UNAVAILABLE,
                f"the API says that there are more pages, by pagination.stop, and mode "
                f"{self._pagination.mode} cannot go on behind this one",
            )
        return following

    def _check_declared_end(self, page: PageFacts, before: PullProgress) -> None:
        """Raises if a page that the API declares to be the last repeats the page before."""
        self._check_repeated(page, before)
        if leads_back(self._pagination, page, before):
            raise _loop(self._pagination, _hash(before.next))

    def _check_repeated(self, page: PageFacts, before: PullProgress) -> None:
        if _is_repeated(self._pagination, page, before):
            # The position stays: a later attempt requests this page again.
            self._progress = replace(self._progress, next=before.next)
            raise _repeated(self._pagination)

    def _check_limits(self) -> None:
        most, most_empty = self._pagination.max_pages, self._pagination.max_empty_pages
        if self._progress.pages >= most:
            raise RunError(
                Reason.LIMIT_REACHED,
                f"pagination.maxPages {most} is reached and the API has more",
            )
        if self._progress.empty > most_empty:
            raise RunError(
                Reason.LIMIT_REACHED,
                f"more than pagination.maxEmptyPages {most_empty} pages in a row held no record",
            )

    def _note(self, progress: PullProgress) -> None:
        token = _hash(progress.next)
        if token in self._seen and self._pagination.mode in COUNTED:
            # Numbers only grow: an earlier attempt requested this page, and it was a repeated one.
            raise _repeated(self._pagination)
        if token in self._seen:
            raise _loop(self._pagination, token)
        if progress.next is not None:
            self._seen.add(token)


def _loop(pagination: Pagination, token: str) -> RunError:
    noun = "link" if pagination.mode == "nextUrl" else "token"
    return RunError(
        Reason.PAGINATION_LOOP,
        f"the API sent a page {noun} a second time (its SHA-256 starts with {token[:12]})",
    )


def _check_owed(page: PageFacts, before: PullProgress, *, more: bool | None) -> None:
    """Raises if a page without records and without a statement follows one that declared more."""
    if before.owed and more is None and not page.size:
        raise RunError(
            Reason.UPSTREAM_UNAVAILABLE,
            "the page before says by pagination.stop that there are more, and this answer holds "
            "no record and does not say that there are none",
        )


def _parameter(pagination: Pagination) -> str:
    return pagination.request_param or pagination.mode


def _repeated(pagination: Pagination) -> RunError:
    """The error of a page with the records of the page before."""
    ignored = f"ignores pagination.requestParam {_parameter(pagination)!r}"
    message = (
        f"the API sent the records of a page twice in a row; it {ignored}, or repeats its last "
        f"page: then write pagination.stop.repeatedPage: true"
    )
    if pagination.stop.repeated_page:
        message = (
            f"the second page holds the records of the first: the API {ignored}, or the first is "
            f"the last; pagination.pageSize, or a total in pagination.stop, would tell"
        )
    return RunError(Reason.PAGINATION_LOOP, message)


def _is_repeated(pagination: Pagination, page: PageFacts, before: PullProgress) -> bool:
    counted = pagination.mode in COUNTED and page.size > 0
    return counted and page.digest == before.last


def _is_end_for_empty(pagination: Pagination, page: PageFacts, _before: PullProgress) -> bool:
    rule = pagination.stop.empty_page
    return page.size == 0 and (pagination.mode in COUNTED if rule is None else rule)


def _is_short(pagination: Pagination, page: PageFacts, before: PullProgress) -> bool:
    return pagination.stop.short_page and before.largest > page.size


def _is_unnamed(pagination: Pagination, page: PageFacts, before: PullProgress) -> bool:
    if pagination.mode in COUNTED:
        return False
    return next_after(pagination, page, before) is None


_ENDS: tuple[Callable[[Pagination, PageFacts, PullProgress], bool], ...] = (
    _is_end_for_empty,
    _is_short,
    _is_unnamed,
)
"""The rules that end the pages unless the API declares more."""


def _hash(following: str | int | None) -> str:
    text = "" if following is None else str(following)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
