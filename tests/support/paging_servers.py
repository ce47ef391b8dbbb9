"""Servers that page in every way there is, each a pure function over a known list of records."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from support.connecting import HOME
from support.loading import sale

Answer = tuple[int, dict[str, str], bytes]
"""Status, headers and body."""

COUNTED = ("page", "offset")
REPEATS = ("repeat", "changing", "clamp", "again")
"""What a server answers behind its last page that holds records."""
_EMPTY_ANSWERS: dict[str, Answer] = {
    "404": (404, {}, b"<html>none</html>"),
    "400": (400, {}, b"<html>none</html>"),
    "204": (204, {}, b""),
    "absent": (200, {}, b'{"page": 99}'),
    "null": (200, {}, b'{"data": null}'),
    "nothing": (200, {}, b"null"),
}
SAYS = {
    "hasMore": "more",
    "total": "meta.total",
    "totalPages": "meta.pages",
    "totalHeader": "X-Total-Count",
}
"""What a server may say of its end, and where."""


@dataclass(frozen=True)
class Fault:
    """What a server answers in place of one of its pages.

    Attributes:
        page: the page's number from 0.
        always: or only to the first request for it.
    """

    kind: str
    page: int
    always: bool


@dataclass(frozen=True)
class PagingServer:
    """An API over ``count`` records.

    Attributes:
        size: records a page, where none are asked for.
        cap: records a page at most, whatever is asked for.
        first: the number of its first page.
        below: what it answers below that: a failure, its first page, or no record.
        behind: what it answers behind its last page; for tokens, how it says that there is none.
        says: the member that tells of its end; it is always true.
        link: how its links are written.
        hole: the page, from 0, that holds no record although others follow.
        window: the last page, from 0, that it serves; later numbers are answered with it.
        ignores: it takes no notice of the number or token that it is asked for.
        overlaps: a page begins with the last record of the one before.
        grows: with this request a record more comes in front of all others.
        copies: the first record comes once more at the end.
    """

    mode: str
    count: int
    size: int = 3
    cap: int = 5
    first: int = 1
    below: str = "fails"
    behind: str = "empty"
    says: str | None = None
    link: str = "absolute"
    hole: int | None = None
    window: int | None = None
    ignores: bool = False
    overlaps: bool = False
    grows: int | None = None
    copies: bool = False
    fault: Fault | None = None

    @property
    def records(self) -> list[str]:
        """The keys of all records that are there from the start."""
        keys = [f"r{number}" for number in range(self.count)]
        return [*keys, *keys[: int(self.copies)]]

    def answer(self, target: str, before: Sequence[str]) -> Answer:
        """What it answers to a request after those in ``before``."""
        asked = {name: values[-1] for name, values in parse_qs(urlsplit(target).query).items()}
        grown = self.grows is not None and len(before) >= self.grows
        view = _View(self, asked, ["new", *self.records] if grown else self.records)
        place = view.place()
        fault = self.fault
        if fault is not None and place == fault.page and (fault.always or target not in before):
            return _failed(fault.kind, view, place)
        return view.at(place)


@dataclass(frozen=True)
class _View:
    """The records as one request sees them."""

    server: PagingServer
    asked: dict[str, str]
    records: list[str]

    @property
    def step(self) -> int:
        if self.server.mode == "none":
            return max(1, len(self.records))
        return min(int(self.asked.get("limit", self.server.size)), self.server.cap)

    @property
    def pages(self) -> list[list[str]]:
        step = self.step
        starts = range(0, len(self.records), step)
        before = int(self.server.overlaps)
        pages = [self.records[max(0, at - before) : at + step] for at in starts] or [[]]
        if self.server.hole is not None and self.server.hole < len(pages):
            pages.insert(self.server.hole, [])
        return pages

    def place(self) -> int:
        """The number from 0 of the page that is asked for."""
        server, asked = self.server, self.asked
        if server.ignores or server.mode == "none":
            return 0
        if server.mode == "offset":
            offset, last = int(asked.get("offset", 0)), len(self.pages) - 1
            within = offset < max(1, len(self.records))
            return min(offset // self.step, last) if within else last + 1
        if server.mode == "page":
            return int(asked.get("page", server.first)) - server.first
        return int(asked.get("at", "t0").removeprefix("t"))

    def at(self, place: int) -> Answer:
        server, last = self.server, len(self.pages) - 1
        if place < 0 and server.below == "fails":
            return 400, {}, b'{"error": "no such page"}'
        if place < 0:
            return self.page(0) if server.below == "first" else self.body([], 0)
        if server.window is not None and server.mode == "page":
            return self.page(min(place, server.window, last)) if place <= last else self._end(place)
        return self.page(place) if place <= last else self._end(place)

    def page(self, place: int) -> Answer:
        if self.server.mode == "offset" and not self.server.ignores:
            start = int(self.asked.get("offset", 0))
            return self.body(self.records[start : start + self.step], place)
        return self.body(self.pages[place], place)

    def _end(self, place: int) -> Answer:
        """Behind the last page."""
        behind, last = self.server.behind, len(self.pages) - 1
        if behind in _EMPTY_ANSWERS:
            return _EMPTY_ANSWERS[behind]
        if behind == "clamp":
            return self.body(self.records[-self.step :], last)
        if behind in REPEATS:
            at = place % (last + 1) if behind == "again" else last
            again = {"servedAt": place} if behind == "changing" else {}
            return self.body(self.records[at * self.step :][: self.step], at, **again)
        return self.body([], max(place, last))

    def body(self, keys: Sequence[str], place: int, **more: Any) -> Answer:
        server, pages = self.server, self.pages
        told: dict[str, Any] = {
            "hasMore": self._has_more(keys, place),
            "total": len(self.records),
            "totalPages": len(pages),
        }
        members: dict[str, Any] = {**more}
        headers = {}
        if server.says == "totalHeader":
            headers["X-Total-Count"] = str(len(self.records))
        elif server.says == "hasMore":
            members["more"] = told["hasMore"]
        elif server.says is not None:
            members["meta"] = {SAYS[server.says].partition(".")[2]: told[server.says]}
        members |= self._next(place)
        data = b", ".join(sale(key) for key in keys)
        head = json.dumps(members)[:-1] + (", " if members else "")
        return 200, headers, head.encode() + b'"data": [' + data + b"]}"

    def _has_more(self, keys: Sequence[str], place: int) -> bool:
        if self.server.mode == "offset" and not self.server.ignores:
            return int(self.asked.get("offset", 0)) + len(keys) < len(self.records)
        return place + 1 < len(self.pages)

    def _next(self, place: int) -> dict[str, Any]:
        """The member that leads on."""
        server, last = self.server, len(self.pages) - 1
        if server.mode not in ("cursor", "nextUrl"):
            return {}
        if place >= last and server.behind != "self":
            ends: dict[str, Any] = {"null": None, "blank": "", "false": False}
            return {"next": ends[server.behind]} if server.behind in ends else {}
        token = f"t{min(place, last) + 1}"
        if server.mode == "cursor":
            return {"next": token}
        query = "?" + urlencode({**self.asked, "at": token})
        starts = {"absolute": f"https://{HOME}/items", "relative": "items", "query": ""}
        return {"next": starts[server.link] + query}


def _failed(kind: str, view: _View, place: int) -> Answer:
    status, headers, body = view.at(place)
    failures: dict[str, Answer] = {
        "error": (200, {}, b'{"error": {"code": "rate_limited"}}'),
        "pending": (202, {}, b'{"status": "pending"}'),
        "partial": (206, headers, view.body([], place)[2]),
        "truncated": (status, headers, body[: len(body) // 2]),
        "broken": (500, {}, b"<html>sorry</html>"),
        "null": (200, {}, b'{"data": null}'),
        "blank": (204, {}, b""),
        "missing": (404, {}, b"<html>none</html>"),
    }
    return failures[kind]
