"""Paging without I/O: what to ask for next, and when to stop; a loop is always found."""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from urllib.parse import urljoin

from chartly.api.connector import NEVER_AN_END, Pagination
from chartly.egress.ends import PageFacts, Reached, more_said
from chartly.errors import Reason, RunError
from chartly.warning import RunWarning, WarningReason

Position = dict[str, str | int]
_COUNTED = ("page", "offset")
_NAMED = ("cursor", "nextUrl")
_LONGEST_TOKEN = 8192
"""No longer one fits into a URL."""
_CLIENT_ERRORS = range(400, 500)


@dataclass(frozen=True)
class PageRequest:
    """One page to ask for: query parameters, or a link to follow instead of the base URL."""

    query: dict[str, str]
    link: str | None
    token_hash: str


@dataclass(frozen=True)
class Course:
    """How far a stream has come: all that a later attempt has to know to go on as if uncut.

    Attributes:
        next: the token, number or absolute link of the next page; None for the first one.
        pages: how many came.
        records: how many they held, before any filter.
        largest: how many the largest page held.
        empty: how many pages without a record came last.
        last: digest of the last page's records, where pages are counted.
        end: 1 when no page is left.
        unseen: 1 when no page had the paging member.
    """

    next: str | int | None = None
    pages: int = 0
    records: int = 0
    largest: int = 0
    empty: int = 0
    last: str = ""
    end: int = 0
    unseen: int = 0

    def position(self) -> Position:
        """The course as it is stored: what says nothing is left out."""
        stored: Position = {} if self.next is None else {"next": self.next}
        for name in ("pages", "records", "largest", "empty", "last", "end", "unseen"):
            if getattr(self, name):
                stored[name] = getattr(self, name)
        return stored

    def after(self, page: PageFacts) -> "Course":
        """The course with a page more, still at that page."""
        return replace(
            self,
            pages=self.pages + 1,
            records=self.records + page.size,
            largest=max(self.largest, page.size),
            empty=0 if page.size else self.empty + 1,
            last=page.digest,
        )


def course_at(position: Position) -> Course:
    """The course that was stored as ``position``; what an older version did not store is 0."""
    counts = {
        name: int(position.get(name, 0))
        for name in ("pages", "records", "largest", "empty", "end", "unseen")
    }
    return Course(next=position.get("next"), last=str(position.get("last", "")), **counts)


class Paging:
    """The course through the pages of one stream.

    Args:
        position: where to go on, from an earlier ``position``; None for the start.
        seen: hashes of the tokens that the run has followed already.
    """

    def __init__(
        self, pagination: Pagination, position: Position | None = None, seen: Iterable[str] = ()
    ) -> None:
        self._pagination = pagination
        self._course = course_at(position) if position else Course(next=_first(pagination))
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
        return tuple(
            RunWarning(reason, name, message(self._pagination, self._course))
            for reason, name, met, message in _WARNINGS
            if self.is_over and met(self._pagination, self._course)
        )

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
        if more is False or self._ends(page, course, more=more is True):
            unseen = more is None and _lacks_member(self._pagination, page, before)
            self._course = replace(course, end=1, unseen=int(unseen))
            return
        following = self._following(page, more=more is True)
        # The position moves first: one who resumes from it must meet the same loop or limit, and
        # not take the page for the last one.
        self._course = replace(course, next=following)
        self._check_repeated(page, before)
        self._check_limits()
        self._note(self._course)

    def _reached(self, course: Course, page: PageFacts) -> Reached:
        at = course.next
        if self._pagination.mode == "offset":
            return Reached(int(at or 0) + page.size, course.pages)
        if self._pagination.mode == "page":
            return Reached(course.records, int(at or 0) + (self._pagination.start == 0))
        return Reached(course.records, course.pages)

    def _ends(self, page: PageFacts, course: Course, *, more: bool) -> bool:
        """Whether the page is the last, by the first rule that fits; one may say so in spite."""
        if page.ended:
            return True
        if more:
            return False
        before = self._course
        return any(ends(self._pagination, page, before) for ends in _ENDS) or (
            self._pagination.stop.repeated_page and self._repeats(page, before, course)
        )

    def _repeats(self, page: PageFacts, before: Course, course: Course) -> bool:
        """Whether it is the last page again; the first one again is that only when it was short."""
        if not _is_repeated(self._pagination, page, before):
            return False
        size = self._pagination.page_size
        if before.pages == 1 and (size is None or course.largest >= size):
            raise RunError(
                Reason.PAGINATION_LOOP,
                f"the second page holds the records of the first: the API ignores "
                f"pagination.requestParam {_parameter(self._pagination)!r}, or the first is the "
                f"last; pagination.pageSize, or a total in pagination.stop, would tell",
            )
        return True

    def _following(self, page: PageFacts, *, more: bool) -> str | int:
        """Where the next page is."""
        following = _FOLLOWING[self._pagination.mode](self._pagination, page, self._course)
        if following is None:
            assert more  # noqa: S101 - or the page would have been the last
            raise _unusable(
                f"the API says that there are more pages, by pagination.stop, and mode "
                f"{self._pagination.mode} cannot go on behind this one"
            )
        return following

    def _check_repeated(self, page: PageFacts, before: Course) -> None:
        if _is_repeated(self._pagination, page, before):
            # Where it was: a later attempt asks for this page again.
            self._course = replace(self._course, next=before.next)
            raise RunError(
                Reason.PAGINATION_LOOP,
                f"the API sent the records of a page twice in a row; it ignores "
                f"pagination.requestParam {_parameter(self._pagination)!r}, or repeats its last "
                f"page: then write pagination.stop.repeatedPage: true",
            )

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

    def _note(self, course: Course) -> None:
        token = _hash(course.next)
        if token in self._seen:
            what = "link" if self._pagination.mode == "nextUrl" else "token"
            raise RunError(
                Reason.PAGINATION_LOOP,
                f"the API sent a page {what} a second time (its SHA-256 starts with {token[:12]})",
            )
        if course.next is not None:
            self._seen.add(token)


def _first(pagination: Pagination) -> int | None:
    if pagination.mode == "page":
        return 1 if pagination.start is None else pagination.start
    return pagination.start or 0 if pagination.mode == "offset" else None


def _parameter(pagination: Pagination) -> str:
    return pagination.request_param or pagination.mode


def _is_repeated(pagination: Pagination, page: PageFacts, before: Course) -> bool:
    counted = pagination.mode in _COUNTED and page.size > 0
    return counted and page.digest == before.last


def _is_end_for_empty(pagination: Pagination, page: PageFacts, _before: Course) -> bool:
    asked = pagination.stop.empty_page
    return page.size == 0 and (pagination.mode in _COUNTED if asked is None else asked)


def _is_short(pagination: Pagination, page: PageFacts, before: Course) -> bool:
    return pagination.stop.short_page and before.largest > page.size


def _is_unnamed(pagination: Pagination, page: PageFacts, before: Course) -> bool:
    if pagination.mode in _COUNTED:
        return False
    return _FOLLOWING[pagination.mode](pagination, page, before) is None


_ENDS: tuple[Callable[[Pagination, PageFacts, Course], bool], ...] = (
    _is_end_for_empty,
    _is_short,
    _is_unnamed,
)
"""What ends the pages when the API itself does not say that there are more."""


def _next_page(_pagination: Pagination, _page: PageFacts, before: Course) -> int:
    return int(before.next or 0) + 1


def _next_offset(_pagination: Pagination, page: PageFacts, before: Course) -> int | None:
    return int(before.next or 0) + page.size if page.size else None


def _named_next(pagination: Pagination, page: PageFacts, before: Course) -> str | int | None:
    """The token, or the absolute link, that a page names."""
    token = page.members.get("responseField")
    if token is None or token is False or token == "":
        return None
    field = f"pagination.responseField {pagination.response_field!r}"
    if isinstance(token, bool) or not isinstance(token, str | int):
        raise _unusable(f"{field} holds {type(token).__name__}, not text or a whole number")
    if len(str(token)) > _LONGEST_TOKEN:
        raise _unusable(f"{field} holds {len(str(token))} characters; allowed are {_LONGEST_TOKEN}")
    following = token if type(token) is int else str(token)
    if pagination.mode == "nextUrl":
        following = _absolute(page.url, str(token))
    return None if page.size == 0 and str(following) == str(before.next) else following


def _unusable(message: str) -> RunError:
    return RunError(Reason.UPSTREAM_UNAVAILABLE, message)


def _absolute(url: str, link: str) -> str:
    try:
        return urljoin(url, link)
    except ValueError:  # brackets around what is no IPv6 address: refused when it is followed
        return link


def _nothing(_pagination: Pagination, _page: PageFacts, _before: Course) -> None:
    return None


_FOLLOWING: dict[str, Callable[[Pagination, PageFacts, Course], str | int | None]] = {
    "none": _nothing,
    "page": _next_page,
    "offset": _next_offset,
    "cursor": _named_next,
    "nextUrl": _named_next,
}
"""Where the next page is, by mode; None where the page does not lead on."""


def _lacks_member(pagination: Pagination, page: PageFacts, before: Course) -> bool:
    """Whether the first page is the last only because it has no paging member at all."""
    first = pagination.mode in _NAMED and before.pages == 0 and page.size > 0
    return first and "responseField" not in page.members


def _is_capped(pagination: Pagination, course: Course) -> bool:
    asked = pagination.page_size if pagination.size_param is not None else None
    # More records than the largest page has: there was a full page that was not the last.
    return asked is not None and course.largest < min(asked, course.records)


def _never_seen(pagination: Pagination, _course: Course) -> str:
    return (
        f"no page has {pagination.response_field!r}, so the first page was taken for the only one"
    )


def _capped(pagination: Pagination, course: Course) -> str:
    return (
        f"{pagination.page_size} records a page were asked for, and none had more than "
        f"{course.largest}"
    )


_WARNINGS: tuple[
    tuple[
        WarningReason,
        str,
        Callable[[Pagination, Course], bool],
        Callable[[Pagination, Course], str],
    ],
    ...,
] = (
    (
        WarningReason.PAGING_FIELD_NEVER_SEEN,
        "pagination.responseField",
        lambda _pagination, course: bool(course.unseen),
        _never_seen,
    ),
    (WarningReason.PAGE_SIZE_CAPPED, "pagination.pageSize", _is_capped, _capped),
)
"""What is said of a run that has every page, from its pagination and its course."""


def _hash(following: str | int | None) -> str:
    text = "" if following is None else str(following)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
