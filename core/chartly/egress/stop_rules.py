"""The end of the pages by the API's own statement: ``pagination.stop`` as one table."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from chartly.api.documents import json_type
from chartly.api.page_fields import page_fields
from chartly.api.pagination import Pagination
from chartly.errors import Reason, RunError


@dataclass(frozen=True)
class PageFacts:
    """The facts of a page that paging depends on.

    Attributes:
        size: its records before any filter.
        members: the values at the paths in ``pagination``, by field, without absent ones.
        headers: of the response, in lower case.
        digest: of the records, where pages are counted.
        url: the URL of the page; the base of relative links.
        ended: whether its status means the end of the pages.
    """

    size: int
    members: Mapping[str, object] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    digest: str = ""
    url: str = ""
    ended: bool = False


@dataclass(frozen=True)
class PageTotals:
    """The totals of the pages so far, the current page included.

    Attributes:
        records: before any filter; in mode ``offset`` the next offset.
        page: in mode ``page`` its number counted from 1, else the number of pages.
    """

    records: int
    page: int


def declares_more(pagination: Pagination, page: PageFacts, totals: PageTotals) -> bool | None:
    """Whether the API declares more pages; None where the profile has no rule for that.

    Raises:
        RunError: ``UpstreamUnavailable``: a page with records lacks a member of the profile's
            rules, or its members contradict each other.
    """
    declared: dict[str, bool] = {}
    for name, (read, more) in _RULES.items():
        value = read(pagination, page)
        if value is None and page.size:
            raise _failed(f"a page with records has nothing at {_described(pagination, name)}")
        if value is not None and value is not _NO_RULE:
            declared[name] = more(_described(pagination, name), value, totals)
    if len(set(declared.values())) > 1:
        yes, no = (
            " and ".join(name for name, declares in declared.items() if declares is more)
            for more in (True, False)
        )
        raise _failed(f"pagination.{yes} says that there are more pages, and {no} that not")
    return next(iter(declared.values()), None)


def declared_total(pagination: Pagination, page: PageFacts) -> int:
    """The number of records on all pages, as a page declares it; 0 where it does not."""
    read = {name: _RULES[name][0](pagination, page) for name in ("stop.total", "stop.totalHeader")}
    totals = [
        _count(_described(pagination, name), value)
        for name, value in read.items()
        if value not in (None, _NO_RULE)
    ]
    return max(totals, default=0)


_NO_RULE = object()
_TRUE: tuple[object, ...] = (True, "true", "True")
_FALSE: tuple[object, ...] = (False, "false", "False")


def _member(name: str) -> Callable[[Pagination, PageFacts], object]:
    def read(pagination: Pagination, page: PageFacts) -> object:
        return page.members.get(name) if name in page_fields(pagination) else _NO_RULE

    return read


def _total_header(pagination: Pagination, page: PageFacts) -> object:
    name = pagination.stop.total_header
    return _NO_RULE if name is None else page.headers.get(name.lower())


def _has_more(name: str, value: object, _totals: PageTotals) -> bool:
    if not isinstance(value, bool | str) or value not in (*_TRUE, *_FALSE):
        raise _failed(f"{name} holds {json_type(value)}, not true or false")
    return value in _TRUE


def _total(name: str, value: object, totals: PageTotals) -> bool:
    return totals.records < _count(name, value)


def _total_pages(name: str, value: object, totals: PageTotals) -> bool:
    return totals.page < _count(name, value)


def _count(name: str, value: object) -> int:
    text = str(value).strip()
    if isinstance(value, bool) or not (text.isascii() and text.isdigit()) or len(text) > _DIGITS:
        raise _failed(f"{name} holds {json_type(value)}, not a whole number from 0")
    return int(text)


_DIGITS = 18
_RULES: dict[
    str,
    tuple[Callable[[Pagination, PageFacts], object], Callable[[str, object, PageTotals], bool]],
] = {
    "stop.hasMore": (_member("stop.hasMore"), _has_more),
    "stop.total": (_member("stop.total"), _total),
    "stop.totalHeader": (_total_header, _total),
    "stop.totalPages": (_member("stop.totalPages"), _total_pages),
}


def _described(pagination: Pagination, name: str) -> str:
    text = page_fields(pagination).get(name, pagination.stop.total_header)
    return f"pagination.{name} {text!r}"


def _failed(message: str) -> RunError:
    return RunError(Reason.UPSTREAM_UNAVAILABLE, message)
