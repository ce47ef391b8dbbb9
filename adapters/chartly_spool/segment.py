"""What travels through the spool: the state to start from, segments, and the end."""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from chartly.errors import Reason, RunError
from chartly.warning import RunWarning, parsed

Position = dict[str, str | int]
"""Where in a stream the next page is asked for; its members are the paging mode's own."""

STATE = "state.json"
END = "end.json"
_MAX_METADATA = 64 * 1024


@dataclass(frozen=True)
class StreamState:
    """Where a stream goes on: after the last committed page of this run.

    Attributes:
        seen: hashes of the page tokens that the run has followed, for loop detection.
        complete: every page is committed already; nothing is left to pull.
    """

    next_number: int = 0
    position: Position | None = None
    seen: tuple[str, ...] = ()
    complete: bool = False


@dataclass(frozen=True)
class State:
    streams: dict[str, StreamState] = field(default_factory=dict)


@dataclass(frozen=True)
class SegmentMeta:
    """One page on its way.

    Attributes:
        number: counts the pages of a stream within the run, over all attempts.
        position: where to go on after this page; None after the last.
        token_hash: hash of the page token that led here.
    """

    number: int
    stream: str
    size: int
    sha256: str
    url: str
    status: int
    records: int
    position: Position | None
    token_hash: str


@dataclass(frozen=True)
class Segment:
    meta: SegmentMeta
    body: bytes


@dataclass(frozen=True)
class Counters:
    """What the connector did."""

    pages: int = 0
    requests: int = 0
    retries: int = 0
    bytes: int = 0
    throttled_seconds: float = 0.0
    codes: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class End:
    """How the connector ended; without it the connector is still there, or lost."""

    pages: int
    reason: Reason
    message: str
    counters: Counters
    warnings: tuple[RunWarning, ...] = ()


def body_name(number: int) -> str:
    return f"{number:08d}.page"


def meta_name(number: int) -> str:
    return f"{number:08d}.json"


def digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def dump(value: State | SegmentMeta | End) -> bytes:
    """The JSON of a message."""
    return json.dumps(asdict(value), sort_keys=True).encode()


def load_state(path: Path) -> State:
    """Where to start; it names every page token of the run, so it has no limit of size."""
    raw = _object(path, None)
    streams = {
        name: StreamState(one["next_number"], one["position"], tuple(one["seen"]), one["complete"])
        for name, one in raw["streams"].items()
    }
    return State(streams)


def load_meta(path: Path) -> SegmentMeta:
    """Metadata of a segment, checked: segments are untrusted input.

    Raises:
        RunError: ``PeerLost``: it is not what a connector writes.
    """
    try:
        meta = SegmentMeta(**_object(path))
        whole = (
            all(type(one) is int for one in (meta.number, meta.size, meta.status, meta.records))
            and all(
                isinstance(one, str)
                for one in (meta.stream, meta.sha256, meta.url, meta.token_hash)
            )
            and isinstance(meta.position, dict | None)
        )
    except TypeError:
        whole = False
    if not whole or meta_name(meta.number) != path.name:
        raise RunError(Reason.PEER_LOST, f"spool segment {path.name} has no usable metadata")
    return meta


def load_end(path: Path) -> End:
    """How a connector ended, checked as segments are.

    Raises:
        RunError: ``PeerLost``: it is not what a connector writes.
    """
    raw = _object(path)
    try:
        end = End(
            raw["pages"],
            Reason(raw["reason"]),
            raw["message"],
            Counters(**raw["counters"]),
            parsed(raw.get("warnings", [])),
        )
        whole = type(end.pages) is int and isinstance(end.message, str) and _whole(end.counters)
    except (AttributeError, KeyError, TypeError, ValueError):
        whole = False
    if not whole:
        raise RunError(Reason.PEER_LOST, f"spool file {path.name} is not what a connector writes")
    return end


def _whole(counters: Counters) -> bool:
    counts = (counters.pages, counters.requests, counters.retries, counters.bytes)
    return (
        all(type(one) is int for one in (*counts, *counters.codes.values()))
        and type(counters.throttled_seconds) in (int, float)
        and all(code.isdigit() for code in counters.codes)
    )


def _object(path: Path, limit: int | None = _MAX_METADATA) -> dict[str, Any]:
    with path.open("rb") as file:
        raw = file.read(limit)
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise RunError(Reason.PEER_LOST, f"spool file {path.name} is not whole")
    return value
