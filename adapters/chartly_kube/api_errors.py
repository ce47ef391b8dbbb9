"""The error that each failed HTTP response of the API server means."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import msgspec

from chartly_kube.kube_port import (
    AlreadyExists,
    Conflict,
    Expired,
    KubeError,
    NotFound,
    Refused,
    Unavailable,
)

_LONGEST = 400


def failure(action: str, code: int, headers: Mapping[str, str], body: bytes) -> KubeError:
    """The error of a response with a status of 400 or more.

    Args:
        action: what was requested, as a verb and a path.
    """
    status = _status(body)
    reason = str(status.get("reason", ""))
    message = f"cannot {action}: {code} {_message(code, status)}"
    if code == HTTPStatus.NOT_FOUND:
        return NotFound(message)
    if code == HTTPStatus.GONE:
        return Expired(message)
    if code == HTTPStatus.CONFLICT:
        return AlreadyExists(message) if reason == "AlreadyExists" else Conflict(message)
    if code == HTTPStatus.UNPROCESSABLE_ENTITY and _is_other_object(status):
        return Conflict(message)
    # An expired token (401) is read anew for the next request.
    if code in {HTTPStatus.UNAUTHORIZED, HTTPStatus.TOO_MANY_REQUESTS} or (
        code >= HTTPStatus.INTERNAL_SERVER_ERROR
    ):
        return Unavailable(message, _retry_after(headers, status))
    return Refused(message, code)


def _status(body: bytes) -> dict[str, Any]:
    try:
        status = msgspec.json.decode(body)
    except msgspec.DecodeError:
        return {}
    return status if isinstance(status, dict) and status.get("kind") == "Status" else {}


def _message(code: int, status: Mapping[str, Any]) -> str:
    message = str(status.get("message", "")).strip()
    if message:
        return message[:_LONGEST]
    return next((known.phrase for known in HTTPStatus if known == code), "")


def _is_other_object(status: Mapping[str, Any]) -> bool:
    """Whether a patch was refused because the object of that name has another uid."""
    causes = (status.get("details") or {}).get("causes") or ()
    return any(cause.get("field") == "metadata.uid" for cause in causes)


def _retry_after(headers: Mapping[str, str], status: Mapping[str, Any]) -> float | None:
    seconds = headers.get("Retry-After") or (status.get("details") or {}).get("retryAfterSeconds")
    try:
        return float(seconds) if seconds is not None else None
    except (TypeError, ValueError):
        return None  # a date, which the API server never sends
