"""The unit of a run: a stream, a partition of it, and a window of time; and how far it has come."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

Position = dict[str, str | int]
"""Where in a slice the next page is asked for; its members are the paging mode's own."""

_WINDOW = re.compile(r"[0-9A-Z:.+-]+/[0-9A-Z:.+-]+")
_BETWEEN = "@"


@dataclass(frozen=True, order=True)
class Slice:
    """What is planned, pulled, spooled, committed and remembered as one.

    Attributes:
        partition: the partition's values as canonical JSON; empty where the stream has none.
        window: ``start/end``, both inclusive; empty where the stream is not pulled by windows.

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
        # Half of a surrogate pair is text to Python, and to no file or table.
        str(self).encode()

    @property
    def key(self) -> str:
        """The slice's name within its stream; empty for a plain one."""
        return f"{self.partition}{_BETWEEN}{self.window}" if self.window else self.partition

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
    text = _written(dict(partition)) if partition else ""
    return Slice(stream, text, "/".join(window) if window else "")


def slice_named(stream: str, key: str) -> Slice:
    """The slice that has this key.

    Raises:
        ValueError: no slice has it.
    """
    # A partition may hold the character that stands between, and ends with a brace; no window does.
    if key.endswith("}"):
        return Slice(stream, key)
    partition, between, window = key.rpartition(_BETWEEN)
    if key and (not between or not window):
        raise ValueError(f"slice {key!r} is neither a partition nor has it a window")
    return Slice(stream, partition, window)


@dataclass(frozen=True)
class SliceState:
    """Where a slice goes on: after its last committed page of this run.

    Attributes:
        next_page: counts the pages of the slice within the run, over all attempts.
        seen: hashes of the page tokens that the run has followed, for loop detection.
        complete: every page is committed already; nothing is left to pull.
    """

    next_page: int = 0
    position: Position | None = None
    seen: tuple[str, ...] = ()
    complete: bool = False


@dataclass(frozen=True)
class PullState:
    """Where a run goes on: each of its slices, in the order in which they are pulled.

    Attributes:
        next_number: the number of the run's next page, over all slices and attempts.
    """

    slices: Mapping[Slice, SliceState] = field(default_factory=dict)
    next_number: int = 0


def complete_state(slices: Iterable[Slice]) -> PullState:
    """The state of a run that has nothing left to pull."""
    return PullState(dict.fromkeys(slices, SliceState(complete=True)))


def _canonical(text: str) -> str | None:
    """The canonical form of a JSON object with members; None if it is something else."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return _written(value) if isinstance(value, dict) and value else None


def _written(value: Mapping[str, object]) -> str:
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
