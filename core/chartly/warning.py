"""The warnings that a run can end with: what may be wrong although nothing failed.

A warning does not change the reason of a run; ``chartly run --fail-on-warning`` ends such a run
with ``WarningsRefused``.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from enum import StrEnum

MAX_WARNINGS = 10
"""Warnings of a result at most; each reason has a place among them."""
MAX_MESSAGE = 300
"""Characters of a warning's message."""
MAX_OBJECT = 100
"""Characters of a warning's object."""


class WarningReason(StrEnum):
    """The closed list of warnings, shared by the command line, status and documentation."""

    PAGING_FIELD_NEVER_SEEN = "PagingFieldNeverSeen"
    MAPPING_NEVER_MATCHED = "MappingNeverMatched"
    CREDENTIAL_ECHOED = "CredentialEchoed"
    DUPLICATE_KEYS = "DuplicateKeys"
    TIMES_TRUNCATED = "TimesTruncated"
    WINDOW_SEALED = "WindowSealed"
    PAGE_SIZE_CAPPED = "PageSizeCapped"
    TOTAL_NOT_REACHED = "TotalNotReached"
    UNCLASSIFIED = "Unclassified"


WARNINGS: dict[WarningReason, str] = {
    WarningReason.PAGING_FIELD_NEVER_SEEN: (
        "no page of the run had the paging member that the profile names"
    ),
    WarningReason.MAPPING_NEVER_MATCHED: "a mapped path matched in no record of the run",
    WarningReason.CREDENTIAL_ECHOED: (
        "the API sent the credential back; it was replaced before anything was stored"
    ),
    WarningReason.DUPLICATE_KEYS: "an object holds a key twice; the last value was taken",
    WarningReason.TIMES_TRUNCATED: "times were cut to the resolution of their column",
    WarningReason.WINDOW_SEALED: "windows that lost rows to retention were not computed again",
    WarningReason.PAGE_SIZE_CAPPED: "the API sends fewer records per page than requested",
    WarningReason.TOTAL_NOT_REACHED: (
        "fewer records were received than the API declared, or some of them twice"
    ),
    WarningReason.UNCLASSIFIED: "a warning of another version, which this one does not have",
}
"""The meaning of each warning, for the reference documentation."""


@dataclass(frozen=True)
class RunWarning:
    """One warning of a run.

    Attributes:
        object: the field of a profile, or the place in a page, that the warning is about.
        message: one sentence without a secret.
        count: how often it occurred.
    """

    reason: WarningReason
    object: str
    message: str
    count: int = 1


def merge_warnings(warnings: Iterable[RunWarning]) -> tuple[RunWarning, ...]:
    """Merges the warnings of each reason and object: counts are added, the first message is kept.

    Returns at most ``MAX_WARNINGS``, with their messages cut to ``MAX_MESSAGE`` characters; the
    first of each reason comes first. The first of a reason also counts those beyond the limit.
    """
    distinct: dict[tuple[WarningReason, str], RunWarning] = {}
    for warning in warnings:
        key = (warning.reason, warning.object[:MAX_OBJECT])
        distinct[key] = _added(distinct[key], warning) if key in distinct else _cut(warning)
    firsts = {warning.reason: warning for warning in reversed(distinct.values())}
    others = [warning for warning in distinct.values() if firsts[warning.reason] is not warning]
    room = MAX_WARNINGS - len(firsts)
    for warning in others[room:]:
        firsts[warning.reason] = _added(firsts[warning.reason], warning)
    reasons = dict.fromkeys(warning.reason for warning in distinct.values())
    return (*(firsts[reason] for reason in reasons), *others[:room])


def _added(before: RunWarning, warning: RunWarning) -> RunWarning:
    return replace(before, count=before.count + warning.count)


def _cut(warning: RunWarning) -> RunWarning:
    return replace(
        warning, object=warning.object[:MAX_OBJECT], message=warning.message[:MAX_MESSAGE]
    )


def warning_documents(warnings: Iterable[RunWarning]) -> list[dict[str, object]]:
    """Warnings as a JSON array."""
    return [{**asdict(warning), "reason": warning.reason.value} for warning in warnings]


def parse_warnings(raw: object) -> tuple[RunWarning, ...]:
    """Parses the output of ``warning_documents``.

    Raises:
        ValueError: the input has another form.
    """
    if not isinstance(raw, list):
        raise ValueError(f"warnings: must be a list, not {type(raw).__name__}")  # noqa: TRY004 - the caller handles one kind of damage
    return tuple(_parsed_warning(member) for member in raw)


def _parsed_warning(raw: object) -> RunWarning:
    if not isinstance(raw, dict) or raw.keys() != RunWarning.__dataclass_fields__.keys():
        raise ValueError("warnings: each has reason, object, message and count")
    texts = all(isinstance(raw[name], str) for name in ("reason", "object", "message"))
    if not texts or type(raw["count"]) is not int or raw["count"] < 1:
        raise ValueError("warnings: count is a whole number from 1, the others are text")
    reason, message = _recorded_reason(raw["reason"], raw["message"])
    return RunWarning(reason, raw["object"], message, raw["count"])


def _recorded_reason(name: str, message: str) -> tuple[WarningReason, str]:
    try:
        return WarningReason(name), message
    except ValueError:
        return WarningReason.UNCLASSIFIED, f"{name}: {message}"[:MAX_MESSAGE]
