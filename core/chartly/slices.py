"""The unit of a run: a stream, a partition of it, and a window of time; and its progress."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

Position = dict[str, str | int]
"""The position of the next page in a slice; its members depend on the mode of paging."""

_WINDOW = re.compile(r"[0-9A-Z:.+-]+/[0-9A-Z:.+-]+")
_SEPARATOR = "@"


@dataclass(frozen=True, order=True)
class Slice:
    """The unit of plan, pull, spool, commit and state.

    Attributes:
        partition: the partition's values as canonical JSON; empty if the stream has none.
        window: ``start/end``, both inclusive; empty if the stream is not pulled by windows.

    Raises:
        ValueError: partition or window has another form.
    """

    stream: str
    partition: str = ""
    window: str = ""

    def __post_init__(self) -> None:
        if self.partition and self.partition != _canonical(self.partition):
            raise ValueError(f"partition {self.partition!r} is not an object in canonical JSON")
        if self.window and not _WINDOW.fullmatch(self.window):
            raise ValueError(f"window {self.window!r} is not start/end")
        # Half of a surrogate pair is text in Python, but cannot be stored in a file or table.
        str(self).encode()

    @property
    def key(self) -> str:
        """The slice's name within its stream; empty for a plain one."""
        return f"{self.partition}{_SEPARATOR}{self.window}" if self.window else self.partition

    @property
    def is_plain(self) -> bool:
        """Whether the slice is its whole stream."""
        return not self.key

    def __str__(self) -> str:
        return self.stream if self.is_plain else f"{self.stream} {self.key}"


def slice_of(
    stream: str,
    partition: Mapping[str, str] | None = None,
    window: tuple[str, str] | None = None,
) -> Slice:
    """The slice of a partition's values and a window's ends."""
    values = _canonical_json(dict(partition)) if partition else ""
    return Slice(stream, values, "/".join(window) if window else "")


def slice_named(stream: str, key: str) -> Slice:
    """The slice with a key.

    Raises:
        ValueError: no slice has this key.
    """
    # A partition may contain the separator, and ends with a brace; no window does.
    if key.endswith("}"):
        return Slice(stream, key)
    partition, separator, window = key.rpartition(_SEPARATOR)
    if key and (not separator or not window):
        raise ValueError(f"slice {key!r} is neither a partition nor has it a window")
    return Slice(stream, partition, window)


@dataclass(frozen=True)
class SliceState:
    """Where a slice continues: after its last committed page of this run.

    Attributes:
        next_page: counts the pages of the slice within the run, over all attempts.
        seen: hashes of the page tokens that the run has followed, for loop detection.
        complete: whether every page is committed.
    """

    next_page: int = 0
    position: Position | None = None
    seen: tuple[str, ...] = ()
    complete: bool = False


@dataclass(frozen=True)
class PullState:
    """Where a run continues: each of its slices, in the order in which they are pulled.

    Attributes:
        next_number: the number of the run's next page, over all slices and attempts.
    """

    slices: Mapping[Slice, SliceState] = field(default_factory=dict)
    next_number: int = 0


def complete_state(slices: Iterable[Slice]) -> PullState:
    """The state of a run without a page left to pull."""
    return PullState(dict.fromkeys(slices, SliceState(complete=True)))


def _canonical(text: str) -> str | None:
    """The canonical form of a JSON object with members; None for any other text."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return _canonical_json(value) if isinstance(value, dict) and value else None


def _canonical_json(value: Mapping[str, object]) -> str:
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
