"""What an API itself says about the end of its pages: ``pagination.stop`` as one table."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from chartly.api.documents import json_type
from chartly.api.page_fields import page_fields
from chartly.api.pagination import Pagination
from chartly.errors import Reason, RunError


@dataclass(frozen=True)
class PageFacts:
    """What a page said.

    Attributes:
        size: its records before any filter.
        members: the values at the paths that ``pagination`` names, by field; absent ones are not
            in it.
        headers: of the response, in lower case.
        digest: of the records, where pages are counted.
        url: where the page came from; links start there.
        ended: its status stands for the end of the pages.
    """

    size: int
    members: Mapping[str, object] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    digest: str = ""
    url: str = ""
    ended: bool = False


@dataclass(frozen=True)
class Reached:
    """How far the pages have come, the page in hand counted.

    Attributes:
        records: how many came, before any filter; in mode ``offset`` the next offset.
        page: in mode ``page`` its number counted from 1, else how many pages came.
    """

    records: int
    page: int


def more_said(pagination: Pagination, page: PageFacts, reached: Reached) -> bool | None:
    """Whether the API says that there are more pages; None where no rule of the profile asks.

    Raises:
        RunError: ``UpstreamUnavailable``: a page with records does not say what the profile asks
            for, or says two things at once.
    """
    said: dict[str, bool] = {}
    for name, (read, more) in _RULES.items():
        value = read(pagination, page)
        if value is None and page.size:
            raise _failed(f"a page with records has nothing at {_named(pagination, name)}")
        if value is not None and value is not _NOT_ASKED:
            said[name] = more(_named(pagination, name), value, reached)
    if len(set(said.values())) > 1:
        yes, no = (" and ".join(n for n in said if said[n] is more) for more in (True, False))
        raise _failed(f"pagination.{yes} says that there are more pages, and {no} that not")
    return next(iter(said.values()), None)


def total_said(pagination: Pagination, page: PageFacts) -> int:
    """How many records a page says there are on all; 0 where it does not say."""
    read = {name: _RULES[name][0](pagination, page) for name in ("stop.total", "stop.totalHeader")}
    said = {name: value for name, value in read.items() if value not in (None, _NOT_ASKED)}
    return max((_count(_named(pagination, name), value) for name, value in said.items()), default=0)


_NOT_ASKED = object()
_TRUE: tuple[object, ...] = (True, "true", "True")
_FALSE: tuple[object, ...] = (False, "false", "False")


def _member(name: str) -> Callable[[Pagination, PageFacts], object]:
    def read(pagination: Pagination, page: PageFacts) -> object:
        return page.members.get(name) if name in page_fields(pagination) else _NOT_ASKED

    return read


def _total_header(pagination: Pagination, page: PageFacts) -> object:
    name = pagination.stop.total_header
    return _NOT_ASKED if name is None else page.headers.get(name.lower())


def _has_more(name: str, value: object, _reached: Reached) -> bool:
    if not isinstance(value, bool | str) or value not in (*_TRUE, *_FALSE):
        raise _failed(f"{name} holds {json_type(value)}, not true or false")
    return value in _TRUE


def _total(name: str, value: object, reached: Reached) -> bool:
    return reached.records < _count(name, value)


def _total_pages(name: str, value: object, reached: Reached) -> bool:
    return reached.page < _count(name, value)


def _count(name: str, value: object) -> int:
    text = str(value).strip()
    if isinstance(value, bool) or not (text.isascii() and text.isdigit()) or len(text) > _DIGITS:
        raise _failed(f"{name} holds {json_type(value)}, not a whole number from 0")
    return int(text)


_DIGITS = 18
_RULES: dict[
    str,
    tuple[Callable[[Pagination, PageFacts], object], Callable[[str, object, Reached], bool]],
] = {
    "stop.hasMore": (_member("stop.hasMore"), _has_more),
    "stop.total": (_member("stop.total"), _total),
    "stop.totalHeader": (_total_header, _total),
    "stop.totalPages": (_member("stop.totalPages"), _total_pages),
}


def _named(pagination: Pagination, name: str) -> str:
    text = page_fields(pagination).get(name, pagination.stop.total_header)
    return f"pagination.{name} {text!r}"


def _failed(message: str) -> RunError:
    return RunError(Reason.UPSTREAM_UNAVAILABLE, message)
