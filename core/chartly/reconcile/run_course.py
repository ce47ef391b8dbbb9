"""The course of a run as its status tells it, and the writes that carry it on."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chartly.errors import REASONS, Reason
from chartly.reconcile.actions import Action, Object, Post
from chartly.reconcile.attempt_end import AttemptEnd
from chartly.reconcile.conditions import Condition, Truth, stamped, status_change
from chartly.reconcile.objects import condition_of, generation_of, status_of, written
from chartly.warning import MAX_MESSAGE, MAX_OBJECT, MAX_WARNINGS

_TRANSIENT = ("conditions", "observedGeneration", "nextRetryTime")
_COUNTS = (
    *("pages", "bytes", "read", "loaded", "rejected"),
    *("duplicate", "filtered", "late", "corrected"),
)
_COUNTERS = ("requests", "retries")
_OUTPUTS = 64
_REASON = 128
_NAME, _DIGEST = 253, 128
_LARGEST = 2**63 - 1
"""Of integers in a status; the API server refuses a status with one that is larger."""


@dataclass(frozen=True)
class RunCourse:
    """What is recorded of a run so far.

    Attributes:
        fields: the status without conditions and what a step leaves behind.
    """

    run: Object
    fields: dict[str, Any]

    @property
    def attempts(self) -> list[dict[str, Any]]:
        return [dict(one) for one in self.fields.get("attempts", ())]

    def with_fields(self, **fields: object) -> "RunCourse":
        """The course with some fields set anew."""
        return RunCourse(self.run, {**self.fields, **fields})

    def with_attempt(self, **fields: object) -> "RunCourse":
        """The course with fields of its latest attempt set anew."""
        *before, last = self.attempts
        return self.with_fields(attempts=[*before, {**last, **fields}])


def course_of(run: Object) -> RunCourse:
    """The course that an object's status tells."""
    status = status_of(run)
    return RunCourse(run, {name: status[name] for name in status if name not in _TRANSIENT})


def is_finished(run: Object) -> bool:
    """Whether the outcome is recorded; it never changes after that (INV-2)."""
    return "outcome" in status_of(run)


def under_way(
    course: RunCourse,
    reason: Reason,
    message: str,
    now: datetime,
    next_retry: datetime | None = None,
) -> tuple[Action, ...]:
    """Says what an unfinished run is about; nothing where that is said already."""
    frozen: Truth = "True" if "config" in course.fields else "False"
    conditions = [
        Condition("Succeeded", "Unknown", reason, message),
        Condition("Finished", "False", reason),
        Condition("Frozen", frozen, reason),
        Condition("Ready", "False", reason, message),
        Condition("Reconciling", "True", reason, message),
    ]
    extra = {} if next_retry is None else {"nextRetryTime": written(next_retry)}
    return _said(course, extra, conditions, now)


def finished(course: RunCourse, end: AttemptEnd, now: datetime) -> tuple[Action, ...]:
    """Records the outcome, once and for ever, and announces it."""
    good = end.reason is Reason.SUCCEEDED
    outcome = _OUTCOMES.get(end.reason, "Failed")
    message = end.message or _summary(end.said, good=good)
    truth: Truth = "True" if good else "False"
    conditions = [
        Condition("Succeeded", truth, end.reason, message),
        Condition("Finished", "True", end.reason, message),
        Condition("Frozen", "True" if "config" in course.fields else "False", end.reason),
        _audited(end),
        Condition("Ready", truth, end.reason, message),
    ]
    if not good:
        conditions.append(Condition("Stalled", "True", end.reason, message))
    result = _result(end.said)
    extra: dict[str, Any] = {"outcome": outcome} | ({"result": result} if result else {})
    if warnings := _warnings(end.said):
        extra["warnings"] = warnings
    said = _said(course, extra, conditions, now)
    post = Post(course.run, "Normal" if good else "Warning", end.reason.value, message)
    return (*said, post)


def ended_attempt(course: RunCourse, end: AttemptEnd, now: datetime) -> RunCourse:
    """The course with its latest attempt's end in it."""
    code = {} if end.exit_code is None else {"exitCode": end.exit_code}
    said = {"message": end.message} if end.message else {}
    return course.with_attempt(end=written(now), reason=end.reason.value, **code, **said)


_OUTCOMES = {Reason.SUCCEEDED: "Succeeded", Reason.CANCELLED: "Cancelled"}


def _said(
    course: RunCourse, extra: dict[str, Any], conditions: list[Condition], now: datetime
) -> tuple[Action, ...]:
    status = {
        "observedGeneration": generation_of(course.run),
        **course.fields,
        **extra,
        "conditions": stamped(conditions, course.run, now),
    }
    change = status_change(course.run, status)
    return () if change is None else (change,)


def is_told(run: Object, reason: Reason) -> bool:
    """Whether the run says this reason already."""
    succeeded = condition_of(run, "Succeeded")
    return succeeded is not None and succeeded["reason"] == reason.value


def _audited(end: AttemptEnd) -> Condition:
    """Whether the last attempt's chain reads back, with all that an attempt ending so must have."""
    if end.said.get("audited") is True:
        return Condition("Audited", "True", end.reason, str(end.said.get("auditHead", "")))
    missing = end.reason is Reason.EVIDENCE_MISSING
    return Condition("Audited", "False", end.reason, REASONS[end.reason].meaning if missing else "")


def _result(said: dict[str, Any]) -> dict[str, Any]:
    """What the loader said of its counts, as far as it has the form that status takes."""
    counts = {name: _count(said.get("counts"), name) for name in _COUNTS}
    counters = {name: _count(said.get("counters"), name) for name in _COUNTERS}
    result: dict[str, Any] = {
        name: value for name, value in (counts | counters).items() if value is not None
    }
    if _is_text(said.get("auditHead"), _DIGEST):
        result["auditHead"] = said["auditHead"]
    outputs = said.get("outputs")
    if isinstance(outputs, list) and outputs:
        result["outputs"] = [
            _output(one)
            for one in outputs[:_OUTPUTS]
            if isinstance(one, dict) and _is_text(one.get("dataset"), _NAME)
        ]
    return result


def _warnings(said: dict[str, Any]) -> list[dict[str, Any]]:
    """The loader's warnings, as far as they have the form that status takes.

    Their reasons are not compared with those that are known: a newer loader may have others.
    """
    raw = said.get("warnings")
    return [
        {
            "reason": warning["reason"][:_REASON],
            "object": warning["object"][:MAX_OBJECT],
            "message": warning["message"][:MAX_MESSAGE],
            "count": warning["count"],
        }
        for warning in (raw if isinstance(raw, list) else [])[:MAX_WARNINGS]
        if isinstance(warning, dict)
        and all(isinstance(warning.get(name), str) for name in ("reason", "object", "message"))
        and _count(warning, "count")
    ]


def _output(said: dict[str, Any]) -> dict[str, Any]:
    counts = {name: _count(said, name) for name in ("rows", "windows")}
    output = {name: value for name, value in counts.items() if value is not None}
    if _is_text(said.get("fingerprint"), _DIGEST):
        output["fingerprint"] = said["fingerprint"]
    return {"dataset": said["dataset"], **output}


def _count(counts: object, name: str) -> int | None:
    value = counts.get(name) if isinstance(counts, dict) else None
    return value if type(value) is int and 0 <= value <= _LARGEST else None


def _is_text(value: object, limit: int) -> bool:
    return isinstance(value, str) and len(value) <= limit


def _summary(said: dict[str, Any], *, good: bool) -> str:
    counts = _result(said)
    if not good or "read" not in counts:
        return ""
    return (
        f"read {counts['read']}, loaded {counts.get('loaded', 0)}, "
        f"rejected {counts.get('rejected', 0)}, duplicate {counts.get('duplicate', 0)}"
    )
