"""The course of a run as its status records it, and the writes that continue it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chartly.errors import REASONS, Reason
from chartly.reconcile.actions import Action, Object, Post
from chartly.reconcile.attempt_end import AttemptEnd
from chartly.reconcile.conditions import Condition, Truth, stamped, status_change
from chartly.reconcile.objects import condition_of, generation_of, status_of, timestamp
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
        fields: the status without conditions and other fields that each write sets anew.
    """

    run: Object
    fields: dict[str, Any]

    @property
    def attempts(self) -> list[dict[str, Any]]:
        return [dict(attempt) for attempt in self.fields.get("attempts", ())]

    def with_fields(self, **fields: object) -> "RunCourse":
        """The course with some fields set anew."""
        return RunCourse(self.run, {**self.fields, **fields})

    def with_attempt(self, **fields: object) -> "RunCourse":
        """The course with fields of its latest attempt set anew."""
        *before, last = self.attempts
        return self.with_fields(attempts=[*before, {**last, **fields}])


def course_of(run: Object) -> RunCourse:
    """The course that an object's status records."""
    status = status_of(run)
    return RunCourse(run, {name: status[name] for name in status if name not in _TRANSIENT})


def is_finished(run: Object) -> bool:
    """Whether the outcome is recorded; it never changes after that (INV-2)."""
    return "outcome" in status_of(run)


def progress_actions(
    course: RunCourse,
    reason: Reason,
    message: str,
    now: datetime,
    next_retry: datetime | None = None,
) -> tuple[Action, ...]:
    """Writes the state of an unfinished run; nothing where its status is equal already."""
    frozen: Truth = "True" if "config" in course.fields else "False"
    conditions = [
        Condition("Succeeded", "Unknown", reason, message),
        Condition("Finished", "False", reason),
        Condition("Frozen", frozen, reason),
        Condition("Ready", "False", reason, message),
        Condition("Reconciling", "True", reason, message),
    ]
    extra = {} if next_retry is None else {"nextRetryTime": timestamp(next_retry)}
    return _status_write(course, extra, conditions, now)


def outcome_actions(course: RunCourse, end: AttemptEnd, now: datetime) -> tuple[Action, ...]:
    """Records the outcome, which never changes again, with an Event."""
    good = end.reason is Reason.SUCCEEDED
    message = end.message or _summary(end.report, good=good)
    fields: dict[str, Any] = {
        "outcome": _OUTCOMES.get(end.reason, "Failed"),
        "result": _result(end.report),
        "warnings": _warnings(end.report),
    }
    extra = {name: value for name, value in fields.items() if value}
    write = _status_write(course, extra, _final_conditions(course, end, message), now)
    post = Post(course.run, "Normal" if good else "Warning", end.reason.value, message)
    return (*write, post)


def _final_conditions(course: RunCourse, end: AttemptEnd, message: str) -> list[Condition]:
    truth: Truth = "True" if end.reason is Reason.SUCCEEDED else "False"
    conditions = [
        Condition("Succeeded", truth, end.reason, message),
        Condition("Finished", "True", end.reason, message),
        Condition("Frozen", "True" if "config" in course.fields else "False", end.reason),
        _audited(end),
        Condition("Ready", truth, end.reason, message),
    ]
    stalled = Condition("Stalled", "True", end.reason, message)
    return conditions if end.reason is Reason.SUCCEEDED else [*conditions, stalled]


def ended_attempt(course: RunCourse, end: AttemptEnd, now: datetime) -> RunCourse:
    """The course with its latest attempt's end in it."""
    code = {} if end.exit_code is None else {"exitCode": end.exit_code}
    message = {"message": end.message} if end.message else {}
    return course.with_attempt(end=timestamp(now), reason=end.reason.value, **code, **message)


_OUTCOMES = {Reason.SUCCEEDED: "Succeeded", Reason.CANCELLED: "Cancelled"}


def _status_write(
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


def has_reason(run: Object, reason: Reason) -> bool:
    """Whether the run's conditions have this reason already."""
    succeeded = condition_of(run, "Succeeded")
    return succeeded is not None and succeeded["reason"] == reason.value


def _audited(end: AttemptEnd) -> Condition:
    """Whether the last attempt's chain reads back with every event that such an end requires."""
    if end.report.get("audited") is True:
        return Condition("Audited", "True", end.reason, str(end.report.get("auditHead", "")))
    missing = end.reason is Reason.EVIDENCE_MISSING
    return Condition("Audited", "False", end.reason, REASONS[end.reason].meaning if missing else "")


def _result(report: dict[str, Any]) -> dict[str, Any]:
    """The counts that the loader reports, as far as the schema of status accepts them."""
    counts = {name: _count(report.get("counts"), name) for name in _COUNTS}
    counters = {name: _count(report.get("counters"), name) for name in _COUNTERS}
    result: dict[str, Any] = {
        name: value for name, value in (counts | counters).items() if value is not None
    }
    if _is_text(report.get("auditHead"), _DIGEST):
        result["auditHead"] = report["auditHead"]
    outputs = report.get("outputs")
    if isinstance(outputs, list) and outputs:
        result["outputs"] = [
            _output(output)
            for output in outputs[:_OUTPUTS]
            if isinstance(output, dict) and _is_text(output.get("dataset"), _NAME)
        ]
    return result


def _warnings(report: dict[str, Any]) -> list[dict[str, Any]]:
    """The loader's warnings, as far as the schema of status accepts them.

    Their reasons are not compared with the list of reasons: a newer loader may have others.
    """
    raw = report.get("warnings")
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


def _output(report: dict[str, Any]) -> dict[str, Any]:
    counts = {name: _count(report, name) for name in ("rows", "windows")}
    output = {name: value for name, value in counts.items() if value is not None}
    if _is_text(report.get("fingerprint"), _DIGEST):
        output["fingerprint"] = report["fingerprint"]
    return {"dataset": report["dataset"], **output}


def _count(counts: object, name: str) -> int | None:
    value = counts.get(name) if isinstance(counts, dict) else None
    return value if type(value) is int and 0 <= value <= _LARGEST else None


def _is_text(value: object, limit: int) -> bool:
    return isinstance(value, str) and len(value) <= limit


def _summary(report: dict[str, Any], *, good: bool) -> str:
    counts = _result(report)
    if not good or "read" not in counts:
        return ""
    return (
        f"read {counts['read']}, loaded {counts.get('loaded', 0)}, "
        f"rejected {counts.get('rejected', 0)}, duplicate {counts.get('duplicate', 0)}"
    )
