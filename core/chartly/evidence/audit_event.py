"""Audit events: CloudEvents 1.0 with the types of contracts section 9."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from chartly.api.reference import PROFILE_KINDS, Project
from chartly.errors import Bug

EVENT_TYPES = (
    "profile.created",
    "profile.deprecated",
    "profile.deleted",
    "workflow.created",
    "workflow.updated",
    "workflow.deleted",
    *(f"{kind}.profile.resolved" for kind in PROFILE_KINDS),
    "workflow.run.started",
    "workflow.run.succeeded",
    "workflow.run.failed",
    "workflow.run.cancelled",
    "connector.run.started",
    "connector.run.succeeded",
    "connector.run.failed",
    "normalizer.run.started",
    "normalizer.run.succeeded",
    "normalizer.run.failed",
    "dataset.updated",
    "dataset.deleted",
    "analytics.query.executed",
    "access.denied",
)
UNVERIFIED = "unverified"
"""The actor where no identity was proven."""

Data = Mapping[str, object]


@dataclass(frozen=True)
class Source:
    """The subject and actor of an audit event."""

    project: Project
    actor: str = UNVERIFIED
    run_id: str | None = None
    attempt: int | None = None


def audit_event(
    kind: str, source: Source, number: int, moment: datetime, data: Data
) -> dict[str, object]:
    """A CloudEvent; its id is a function of its subject and number, so a repeat has the same id.

    Args:
        number: the position in the chain, from 1.
        data: digests and counts; whole numbers and texts, never floats.

    Raises:
        Bug: the kind is not one of ``EVENT_TYPES``.
    """
    if kind not in EVENT_TYPES:
        raise Bug(f"{kind!r} is not an audit event")
    chain = source.run_id or str(source.project)
    chain += f"/{source.attempt}" if source.attempt is not None else ""
    return {
        "specversion": "1.0",
        "id": f"{chain}/{number}",
        "source": f"chartly/{source.project}",
        "type": kind,
        "subject": source.run_id or str(source.project),
        "time": moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "datacontenttype": "application/json",
        "data": {"actor": source.actor, **data},
    }
