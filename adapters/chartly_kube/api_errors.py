"""What an HTTP answer of the API server means."""

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


def failure(what: str, code: int, headers: Mapping[str, str], body: bytes) -> KubeError:
    """The error that an answer with a status of 400 or more stands for."""
    status = _status(body)
    reason = str(status.get("reason", ""))
    text = f"cannot {what}: {code} {_message(code, status)}"
    if code == HTTPStatus.NOT_FOUND:
        return NotFound(text)
    if code == HTTPStatus.GONE:
        return Expired(text)
    if code == HTTPStatus.CONFLICT:
        return AlreadyExists(text) if reason == "AlreadyExists" else Conflict(text)
    if code == HTTPStatus.UNPROCESSABLE_ENTITY and _other_object(status):
        return Conflict(text)
    # An expired token (401) is read anew for the next request.
    if code in {HTTPStatus.UNAUTHORIZED, HTTPStatus.TOO_MANY_REQUESTS} or (
        code >= HTTPStatus.INTERNAL_SERVER_ERROR
    ):
        return Unavailable(text, _retry_after(headers, status))
    return Refused(text, code)


def _status(body: bytes) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(body)
    except msgspec.DecodeError:
        return {}
    return found if isinstance(found, dict) and found.get("kind") == "Status" else {}


def _message(code: int, status: Mapping[str, Any]) -> str:
    said = str(status.get("message", "")).strip()
    if said:
        return said[:_LONGEST]
    return next((one.phrase for one in HTTPStatus if one == code), "")


def _other_object(status: Mapping[str, Any]) -> bool:
    """Whether a patch was refused because the object of that name has another uid."""
    causes = (status.get("details") or {}).get("causes") or ()
    return any(one.get("field") == "metadata.uid" for one in causes)


def _retry_after(headers: Mapping[str, str], status: Mapping[str, Any]) -> float | None:
    given = headers.get("Retry-After") or (status.get("details") or {}).get("retryAfterSeconds")
    try:
        return float(given) if given is not None else None
    except (TypeError, ValueError):
        return None  # a date, which the API server never sends
