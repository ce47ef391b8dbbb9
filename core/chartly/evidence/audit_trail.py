"""The trail of a run: its audit events in order, and those that a complete run must have."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from chartly.errors import REASONS, Reason
from chartly.evidence.audit_event import UNVERIFIED, Data, Source, audit_event
from chartly.evidence.hash_chain import Entry, Head, append, head_of

STARTED = "workflow.run.started"
_FAILED = "workflow.run.failed"
_ENDS = {
    Reason.SUCCEEDED: "workflow.run.succeeded",
    Reason.CANCELLED: "workflow.run.cancelled",
}
_END_TYPES = (*_ENDS.values(), _FAILED)


class Trail:
    """Collects the events of one attempt into a chain.

    Args:
        now: returns the time of an event.
    """

    def __init__(
        self, source: Source, now: Callable[[], datetime], head: Head | None = None
    ) -> None:
        self._source = source
        self._now = now
        self.head = head or Head()
        self.entries: list[Entry] = []

    def record(self, kind: str, data: Data | None = None) -> None:
        """Appends an event."""
        event = audit_event(kind, self._source, self.head.count + 1, self._now(), data or {})
        entry = append(self.head, event)
        self.entries.append(entry)
        self.head = head_of(entry)


def end_type(reason: Reason) -> str:
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
    """The required types that no entry has; empty when the evidence is complete."""
    present = {entry.event["type"] for entry in entries}
    return tuple(kind for kind in required if kind not in present)


def is_ended(entries: Sequence[Entry], kinds: Iterable[str], reason: Reason) -> bool:
    """Whether a chain has the events that an attempt that did not succeed must have.

    These are the resolved profiles, then the start of the run, and last its end. The events in
    between depend on how far the attempt came.

    Args:
        kinds: the kinds of the profiles that it resolved.
    """
    types = [entry.event["type"] for entry in entries]
    if STARTED not in types:
        return False
    resolved = {f"{kind}.profile.resolved" for kind in kinds}
    first = types.index(STARTED)
    data = entries[-1].event.get("data")
    recorded = data.get("reason") if isinstance(data, dict) else None
    return (
        set(types[:first]) == resolved
        and types[-1] == end_type(reason)
        and recorded == reason.value
    )


def closing_event(entries: Sequence[Entry]) -> tuple[str, dict[str, object]]:
    """The event that closes an attempt that is over: its own end, or that it died without one.

    Args:
        entries: its chain as it is stored, at least one entry.

    Returns:
        The type and data of the event, with the actor.
    """
    last = entries[-1].event
    data = last.get("data")
    content: dict[str, object] = {"actor": UNVERIFIED, **(data if isinstance(data, dict) else {})}
    if last["type"] in _END_TYPES:
        return str(last["type"]), content
    died = Reason.UNCLASSIFIED
    return _FAILED, {
        "actor": content["actor"],
        "reason": died.value,
        "message": REASONS[died].meaning,
    }
