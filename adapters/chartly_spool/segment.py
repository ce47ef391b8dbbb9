"""The files of the spool: the state to start from, segments, and the end.

Each file names its format; a file in the format of another version is refused.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from chartly.errors import Reason, RunError
from chartly.slices import Position, PullState, Slice, SliceState, slice_named
from chartly.warning import RunWarning, parse_warnings

FORMAT = 2
"""Format 1 had no slices, and its files named no format."""
STATE = "state.json"
END = "end.json"
_MAX_METADATA = 64 * 1024
_MAX_END = 64 * 1024 * 1024
"""The end names every slice of the run."""


@dataclass(frozen=True)
class SegmentMeta:
    """The metadata of one spooled page.

    Attributes:
        number: of the page in the run, over all slices and attempts.
        page: number of the page in its slice, over all attempts.
        position: where the slice continues after this page; None after the last.
        token_hash: hash of the page token that led here.
    """

    number: int
    slice: Slice
    page: int
    size: int
    sha256: str
    url: str
    status: int
    records: int
    position: Position | None
    token_hash: str


@dataclass(frozen=True)
class Segment:
    """One spooled page."""

    meta: SegmentMeta
    body: bytes


@dataclass(frozen=True)
class Counters:
    """The connector's traffic."""

    pages: int = 0
    requests: int = 0
    retries: int = 0
    bytes: int = 0
    throttled_seconds: float = 0.0
    codes: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class SliceEnd:
    """How the pull of one slice ended.

    Attributes:
        pages: of the slice that were written.
    """

    slice: Slice
    pages: int
    reason: Reason
    message: str


@dataclass(frozen=True)
class End:
    """How the connector ended; without it, the connector still runs or was lost.

    Attributes:
        slices: how each slice of the state ended; none where the state was not read.
    """

    pages: int
    reason: Reason
    message: str
    counters: Counters
    warnings: tuple[RunWarning, ...] = ()
    slices: tuple[SliceEnd, ...] = ()


def body_name(number: int) -> str:
    return f"{number:08d}.page"


def meta_name(number: int) -> str:
    return f"{number:08d}.json"


def digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def dump_state(state: PullState) -> bytes:
    """The JSON of a state."""
    slices = [{**_names_of(slice_), **asdict(start)} for slice_, start in state.slices.items()]
    return _dumped({"next_number": state.next_number, "slices": slices})


def dump_meta(meta: SegmentMeta) -> bytes:
    """The JSON of a segment's metadata."""
    return _dumped({**vars(meta), **_names_of(meta.slice)})


def dump_end(end: End) -> bytes:
    """The JSON of an end."""
    slices = [{**vars(ended), **_names_of(ended.slice)} for ended in end.slices]
    return _dumped({**asdict(end), "slices": slices})


def load_state(path: Path) -> PullState:
    """The state to start from; it names every page token of the run, so its size has no limit."""
    raw = _object(path, None)
    return PullState(
        {
            slice_named(start["stream"], start["slice"]): SliceState(
                start["next_page"], start["position"], tuple(start["seen"]), start["complete"]
            )
            for start in raw["slices"]
        },
        raw["next_number"],
    )


def load_meta(path: Path) -> SegmentMeta:
    """The validated metadata of a segment, which is untrusted input.

    Raises:
        RunError: ``PeerLost``: it is not what a connector writes.
    """
    raw = _object(path)
    try:
        meta = SegmentMeta(slice=_take_slice(raw), **raw)
        whole = (
            all(
                type(number) is int
                for number in (meta.number, meta.page, meta.size, meta.status, meta.records)
            )
            and all(isinstance(value, str) for value in (meta.sha256, meta.url, meta.token_hash))
            and isinstance(meta.position, dict | None)
        )
    except (KeyError, TypeError, ValueError):
        whole = False
    if not whole or meta_name(meta.number) != path.name:
        raise RunError(Reason.PEER_LOST, f"spool segment {path.name} has no usable metadata")
    return meta


def load_end(path: Path) -> End:
    """How a connector ended, validated as segments are.

    Raises:
        RunError: ``PeerLost``: it is not what a connector writes.
    """
    raw = _object(path, _MAX_END)
    try:
        end = End(
            raw["pages"],
            Reason(raw["reason"]),
            raw["message"],
            Counters(**raw["counters"]),
            parse_warnings(raw.get("warnings", [])),
            tuple(map(_slice_end, raw["slices"])),
        )
        whole = (
            isinstance(raw["slices"], list)
            and _has_types(end)
            and all(map(_has_types, end.slices))
            and _has_counts(end.counters)
        )
    except (AttributeError, KeyError, TypeError, ValueError):
        whole = False
    if not whole:
        raise RunError(Reason.PEER_LOST, f"spool file {path.name} is not what a connector writes")
    return end


def _slice_end(raw: dict[str, Any]) -> SliceEnd:
    return SliceEnd(_take_slice(raw), raw["pages"], Reason(raw["reason"]), raw["message"])


def _has_types(end: End | SliceEnd) -> bool:
    return type(end.pages) is int and isinstance(end.message, str)


def _has_counts(counters: Counters) -> bool:
    counts = (counters.pages, counters.requests, counters.retries, counters.bytes)
    return (
        all(type(count) is int for count in (*counts, *counters.codes.values()))
        and type(counters.throttled_seconds) in (int, float)
        and all(code.isdigit() for code in counters.codes)
    )


def _names_of(slice_: Slice) -> dict[str, str]:
    """The JSON members that name a slice, in each file."""
    return {"stream": slice_.stream, "slice": slice_.key}


def _take_slice(raw: dict[str, Any]) -> Slice:
    """Removes the members that name a slice from a file's object, and returns the slice.

    Raises:
        KeyError, TypeError, ValueError: they are absent or name none.
    """
    stream, key = raw.pop("stream"), raw.pop("slice")
    if not isinstance(stream, str) or not isinstance(key, str):
        raise TypeError(key)
    return slice_named(stream, key)


def _dumped(value: Mapping[str, object]) -> bytes:
    return json.dumps({"format": FORMAT, **value}, sort_keys=True).encode()


def _object(path: Path, limit: int | None = _MAX_METADATA) -> dict[str, Any]:
    with path.open("rb") as file:
        raw = file.read(limit)
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise RunError(Reason.PEER_LOST, f"spool file {path.name} is not whole")
    written = value.pop("format", 1)
    if written != FORMAT:
        raise RunError(
            Reason.PEER_LOST,
            f"spool file {path.name} is in format {written!r}, and this version reads format "
            f"{FORMAT}: connector and loader must be of one version",
        )
    return value
