"""A run's trail: its audit events in order, and which of them a complete run must have."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from chartly.errors import REASONS, Reason
from chartly.evidence.chain import Entry, Head, append, head_of
from chartly.evidence.event import UNVERIFIED, Data, Source, audit_event

STARTED = "workflow.run.started"
_FAILED = "workflow.run.failed"
_ENDS = {
    Reason.SUCCEEDED: "workflow.run.succeeded",
    Reason.CANCELLED: "workflow.run.cancelled",
}
_LAST_WORDS = (*_ENDS.values(), _FAILED)


class Trail:
    """Collects the events of one attempt into a chain.

    Args:
        now: the time of an event, when it is said.
    """

    def __init__(
        self, source: Source, now: Callable[[], datetime], head: Head | None = None
    ) -> None:
        self._source = source
        self._now = now
        self.head = head or Head()
        self.entries: list[Entry] = []

    def say(self, kind: str, data: Data | None = None) -> None:
        """Adds an event."""
        event = audit_event(kind, self._source, self.head.count + 1, self._now(), data or {})
        entry = append(self.head, event)
        self.entries.append(entry)
        self.head = head_of(entry)


def last_word(reason: Reason) -> str:
    """The type of the event that ends an attempt."""
    return _ENDS.get(reason, _FAILED)


def required_types(kinds: Iterable[str], outputs: int) -> tuple[str, ...]:
    """The event types of a run that succeeded.

    Args:
        kinds: the kinds of the profiles that it resolved.
        outputs: how many analytics queries it has.
    """
    resolved = tuple(f"{kind}.profile.resolved" for kind in dict.fromkeys(kinds))
    return (
        *resolved,
        STARTED,
        "connector.run.started",
        "connector.run.succeeded",
        "normalizer.run.started",
        "normalizer.run.succeeded",
        "dataset.updated",
        *(("analytics.query.executed",) if outputs else ()),
        "workflow.run.succeeded",
    )


def missing_types(entries: Iterable[Entry], required: Iterable[str]) -> tuple[str, ...]:
    """The required types that no entry has; a success has all its evidence when there is none."""
    said = {entry.event["type"] for entry in entries}
    return tuple(kind for kind in required if kind not in said)


def is_ended(entries: Sequence[Entry], kinds: Iterable[str], reason: Reason) -> bool:
    """Whether a chain holds what an attempt that did not succeed must have.

    It says which profiles were resolved, then that the run started, and last how it ended. How far
    the attempt came in between is not known beforehand.

    Args:
        kinds: the kinds of the profiles that it resolved.
    """
    types = [entry.event["type"] for entry in entries]
    if STARTED not in types:
        return False
    resolved = {f"{kind}.profile.resolved" for kind in kinds}
    first = types.index(STARTED)
    data = entries[-1].event.get("data")
    told = data.get("reason") if isinstance(data, dict) else None
    return (
        set(types[:first]) == resolved and types[-1] == last_word(reason) and told == reason.value
    )


def closing(entries: Sequence[Entry]) -> tuple[str, dict[str, object]]:
    """What to say of an attempt that is over: its own last word, or that it died without one.

    Args:
        entries: its chain as it is stored, at least one entry.

    Returns:
        An event's type and data, the actor among them.
    """
    last = entries[-1].event
    data = last.get("data")
    said: dict[str, object] = {"actor": UNVERIFIED, **(data if isinstance(data, dict) else {})}
    if last["type"] in _LAST_WORDS:
        return str(last["type"]), said
    died = Reason.UNCLASSIFIED
    return _FAILED, {
        "actor": said["actor"],
        "reason": died.value,
        "message": REASONS[died].meaning,
    }
