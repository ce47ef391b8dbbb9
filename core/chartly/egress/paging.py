"""Paging without I/O: what to ask for next, and when to stop; a loop is always found."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from chartly.api.connector import Pagination
from chartly.errors import Reason, RunError

Position = dict[str, str | int]
_FIRST_PAGE = 1
_LONGEST_TOKEN = 8192
"""No longer one fits into a URL."""


@dataclass(frozen=True)
class PageRequest:
    """One page to ask for: query parameters, or a link to follow instead of the base URL."""

    query: dict[str, str]
    link: str | None
    token_hash: str


@dataclass(frozen=True)
class PageFacts:
    """What a page said.

    Attributes:
        token: the value at ``responseField``.
        page_hash: SHA-256 of the body.
    """

    records: int
    token: object
    page_hash: str


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
        self._position: Position | None = dict(position) if position else self._start()
        self._seen = set(seen)
        self._pages = int((position or {}).get("pages", 0))
        self._empty = 0
        self._last_page = ""
        self._note(self._position)

    @property
    def position(self) -> Position | None:
        """Where the next page is asked for; None when there is none."""
        return self._position

    def request(self) -> PageRequest:
        """The page at the current position."""
        position = self._position or {}
        query: dict[str, str] = {}
        if self._pagination.size_param is not None:
            query[self._pagination.size_param] = str(self._pagination.page_size)
        if "next" in position and self._pagination.mode == "nextUrl":
            return PageRequest({}, str(position["next"]), _hash(position))
        if "next" in position and self._pagination.mode != "none":
            query[self._parameter()] = str(position["next"])
        return PageRequest(query, None, _hash(position))

    def advance(self, page: PageFacts) -> None:
        """Goes on after a page.

        Raises:
            RunError: ``PaginationLoop`` when the API leads back to where the run was,
                ``LimitReached`` when maxPages or maxEmptyPages is passed.
        """
        self._pages += 1
        following = self._following(page)
        # The position moves first: one who resumes from it must meet the same loop or limit, and
        # not take the page for the last one.
        self._last_page = page.page_hash
        self._position = following
        if following is not None:
            following["pages"] = self._pages
            self._check_limits(page)
            self._note(following)

    def _start(self) -> Position:
        if self._pagination.mode == "page":
            first = self._pagination.start
            return {"next": _FIRST_PAGE if first is None else first}
        if self._pagination.mode == "offset":
            return {"next": self._pagination.start or 0}
        return {}

    def _parameter(self) -> str:
        return self._pagination.request_param or self._pagination.mode

    def _following(self, page: PageFacts) -> Position | None:
        mode = self._pagination.mode
        if mode in ("page", "offset"):
            return self._counted(page)
        if mode in ("cursor", "nextUrl"):
            return self._named(page)
        return None

    def _counted(self, page: PageFacts) -> Position | None:
        if page.records == 0:
            return None
        if page.page_hash == self._last_page:
            raise RunError(
                Reason.PAGINATION_LOOP,
                f"the API sent the same page twice in a row; it ignores "
                f"pagination.requestParam {self._parameter()!r}",
            )
        step = 1 if self._pagination.mode == "page" else self._pagination.page_size or 1
        return {"next": int((self._position or {})["next"]) + step}

    def _named(self, page: PageFacts) -> Position | None:
        token = page.token
        if token is None or token is False or token == "":
            return None
        if isinstance(token, bool) or not isinstance(token, str | int):
            raise RunError(
                Reason.UPSTREAM_UNAVAILABLE,
                f"pagination.responseField {self._pagination.response_field!r} holds "
                f"{type(token).__name__}, not text or a whole number",
            )
        if len(str(token)) > _LONGEST_TOKEN:
            raise RunError(
                Reason.UPSTREAM_UNAVAILABLE,
                f"pagination.responseField {self._pagination.response_field!r} holds "
                f"{len(str(token))} characters; allowed are {_LONGEST_TOKEN}",
            )
        if page.records == 0 and str(token) == str((self._position or {}).get("next")):
            return None
        return {"next": token if type(token) is int else str(token)}

    def _check_limits(self, page: PageFacts) -> None:
        self._empty = 0 if page.records else self._empty + 1
        if self._pages >= self._pagination.max_pages:
            raise RunError(
                Reason.LIMIT_REACHED,
                f"pagination.maxPages {self._pagination.max_pages} is reached and the API has more",
            )
        if self._empty > self._pagination.max_empty_pages:
            raise RunError(
                Reason.LIMIT_REACHED,
                f"more than pagination.maxEmptyPages {self._pagination.max_empty_pages} pages in a "
                f"row held no record",
            )

    def _note(self, position: Position | None) -> None:
        token = _hash(position or {})
        if token in self._seen:
            raise RunError(
                Reason.PAGINATION_LOOP,
                f"the API sent a page token a second time (its SHA-256 starts with {token[:12]})",
            )
        if position and "next" in position:
            self._seen.add(token)


def _hash(position: Position) -> str:
    return hashlib.sha256(str(position.get("next", "")).encode()).hexdigest()[:32]
