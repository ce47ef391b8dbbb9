"""The progress of a stream through its pages, and its stored form."""

from dataclasses import dataclass, replace

from chartly.egress.stop_rules import PageFacts
from chartly.slices import Position

_STORED = ("pages", "records", "largest", "total", "empty", "last", "end", "unseen", "owed")


@dataclass(frozen=True)
class PullProgress:
    """The progress of a stream: all that a later attempt needs to continue as if uninterrupted.

    Attributes:
        next: the token, number or absolute link of the next page; None for the first one.
        pages: how many were received.
        records: how many they contained, before any filter.
        largest: how many the largest page contained.
        total: the most records that the API declared, by ``pagination.stop``.
        empty: how many of the last pages in a row had no record.
        last: digest of the last page's records, where pages are counted.
        end: 1 when no page is left.
        unseen: 1 when no page had the paging member.
        owed: 1 when the API declared more pages with the last one, by ``pagination.stop``.
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
        """The stored form, without members that are empty or 0."""
        stored: Position = {} if self.next is None else {"next": self.next}
        for name in _STORED:
            if getattr(self, name):
                stored[name] = getattr(self, name)
        return stored

    def after(self, page: PageFacts) -> "PullProgress":
        """The progress with one more page, still at that page."""
        return replace(
            self,
            pages=self.pages + 1,
            records=self.records + page.size,
            largest=max(self.largest, page.size),
            empty=0 if page.size else self.empty + 1,
            last=page.digest,
        )


def progress_at(position: Position) -> PullProgress:
    """The progress stored as ``position``; a member that an older version did not store is 0."""
    counts = {name: int(position.get(name, 0)) for name in _STORED if name != "last"}
    return PullProgress(next=position.get("next"), last=str(position.get("last", "")), **counts)
