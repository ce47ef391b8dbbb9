"""How far a stream has come through its pages, in the form in which that is stored."""

from dataclasses import dataclass, replace

from chartly.egress.ends import PageFacts
from chartly.slices import Position

_STORED = ("pages", "records", "largest", "total", "empty", "last", "end", "unseen", "owed")


@dataclass(frozen=True)
class PullCourse:
    """How far a stream has come: all that a later attempt has to know to go on as if uncut.

    Attributes:
        next: the token, number or absolute link of the next page; None for the first one.
        pages: how many came.
        records: how many they held, before any filter.
        largest: how many the largest page held.
        total: the most records that the API said there are, by ``pagination.stop``.
        empty: how many pages without a record came last.
        last: digest of the last page's records, where pages are counted.
        end: 1 when no page is left.
        unseen: 1 when no page had the paging member.
        owed: 1 when the API said with the last page, by ``pagination.stop``, that there are more.
    """

    next: str | int | None = None
    pages: int = 0
    records: int = 0
    largest: int = 0
    total: int = 0
    empty: int = 0
    last: str = ""
    end: int = 0
    unseen: int = 0
    owed: int = 0

    def position(self) -> Position:
        """The course as it is stored: what says nothing is left out."""
        stored: Position = {} if self.next is None else {"next": self.next}
        for name in _STORED:
            if getattr(self, name):
                stored[name] = getattr(self, name)
        return stored

    def after(self, page: PageFacts) -> "PullCourse":
        """The course with a page more, still at that page."""
        return replace(
            self,
            pages=self.pages + 1,
            records=self.records + page.size,
            largest=max(self.largest, page.size),
            empty=0 if page.size else self.empty + 1,
            last=page.digest,
        )


def course_at(position: Position) -> PullCourse:
    """The course that was stored as ``position``; what an older version did not store is 0."""
    counts = {name: int(position.get(name, 0)) for name in _STORED if name != "last"}
    return PullCourse(next=position.get("next"), last=str(position.get("last", "")), **counts)
