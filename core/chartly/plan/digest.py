"""Digests: ``sha256:`` over RFC 8785 canonical JSON of the spec as its author wrote it."""

import hashlib
from collections.abc import Iterable, Mapping

import rfc8785

from chartly.api.documents import Json, without_nulls
from chartly.api.place import Place
from chartly.api.profile import Profile
from chartly.api.reference import ProfileId
from chartly.errors import SpecError

_LARGEST = (1 << 53) - 1
"""The largest whole number on which all readers of JSON agree."""


def canonical(value: object, place: Place) -> bytes:
    """RFC 8785 bytes of the JSON value at ``place``, without its nulls.

    Raises:
        SpecError: it contains a float, or an integer that JSON readers do not agree on.
    """
    cleaned = without_nulls(value)
    _check_numbers(cleaned, place)
    try:
        return rfc8785.dumps(cleaned)  # type: ignore[arg-type]  # its alias is narrower than JSON
    except (rfc8785.CanonicalizationError, UnicodeEncodeError):
        why = "holds what JSON cannot say, such as half of a surrogate pair"
        raise place.refusal(why) from None


def digest_of(content: bytes) -> str:
    """The digest of canonical bytes."""
    return "sha256:" + hashlib.sha256(content).hexdigest()


def spec_digest(profile: ProfileId, written: Mapping[str, Json], place: Place) -> str:
    """The digest of a profile: kind, name, version and spec; no labels, owners, description."""
    content = {
        "kind": profile.kind,
        "name": profile.name,
        "version": profile.version,
        "spec": written,
    }
    return digest_of(canonical(content, place))


def profile_digest(profile: Profile) -> str:
    """The digest of a parsed profile; the same in both spellings."""
    try:
        return spec_digest(profile.id, profile.written, Place(object=str(profile.id)))
    except SpecError as error:
        raise SpecError(map(profile.located, error.problems)) from None


def run_digest(
    config: str, parameters: Mapping[str, str | int | bool], window: tuple[str, str] | None
) -> str:
    """The digest of all inputs of a run's output except the API's answers."""
    content: dict[str, object] = {"config": config, "parameters": dict(parameters)}
    if window is not None:
        content["window"] = {"start": window[0], "end": window[1]}
    return digest_of(canonical(content, Place(object="run")))


def _check_numbers(value: object, place: Place) -> None:
    bad = _bad_number(value)
    if bad is None:
        return
    path, number = bad
    why = (
        "a number with a fraction must be written as text"
        if isinstance(number, float)
        else "a whole number must be below 2^53 in size"
    )
    raise place.at(*path).refusal(f"{number}: {why}; put it in quotes")


def _bad_number(value: object) -> tuple[list[str | int], int | float] | None:
    """The path of a number that JSON readers read differently, and the number."""
    if isinstance(value, float) or (isinstance(value, int) and abs(value) > _LARGEST):
        return [], value
    members: Iterable[tuple[str | int, object]] = ()
    if isinstance(value, dict):
        members = value.items()
    elif isinstance(value, list):
        members = enumerate(value)
    for part, member in members:
        bad = _bad_number(member)
        if bad is not None:
            return [part, *bad[0]], bad[1]
    return None
