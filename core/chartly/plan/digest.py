"""Digests: ``sha256:`` over RFC 8785 canonical JSON of what the author wrote."""

import hashlib
from collections.abc import Mapping

import rfc8785

from chartly.api.documents import Json, without_nulls
from chartly.api.profile import Profile
from chartly.api.reference import ProfileId
from chartly.errors import SpecError


def canonical(value: object, where: str) -> bytes:
    """RFC 8785 bytes of a JSON value without nulls.

    Raises:
        SpecError: it holds a float, or an integer that JSON readers do not agree on.
    """
    cleaned = without_nulls(value)
    _refuse_floats(cleaned, where)
    try:
        return rfc8785.dumps(cleaned)  # type: ignore[arg-type]  # its alias is narrower than JSON
    except rfc8785.IntegerDomainError as error:
        raise SpecError(f"{where}: a whole number must be below 2^53 in size: {error}") from None
    except (rfc8785.CanonicalizationError, UnicodeEncodeError) as error:
        raise SpecError(f"{where}: {error}") from None


def digest_of(content: bytes) -> str:
    """The digest of bytes that are canonical already."""
    return "sha256:" + hashlib.sha256(content).hexdigest()


def spec_digest(profile: ProfileId, written: Mapping[str, Json], where: str) -> str:
    """The digest of a profile: kind, name, version and spec; no labels, owners, description."""
    content = {
        "kind": profile.kind,
        "name": profile.name,
        "version": profile.version,
        "spec": written,
    }
    return digest_of(canonical(content, where))


def profile_digest(profile: Profile) -> str:
    """The digest of a parsed profile; the same in both spellings."""
    return spec_digest(profile.id, profile.written, f"{profile.source}: {profile.id}")


def run_digest(
    config: str, parameters: Mapping[str, str | int | bool], window: tuple[str, str] | None
) -> str:
    """The digest of everything that decides a run's output, beside what the API answers."""
    content: dict[str, object] = {"config": config, "parameters": dict(parameters)}
    if window is not None:
        content["window"] = {"start": window[0], "end": window[1]}
    return digest_of(canonical(content, "run"))


def _refuse_floats(value: object, where: str) -> None:
    if isinstance(value, float):
        raise SpecError(f"{where}: {value!r}: a number with a fraction must be written as text")
    if isinstance(value, dict):
        for key, item in value.items():
            _refuse_floats(item, f"{where}.{key}")
    elif isinstance(value, list):
        for i, item in enumerate(value):
            _refuse_floats(item, f"{where}[{i}]")
