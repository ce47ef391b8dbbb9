"""The retries of a failed request: the wait before the next try, or the reason to fail."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from chartly.api.connector import RetryPolicy
from chartly.errors import Reason, RunError

_UNFINISHED = frozenset({202, 206})
"""Accepted but not complete, or partial: the body is no page."""
_TRANSIENT = frozenset({*_UNFINISHED, 408, 425, 429})
_THROTTLED = frozenset({429, 503})
_REJECTED = frozenset({401, 403})
_LONGEST_WAIT = 300.0
_SERVER_ERRORS = 500
_SUCCESS = range(200, 300)


@dataclass(frozen=True)
class Failure:
    """One failed try.

    Attributes:
        cause: a short phrase without secrets, such as ``status 503``.
        status: the HTTP status, if there was a whole response.
        transient: whether the same request may succeed later, where there is no status.
    """

    cause: str
    status: int | None = None
    transient: bool = True
    headers: Mapping[str, str] | None = None


def is_success(status: int) -> bool:
    """Whether a response with this status is a page."""
    return status in _SUCCESS and status not in _UNFINISHED


def wait_seconds(
    failure: Failure, attempt: int, policy: RetryPolicy, *, now: datetime, chance: float
) -> float:
    """Seconds to wait before try ``attempt + 1``.

    Args:
        attempt: how many tries there were, from 1.
        chance: a random number in [0, 1), for full jitter.

    Raises:
        RunError: ``AuthRejected``, or ``UpstreamUnavailable`` when another try cannot help, is
            not allowed, or would wait too long.
    """
    if failure.status in _REJECTED and failure.status not in policy.on:
        raise RunError(Reason.AUTH_REJECTED, f"the API refused the credential with {failure.cause}")
    if not _may_retry(failure, policy):
        answered = "" if failure.status is None else "the API answered with "
        raise RunError(Reason.UPSTREAM_UNAVAILABLE, f"{answered}{failure.cause}")
    if attempt >= policy.max_attempts:
        raise RunError(
            Reason.UPSTREAM_UNAVAILABLE,
            f"{failure.cause} (after {attempt} of {policy.max_attempts} attempts)",
        )
    requested = retry_after(failure, now)
    longest = max(policy.max_backoff_ms / 1000, _LONGEST_WAIT)
    if requested > longest:
        raise RunError(
            Reason.UPSTREAM_UNAVAILABLE,
            f"{failure.cause}: the API asks to wait {requested:.0f} s; allowed are {longest:.0f} s",
        )
    ceiling = min(policy.max_backoff_ms, policy.backoff_ms << (attempt - 1)) / 1000
    return requested + ceiling * chance


def _may_retry(failure: Failure, policy: RetryPolicy) -> bool:
    if failure.status is None or is_success(failure.status):
        return failure.transient
    status = failure.status
    return status in _TRANSIENT or status >= _SERVER_ERRORS or status in policy.on


def retry_after(failure: Failure, now: datetime) -> float:
    """Seconds that the server requests by Retry-After (RFC 9110, 10.2.3), else 0."""
    headers = failure.headers or {}
    text = headers.get("retry-after", "").strip()
    if failure.status not in _THROTTLED or not text:
        return 0.0
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return 0.0
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - now).total_seconds())
