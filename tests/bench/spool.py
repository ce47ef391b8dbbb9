"""Spools full of events, made once and handed out as often as they are read."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from bench.sales import bodies, sales
from bench.wide import wide
from chartly_spool.segment import END, digest
from chartly_spool.spool_writer import DEFAULT_LIMIT, SpoolWriter
from support.loading import segment_meta
from support.spooling import ended

_NO_LIMIT = 1 << 50
_PATIENCE = 120.0

WIDE = "wide"


def fill(spool: str, events: int, order: str, size: int) -> None:
    """Writes all pages and the end, for a loader that comes later."""
    Path(spool).mkdir()
    with SpoolWriter(Path(spool), _NO_LIMIT) as writer:
        _write(writer, _pages(events, order, size), size)


def feed(spool: str, events: int, order: str, size: int) -> None:
    """Writes pages beside a loader, as a connector does; waits wherever the spool is full."""
    with SpoolWriter(Path(spool), DEFAULT_LIMIT) as writer:
        writer.wait_for_state(_PATIENCE)
        _write(writer, _pages(events, order, size), size)


def write_lines(path: str, events: int, order: str) -> None:
    """The same events, one a line."""
    with Path(path).open("w") as out:
        out.writelines(f"{one}\n" for one in _events(events, order))


def hand_out(spool: Path, place: Path) -> None:
    """Gives a loader, which removes what it has read, pages of its own in ``place/spool``."""
    copy = place / "spool"
    copy.mkdir(parents=True)
    for one in (*spool.glob("0*"), spool / END):
        (copy / one.name).hardlink_to(one)


def _events(events: int, order: str) -> Iterator[str]:
    return wide(events) if order == WIDE else sales(events, order)


def _pages(events: int, order: str, size: int) -> Iterator[bytes]:
    return bodies(_events(events, order), size)


def _write(writer: SpoolWriter, pages: Iterator[bytes], size: int) -> None:
    count = 0
    for number, body in enumerate(pages):
        meta = segment_meta(number, body, last=False)
        writer.write(replace(meta, records=size, sha256=digest(body)), body)
        count += 1
    writer.end(ended(count))
