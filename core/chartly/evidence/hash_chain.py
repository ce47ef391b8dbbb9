"""The hash chain: each entry holds the hash of the one before it (INV-9)."""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import rfc8785

GENESIS = "0" * 64
"""The previous hash of the first entry."""
_HEAD = re.compile(r"([0-9]{1,18}):([0-9a-f]{64})")


@dataclass(frozen=True)
class Head:
    """The end of a chain: how many entries it has, and the hash of the last."""

    count: int = 0
    hash: str = GENESIS

    def __str__(self) -> str:
        return f"{self.count}:{self.hash}"


@dataclass(frozen=True)
class Entry:
    """One event at its position in a chain."""

    sequence: int
    previous: str
    hash: str
    event: Mapping[str, object]


class Fault(StrEnum):
    """The first fault of a chain."""

    EDITED = "edited"
    """The content of an entry does not have its hash."""
    MISSING = "missing"
    """An entry between two others is gone."""
    INSERTED = "inserted"
    """Two entries have one position."""
    REORDERED = "reordered"
    """An entry is not at the position that it was written for."""
    TRUNCATED = "truncated"
    """The end is gone: the head that was recorded elsewhere counts more entries."""
    RESTAMPED = "restamped"
    """An entry was hashed again after others followed it, or after its head was recorded."""


@dataclass(frozen=True)
class Verdict:
    """The result of a check; without a fault the chain is whole.

    Attributes:
        count: how many entries are whole, from the first.
        head: the hash of the last of these.
        sequence: the entry with the fault; 0 when there is none.
    """

    count: int
    head: str
    fault: Fault | None = None
    sequence: int = 0


@dataclass(frozen=True)
class ChainVerdict:
    """The result of a check of one chain by its name: a run's attempt, or the project.

    Attributes:
        unchained: entries after the head that is recorded elsewhere. They are whole, but a cut
            among them could not be detected.
    """

    chain: str
    verdict: Verdict
    unchained: int = 0


def append(head: Head, event: Mapping[str, object]) -> Entry:
    """The entry that follows ``head``."""
    sequence = head.count + 1
    return Entry(sequence, head.hash, entry_hash(sequence, head.hash, event), event)


def entry_hash(sequence: int, previous: str, event: Mapping[str, object]) -> str:
    """SHA-256 over the canonical JSON (RFC 8785) of an entry without its hash."""
    content: dict[str, Any] = {"sequence": sequence, "previous": previous, "event": event}
    return hashlib.sha256(rfc8785.dumps(content)).hexdigest()


def head_of(entry: Entry) -> Head:
    return Head(entry.sequence, entry.hash)


def parse_head(text: str) -> Head:
    """Parses a head in the form of ``str``.

    Raises:
        ValueError: the text has another form.
    """
    head = _HEAD.fullmatch(text)
    if head is None:
        raise ValueError(f"{text[:80]!r} is not a count and a hash")
    return Head(int(head[1]), head[2])


def verify(entries: Iterable[Entry], expected: Head | None = None) -> Verdict:
    """Checks a chain in its stored order, and against the head that was recorded elsewhere.

    Without ``expected`` a cut at the end and a replaced chain cannot be detected. A chain may
    continue after ``expected``.
    """
    chain = list(entries)
    head = Head()
    hashes = {0: GENESIS}
    for place, entry in enumerate(chain):
        fault = _fault(chain, place, head)
        if fault is not None:
            return Verdict(head.count, head.hash, *fault)
        head = head_of(entry)
        hashes[entry.sequence] = entry.hash
    if expected is not None and expected.count > head.count:
        return Verdict(head.count, head.hash, Fault.TRUNCATED, head.count + 1)
    if expected is not None and hashes[expected.count] != expected.hash:
        return Verdict(head.count, head.hash, Fault.RESTAMPED, expected.count)
    return Verdict(head.count, head.hash)


def _fault(chain: Sequence[Entry], place: int, head: Head) -> tuple[Fault, int] | None:
    entry, due = chain[place], head.count + 1
    if entry.sequence > due:
        later = any(other.sequence == due for other in chain[place:])
        return (Fault.REORDERED if later else Fault.MISSING), due
    if entry.sequence < due or _claimed_twice(chain, place):
        return Fault.INSERTED, entry.sequence
    if not _stamped(entry, entry.sequence):
        moved = any(_stamped(entry, other.sequence) for other in chain)
        return (Fault.REORDERED if moved else Fault.EDITED), due
    if entry.previous != head.hash:
        return Fault.RESTAMPED, max(head.count, 1)
    return None


def _claimed_twice(chain: Sequence[Entry], place: int) -> bool:
    return place + 1 < len(chain) and chain[place + 1].sequence == chain[place].sequence


def _stamped(entry: Entry, sequence: int) -> bool:
    """Whether the entry's hash is that of its content at a position."""
    try:
        return entry.hash == entry_hash(sequence, entry.previous, entry.event)
    except rfc8785.CanonicalizationError:
        return False


def verify_chain(chain: str, entries: Sequence[Entry], recorded: Head | None) -> ChainVerdict:
    """Checks a chain by its name, and counts the entries after the recorded head."""
    verdict = verify(entries, recorded)
    covered = recorded.count if recorded else 0
    return ChainVerdict(chain, verdict, 0 if verdict.fault else verdict.count - covered)
