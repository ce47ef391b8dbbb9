"""The hash chain: each entry holds the hash of the one before it (INV-9)."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import rfc8785

GENESIS = "0" * 64
"""What stands for the hash before the first entry."""


@dataclass(frozen=True)
class Head:
    """The end of a chain: how many entries it has, and the hash of the last."""

    count: int = 0
    hash: str = GENESIS

    def __str__(self) -> str:
        return f"{self.count}:{self.hash}"


@dataclass(frozen=True)
class Entry:
    """One event in its place."""

    sequence: int
    previous: str
    hash: str
    event: Mapping[str, object]


class Fault(StrEnum):
    """What is wrong with a chain, at the first place where it shows."""

    EDITED = "edited"
    MISSING = "missing"
    INSERTED = "inserted"
    REORDERED = "reordered"
    TRUNCATED = "truncated"
    RESTAMPED = "restamped"


@dataclass(frozen=True)
class Verdict:
    """The result of a check; no fault means that the chain is whole."""

    count: int
    head: str
    fault: Fault | None = None
    sequence: int = 0


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
    """A head as ``str`` writes it."""
    count, _, found = text.partition(":")
    return Head(int(count), found)


def verify(entries: Iterable[Entry], expected: Head | None = None) -> Verdict:
    """Checks a chain in its stored order, and against the head that was recorded elsewhere.

    Without ``expected`` a cut at the end and a chain that was made anew cannot be seen.
    """
    head = Head()
    hashes: dict[int, str] = {}
    for entry in entries:
        fault = _fault(entry, head)
        if fault is not None:
            return Verdict(head.count, head.hash, fault, head.count + 1)
        head = head_of(entry)
        hashes[entry.sequence] = entry.hash
    if expected is not None and expected.count > head.count:
        return Verdict(head.count, head.hash, Fault.TRUNCATED, head.count + 1)
    if expected is not None and hashes.get(expected.count, GENESIS) != expected.hash:
        return Verdict(head.count, head.hash, Fault.RESTAMPED, expected.count)
    return Verdict(head.count, head.hash)


def _fault(entry: Entry, head: Head) -> Fault | None:
    if entry.sequence > head.count + 1:
        return Fault.MISSING
    if entry.sequence == head.count:
        return Fault.INSERTED
    if entry.sequence < head.count:
        return Fault.REORDERED
    if entry.hash != entry_hash(entry.sequence, entry.previous, entry.event):
        return Fault.EDITED
    return Fault.MISSING if entry.previous != head.hash else None
