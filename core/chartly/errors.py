"""The failures of Chartly, each with its exit code and retry class.

The tree::

    ChartlyError            a failure with a reason and one sentence
    +-- SpecError           the user's files or arguments, as problems; never retried
    +-- RunError            a failure outside Chartly; the reason decides on retries
    +-- Bug                 a fault of Chartly itself

Conditions, Events, exit codes, metrics and docs are all generated from ``REASONS``.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import TypeAlias


class Reason(StrEnum):
    """The only enumeration of outcomes: conditions, Events, exit codes and metrics share it."""

    SUCCEEDED = "Succeeded"
    UNCLASSIFIED = "Unclassified"
    USAGE = "UsageError"
    CONFIG_INVALID = "ConfigInvalid"
    PROFILE_NOT_FOUND = "ProfileNotFound"
    CROSS_PROJECT_REFERENCE = "CrossProjectReference"
    DIGEST_CONFLICT = "DigestConflict"
    VERSION_REUSED = "VersionReused"
    DATASET_IN_USE = "DatasetInUse"
    DUPLICATE_PROJECT = "DuplicateProject"
    NOT_A_PROJECT = "NotAProject"
    SNAPSHOT_TOO_LARGE = "SnapshotTooLarge"
    SECRET_MISSING = "SecretMissing"  # noqa: S105 - a reason, not a secret
    PREREQUISITE_MISSING = "PrerequisiteMissing"
    NOT_SERVED = "NotServed"
    EGRESS_DENIED = "EgressDenied"
    AUTH_REJECTED = "AuthRejected"
    SNAPSHOT_TAMPERED = "SnapshotTampered"
    SECRET_ORIGIN_REFUSED = "SecretOriginRefused"  # noqa: S105 - a reason, not a secret
    UPSTREAM_UNAVAILABLE = "UpstreamUnavailable"
    STORE_UNAVAILABLE = "StoreUnavailable"
    PEER_LOST = "PeerLost"
    REJECT_THRESHOLD = "RejectThreshold"
    OUTPUT_CONTRACT = "OutputContract"
    PAGINATION_LOOP = "PaginationLoop"
    LIMIT_REACHED = "LimitReached"
    PARTIALLY_LOADED = "PartiallyLoaded"
    STORAGE_QUOTA_EXCEEDED = "StorageQuotaExceeded"
    SCHEMA_INCOMPATIBLE = "SchemaIncompatible"
    QUALITY_FAILED = "QualityFailed"
    AUDIT_BROKEN = "AuditBroken"
    WARNINGS_REFUSED = "WarningsRefused"
    CANCELLED = "Cancelled"
    DEADLINE_EXCEEDED = "DeadlineExceeded"
    INTERNAL_ERROR = "InternalError"
    KILLED = "Killed"
    OUT_OF_MEMORY = "OutOfMemory"
    EVICTED = "Evicted"
    JOB_LOST = "JobLost"
    RESULT_UNKNOWN = "ResultUnknown"
    EVIDENCE_MISSING = "EvidenceMissing"
    TERMINATED = "Terminated"
    WORKFLOW_NOT_FOUND = "WorkflowNotFound"
    RESOLUTION_CHANGED = "ResolutionChanged"
    CONCURRENCY_FORBIDDEN = "ConcurrencyForbidden"
    READY = "Ready"
    CHECKING = "Checking"
    PENDING = "Pending"
    RUNNING = "Running"
    RETRYING = "Retrying"
    QUEUED = "Queued"
    SUSPENDED = "Suspended"


class Retry(Enum):
    """Whether a new attempt may help."""

    DONE = "done"
    NEVER = "never"
    RETRY = "retry"
    FREE = "free"
    """Infrastructure failed: retried without counting against the run's attempts."""
    ACTIVE = "active"
    """No end: the state of an object that is still in progress."""


@dataclass(frozen=True)
class ReasonInfo:
    """The exit code, retry class and meaning of a reason.

    Attributes:
        exit_code: the exit code of runner and CLI.
        retry: whether a new attempt may help.
        meaning: a sentence for the reference docs.
    """

    exit_code: int
    retry: Retry
    meaning: str


def _info(exit_code: int, retry: Retry, meaning: str) -> ReasonInfo:
    return ReasonInfo(exit_code, retry, meaning)


REASONS: dict[Reason, ReasonInfo] = {
    Reason.SUCCEEDED: _info(0, Retry.DONE, "everything that was requested is stored and recorded"),
    Reason.UNCLASSIFIED: _info(1, Retry.RETRY, "the process ended without naming a reason"),
    Reason.USAGE: _info(2, Retry.NEVER, "a command, option or argument is unknown or malformed"),
    Reason.CONFIG_INVALID: _info(3, Retry.NEVER, "a file, field or argument is not allowed"),
    Reason.PROFILE_NOT_FOUND: _info(
        3, Retry.NEVER, "a reference names a profile that does not exist"
    ),
    Reason.CROSS_PROJECT_REFERENCE: _info(
        3, Retry.NEVER, "a reference names another project; share through `global` instead"
    ),
    Reason.DIGEST_CONFLICT: _info(
        3, Retry.NEVER, "one profile version has been seen with two contents"
    ),
    Reason.VERSION_REUSED: _info(
        3, Retry.NEVER, "a workflow changed its steps but kept its version"
    ),
    Reason.DATASET_IN_USE: _info(3, Retry.NEVER, "another workflow already writes the dataset"),
    Reason.DUPLICATE_PROJECT: _info(3, Retry.NEVER, "two namespaces claim one tenant/project"),
    Reason.NOT_A_PROJECT: _info(3, Retry.NEVER, "no tenant/project is declared"),
    Reason.SNAPSHOT_TOO_LARGE: _info(3, Retry.NEVER, "the frozen inputs exceed 900 KiB"),
    Reason.SECRET_MISSING: _info(
        3, Retry.NEVER, "a profile names a secret key that does not exist"
    ),
    Reason.PREREQUISITE_MISSING: _info(
        3, Retry.NEVER, "something that a run needs is missing; `chartly doctor` lists it"
    ),
    Reason.NOT_SERVED: _info(3, Retry.NEVER, "the field is known, but no code serves it yet"),
    Reason.EGRESS_DENIED: _info(
        4, Retry.NEVER, "a request would have left for a host or address that is not allowed"
    ),
    Reason.AUTH_REJECTED: _info(
        5, Retry.NEVER, "the API refused the credential (401 or 403), or a store a command's login"
    ),
    Reason.SNAPSHOT_TAMPERED: _info(
        6, Retry.NEVER, "the frozen inputs do not have the digest that the run was given"
    ),
    Reason.SECRET_ORIGIN_REFUSED: _info(
        7, Retry.NEVER, "a credential may not be sent to the origin of the request"
    ),
    Reason.UPSTREAM_UNAVAILABLE: _info(
        10, Retry.RETRY, "the API did not give a usable answer within the allowed attempts"
    ),
    Reason.STORE_UNAVAILABLE: _info(11, Retry.RETRY, "the store did not answer or refused"),
    Reason.PEER_LOST: _info(
        12, Retry.RETRY, "the other side of the spool ended without finishing its work"
    ),
    Reason.REJECT_THRESHOLD: _info(20, Retry.NEVER, "more records were rejected than allowed"),
    Reason.OUTPUT_CONTRACT: _info(
        21, Retry.NEVER, "an output differs from what was declared or recorded"
    ),
    Reason.PAGINATION_LOOP: _info(22, Retry.NEVER, "the API sent a page token a second time"),
    Reason.LIMIT_REACHED: _info(23, Retry.NEVER, "a declared or default limit ended the run"),
    Reason.PARTIALLY_LOADED: _info(24, Retry.NEVER, "some streams are loaded and some are not"),
    Reason.STORAGE_QUOTA_EXCEEDED: _info(25, Retry.NEVER, "the dataset is over its `maxBytes`"),
    Reason.SCHEMA_INCOMPATIBLE: _info(
        26, Retry.NEVER, "the stored table cannot take the declared columns"
    ),
    Reason.QUALITY_FAILED: _info(27, Retry.NEVER, "a declared quality check failed"),
    Reason.AUDIT_BROKEN: _info(28, Retry.NEVER, "the audit trail was edited, cut or reordered"),
    Reason.WARNINGS_REFUSED: _info(
        29, Retry.NEVER, "everything is stored, but `--fail-on-warning` was given and there is one"
    ),
    Reason.CANCELLED: _info(30, Retry.NEVER, "the run was cancelled on request"),
    Reason.DEADLINE_EXCEEDED: _info(31, Retry.NEVER, "the run took longer than it may"),
    Reason.INTERNAL_ERROR: _info(70, Retry.RETRY, "a bug in Chartly; please report it"),
    Reason.KILLED: _info(137, Retry.FREE, "the process was killed, most often for memory"),
    Reason.OUT_OF_MEMORY: _info(137, Retry.RETRY, "the attempt took more memory than its limit"),
    Reason.EVICTED: _info(137, Retry.FREE, "the cluster evicted the Pod or removed its node"),
    Reason.JOB_LOST: _info(137, Retry.FREE, "the attempt's Job was deleted before it ended"),
    Reason.RESULT_UNKNOWN: _info(
        1, Retry.FREE, "the attempt ended without a result; the next one reads the store"
    ),
    Reason.EVIDENCE_MISSING: _info(
        28, Retry.NEVER, "everything is stored, but its audit events do not read back"
    ),
    Reason.TERMINATED: _info(143, Retry.FREE, "the process received a request to stop"),
    Reason.WORKFLOW_NOT_FOUND: _info(3, Retry.NEVER, "a run names a workflow that does not exist"),
    Reason.RESOLUTION_CHANGED: _info(
        3, Retry.NEVER, "a reference no longer resolves to what it did; change the workflow"
    ),
    Reason.CONCURRENCY_FORBIDDEN: _info(
        3, Retry.NEVER, "another run of the workflow is active, and `concurrency` is `Forbid`"
    ),
    Reason.READY: _info(0, Retry.ACTIVE, "the object is valid and may be used"),
    Reason.CHECKING: _info(0, Retry.ACTIVE, "something that the object names is not checked yet"),
    Reason.PENDING: _info(
        0, Retry.ACTIVE, "the run's Pod does not run yet; the message has the cause"
    ),
    Reason.RUNNING: _info(0, Retry.ACTIVE, "an attempt of the run is under way"),
    Reason.RETRYING: _info(0, Retry.ACTIVE, "an attempt failed; another one follows"),
    Reason.QUEUED: _info(0, Retry.ACTIVE, "the run waits for another one of its workflow"),
    Reason.SUSPENDED: _info(0, Retry.ACTIVE, "the run or its workflow is suspended"),
}


_OF_CODE = {info.exit_code: reason for reason, info in reversed(REASONS.items())}
_OF_NAME = {reason.value: reason for reason in Reason}


def reason_of(exit_code: int) -> Reason:
    """The first reason with an exit code."""
    return _OF_CODE.get(exit_code, Reason.UNCLASSIFIED)


def reason_named(text: str) -> Reason:
    """The reason of a name; ``Unclassified`` for one of another version."""
    return _OF_NAME.get(text, Reason.UNCLASSIFIED)


def recorded_reason(text: str, message: str) -> tuple[Reason, str]:
    """A recorded reason and its message, with the name before it if this version lacks it."""
    known = text in _OF_NAME
    return reason_named(text), message if known else f"{text}: {message}"


Scalar: TypeAlias = str | int | float | bool | None
_CLIP = 80


@dataclass(frozen=True)
class Problem:
    """One failure as data; conditions, Events, the command line and REST are projections of it.

    ``chartly.api.place`` creates those of files and arguments, without credentials.

    Attributes:
        why: what is wrong, and what is allowed; follows the value in the sentence.
        object: a profile, workflow, run, project, file or option.
        path: the field within the object, such as ``spec.steps[0].type``.
        value: the value of the field, if it is a scalar and public.
        written: its spelling in the file, where YAML reads it as something else.
        allowed: the values or names that would be valid, where they can be listed.
        source: the file.
        line: of the file, from 1.
        row: the line within the value, from 1, where the value is a text of several lines.
    """

    why: str
    reason: Reason = Reason.CONFIG_INVALID
    object: str = ""
    path: str = ""
    value: Scalar = None
    written: str = ""
    allowed: tuple[str, ...] = ()
    source: str = ""
    line: int | None = None
    row: int | None = None

    def __str__(self) -> str:
        """The sentence: file, object, field, value, and what is wrong."""
        file = f"{self.source}:{self.line}" if self.source and self.line else self.source
        why = " ".join(filter(None, (self._rendered_value(), self.why)))
        return ": ".join(filter(None, (file, self.object, self.path, why)))

    def _rendered_value(self) -> str:
        if self.value is None:
            return ""
        text = self.written or json.dumps(self.value, ensure_ascii=False)
        return text if len(text) <= _CLIP else f"{text[:_CLIP]}..."

    def document(self) -> dict[str, Scalar | list[str]]:
        """The problem as a JSON object; unknown members are null."""
        return {
            "reason": self.reason.value,
            "message": str(self),
            "source": self.source or None,
            "line": self.line,
            "object": self.object or None,
            "path": self.path or None,
            "value": self.value,
            "allowed": list(self.allowed) or None,
        }


def sentence_of(problems: Sequence[Problem]) -> str:
    """The first problem's sentence, and how many more there are."""
    more = len(problems) - 1
    return str(problems[0]) + (f" (and {more} more)" if more else "")


class ChartlyError(Exception):
    """A failure that a user can read: a reason and one sentence."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message

    @property
    def problems(self) -> tuple[Problem, ...]:
        """The failure as data."""
        return (Problem(self.message, self.reason),)

    @property
    def exit_code(self) -> int:
        return REASONS[self.reason].exit_code


class SpecError(ChartlyError):
    """The user's files or arguments are not allowed: a problem for each mistake."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        """Takes at least one problem; the first one's reason is the error's."""
        self._problems = tuple(problems)
        super().__init__(self._problems[0].reason, sentence_of(self._problems))

    @property
    def problems(self) -> tuple[Problem, ...]:
        return self._problems


class RunError(ChartlyError):
    """Something outside Chartly failed during a run."""


class Bug(ChartlyError):  # noqa: N818 - it names what it is
    """Chartly violated a rule of its own."""

    def __init__(self, message: str) -> None:
        super().__init__(Reason.INTERNAL_ERROR, message)
