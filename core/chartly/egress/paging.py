"""Paging without I/O: what to ask for next, and when to stop; a loop is always found."""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from chartly.api.pagination import NEVER_AN_END, Pagination
from chartly.egress.ends import PageFacts, Reached, more_said, total_said
from chartly.egress.following import COUNTED, first_of, leads_back, next_after
from chartly.egress.omissions import lacks_member, warnings_of
from chartly.egress.pull_course import PullCourse, course_at
from chartly.errors import Reason, RunError
from chartly.slices import Position
from chartly.warning import RunWarning

_CLIENT_ERRORS = range(400, 500)


@dataclass(frozen=True)
class PageRequest:
    """One page to ask for: query parameters, or a link to follow instead of the base URL."""

    query: dict[str, str]
    link: str | None
    token_hash: str


class Paging:
    """The course through the pages of one slice.

    Args:
        position: where to go on, from an earlier ``position``; None for the start.
        seen: hashes of the tokens that the run has followed already.
    """

    def __init__(
        self, pagination: Pagination, position: Position | None = None, seen: Iterable[str] = ()
    ) -> None:
        self._pagination = pagination
        self._course = course_at(position) if position else PullCourse(next=first_of(pagination))
        self._seen = set(seen)
        if not self.is_over:
            self._note(self._course)

    @property
    def is_over(self) -> bool:
        """Whether no page is left."""
        return bool(self._course.end)

    @property
    def position(self) -> Position | None:
        """Where to go on; None when no page is left, and nothing is to be said about that."""
        return None if self.is_over and not self.warnings else self._course.position()

    @property
    def warnings(self) -> tuple[RunWarning, ...]:
        """What is to be said of pages that are all there."""
        return warnings_of(self._pagination, self._course) if self.is_over else ()

    def request(self) -> PageRequest:
        """The page at the current position.

        Raises:
            RunError: ``ConfigInvalid``: an earlier version stored a link that leads nowhere now.
        """
        pagination, following = self._pagination, self._course.next
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
        """The stored link; a relative one is of an earlier version, and starts at the first URL."""
        if "://" not in link and not link.startswith(("/", "?")) and self._course.pages > 1:
            raise RunError(
                Reason.CONFIG_INVALID,
                "the run was begun by an earlier version, which kept a relative page link and not "
                "where it starts; start a new run",
            )
        return link

    def ends_with(self, status: int) -> bool:
        """Whether a status, as the answer to this request, stands for the end of the pages."""
        return self._course.pages > 0 and status in self._pagination.stop.statuses

    def hint(self, status: int) -> str:
        """What to write where a status may stand for the end of the pages; or nothing."""
        behind = self._course.pages > 0 and self._pagination.mode != "none"
        if not behind or status not in _CLIENT_ERRORS or status in NEVER_AN_END:
            return ""
        return (
            f"; if the API answers so behind its last page, write pagination.stop.statuses: "
            f"[{status}]"
        )

    def advance(self, page: PageFacts) -> None:
        """Goes on after a page.

        Raises:
            RunError: ``PaginationLoop`` when the API leads back to where the run was,
                ``LimitReached`` when maxPages or maxEmptyPages is passed; a later attempt meets
                the same. ``UpstreamUnavailable`` when the page does not say how to go on.
        """
        before, course = self._course, self._course.after(page)
        if _is_repeated(self._pagination, page, before):
            course = replace(course, records=before.records)
        more = more_said(self._pagination, page, self._reached(course, page))
        course = replace(course, total=max(course.total, total_said(self._pagination, page)))
        _check_owed(page, before, more=more)
        if more is False:
            self._check_served(page, before)
        if more is False or self._ends(page, course, more=more is True):
            unseen = more is None and lacks_member(self._pagination, page, before)
            self._course = replace(course, end=1, unseen=int(unseen))
            return
        following = self._following(page, more=more is True)
        # The position moves first: one who resumes from it must meet the same loop or limit, and
        # not take the page for the last one.
        self._course = replace(course, next=following, owed=int(more is True))
        self._check_repeated(page, before)
        self._check_limits()
        self._note(self._course)

    def _reached(self, course: PullCourse, page: PageFacts) -> Reached:
        at = course.next
        if self._pagination.mode == "offset":
            return Reached(int(at or 0) + page.size, course.pages)
        if self._pagination.mode == "page":
            return Reached(course.records, int(at or 0) + (self._pagination.start == 0))
        return Reached(course.records, course.pages)

    def _ends(self, page: PageFacts, course: PullCourse, *, more: bool) -> bool:
        """Whether the page is the last, by the first rule that fits; one may say so in spite."""
        if page.ended:
            return True
        if more:
            return False
        before = self._course
        return any(ends(self._pagination, page, before) for ends in _ENDS) or (
            self._pagination.stop.repeated_page and self._repeats(page, before, course)
        )

    def _repeats(self, page: PageFacts, before: PullCourse, course: PullCourse) -> bool:
        """Whether it is the last page again; the first one again is that only when it was short."""
        if not _is_repeated(self._pagination, page, before):
            return False
        size = self._pagination.page_size
        if before.pages == 1 and (size is None or course.largest >= size):
            raise _repeated(self._pagination)
        return True

    def _following(self, page: PageFacts, *, more: bool) -> str | int:
        """Where the next page is."""
        following = next_after(self._pagination, page, self._course)
        if following is None:
            assert more  # noqa: S101 - or the page would have been the last
            raise RunError(
                Reason.UPSTREAM_UNAVAILABLE,
                f"the API says that there are more pages, by pagination.stop, and mode "
                f"{self._pagination.mode} cannot go on behind this one",
            )
        return following

    def _check_served(self, page: PageFacts, before: PullCourse) -> None:
        """A page that is the one before again does not complete what the API counts."""
        self._check_repeated(page, before)
        if leads_back(self._pagination, page, before):
            raise _loop(self._pagination, _hash(before.next))

    def _check_repeated(self, page: PageFacts, before: PullCourse) -> None:
        if _is_repeated(self._pagination, page, before):
            # Where it was: a later attempt asks for this page again.
            self._course = replace(self._course, next=before.next)
            raise _repeated(self._pagination)

    def _check_limits(self) -> None:
        most, most_empty = self._pagination.max_pages, self._pagination.max_empty_pages
        if self._course.pages >= most:
            raise RunError(
                Reason.LIMIT_REACHED,
                f"pagination.maxPages {most} is reached and the API has more",
            )
        if self._course.empty > most_empty:
            raise RunError(
                Reason.LIMIT_REACHED,
                f"more than pagination.maxEmptyPages {most_empty} pages in a row held no record",
            )

    def _note(self, course: PullCourse) -> None:
        token = _hash(course.next)
        if token in self._seen and self._pagination.mode in COUNTED:
            # Numbers only grow: an earlier attempt asked for this page, and it was a repeated one.
            raise _repeated(self._pagination)
        if token in self._seen:
            raise _loop(self._pagination, token)
        if course.next is not None:
            self._seen.add(token)


def _loop(pagination: Pagination, token: str) -> RunError:
    what = "link" if pagination.mode == "nextUrl" else "token"
    return RunError(
        Reason.PAGINATION_LOOP,
        f"the API sent a page {what} a second time (its SHA-256 starts with {token[:12]})",
    )


def _check_owed(page: PageFacts, before: PullCourse, *, more: bool | None) -> None:
    """An answer that holds nothing and says nothing takes back no word of the page before."""
    if before.owed and more is None and not page.size:
        raise RunError(
            Reason.UPSTREAM_UNAVAILABLE,
            "the page before says by pagination.stop that there are more, and this answer holds "
            "no record and does not say that there are none",
        )


def _parameter(pagination: Pagination) -> str:
    return pagination.request_param or pagination.mode


def _repeated(pagination: Pagination) -> RunError:
    """What is wrong when a page has the records of the one before."""
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


def _is_repeated(pagination: Pagination, page: PageFacts, before: PullCourse) -> bool:
    counted = pagination.mode in COUNTED and page.size > 0
    return counted and page.digest == before.last


def _is_end_for_empty(pagination: Pagination, page: PageFacts, _before: PullCourse) -> bool:
    asked = pagination.stop.empty_page
    return page.size == 0 and (pagination.mode in COUNTED if asked is None else asked)


def _is_short(pagination: Pagination, page: PageFacts, before: PullCourse) -> bool:
    return pagination.stop.short_page and before.largest > page.size


def _is_unnamed(pagination: Pagination, page: PageFacts, before: PullCourse) -> bool:
    if pagination.mode in COUNTED:
        return False
    return next_after(pagination, page, before) is None


_ENDS: tuple[Callable[[Pagination, PageFacts, PullCourse], bool], ...] = (
    _is_end_for_empty,
    _is_short,
    _is_unnamed,
)
"""What ends the pages when the API itself does not say that there are more."""


def _hash(following: str | int | None) -> str:
    text = "" if following is None else str(following)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
