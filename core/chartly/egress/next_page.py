"""The position of the next page: by counting, or by the token or link in a page."""

from collections.abc import Callable
from urllib.parse import urljoin

from chartly.api.documents import json_type
from chartly.api.pagination import Pagination
from chartly.egress.pull_progress import PullProgress
from chartly.egress.stop_rules import PageFacts
from chartly.errors import Reason, RunError

COUNTED = ("page", "offset")
"""Modes in which the next page is found by counting."""
_LONGEST_TOKEN = 8192
"""Longer ones do not fit into a URL."""


def first_position(pagination: Pagination) -> int | None:
    """The position of the first page; None where it is the base URL itself."""
    if pagination.mode == "page":
        return 1 if pagination.start is None else pagination.start
    return pagination.start or 0 if pagination.mode == "offset" else None


def next_after(pagination: Pagination, page: PageFacts, before: PullProgress) -> str | int | None:
    """The position of the page after this one; None where this one has no next page.

    Raises:
        RunError: ``UpstreamUnavailable``: the token or link in the page cannot be sent.
    """
    return _FOLLOWING[pagination.mode](pagination, page, before)


def leads_back(pagination: Pagination, page: PageFacts, before: PullProgress) -> bool:
    """Whether a page with records names itself as the next one."""
    token = page.members.get("responseField")
    if pagination.mode in COUNTED or not page.size or not isinstance(token, str | int):
        return False
    link = _absolute(page.url, str(token)) if pagination.mode == "nextUrl" else str(token)
    return before.next is not None and link == str(before.next)


def _next_page(_pagination: Pagination, _page: PageFacts, before: PullProgress) -> int:
    return int(before.next or 0) + 1


def _next_offset(_pagination: Pagination, page: PageFacts, before: PullProgress) -> int | None:
    return int(before.next or 0) + page.size if page.size else None


def _next_token(pagination: Pagination, page: PageFacts, before: PullProgress) -> str | int | None:
    """The token, or the absolute link, in a page."""
    token = page.members.get("responseField")
    if token is None or token is False or token == "":
        return None
    field = f"pagination.responseField {pagination.response_field!r}"
    if isinstance(token, bool) or not isinstance(token, str | int):
        raise _unusable(f"{field} holds {json_type(token)}, not text or a number")
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


def _no_next(_pagination: Pagination, _page: PageFacts, _before: PullProgress) -> None:
    return None


_FOLLOWING: dict[str, Callable[[Pagination, PageFacts, PullProgress], str | int | None]] = {
    "none": _no_next,
    "page": _next_page,
    "offset": _next_offset,
    "cursor": _next_token,
    "nextUrl": _next_token,
}
