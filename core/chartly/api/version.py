"""Exact versions: SemVer 2.0 ``x.y.z[-prerelease]``, lower case, nothing that can move."""

import re

from chartly.errors import SpecError

_NUMBER = r"(0|[1-9][0-9]*)"
_IDENTIFIER = r"(0|[1-9][0-9]*|[0-9]*[a-z-][a-z0-9-]*)"
_VERSION = re.compile(rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}(-{_IDENTIFIER}(\.{_IDENTIFIER})*)?")
VERSION_LENGTH = 63
VERSION_RULE = "an exact version x.y.z or x.y.z-prerelease in lower case (SemVer 2.0)"


def parse_version(text: str) -> str:
    """``text`` itself, when it is an exact version.

    Raises:
        SpecError: it is ``latest``, a range, has a ``v``, a build part or capitals.
    """
    if text.lower() == "latest":
        raise SpecError(f"version {text!r} is not allowed: it can move; write {VERSION_RULE}")
    if not is_version(text):
        raise SpecError(f"version {text!r} is not allowed: write {VERSION_RULE}")
    return text


def is_version(text: str) -> bool:
    """Whether ``text`` is an exact version whose identifiers start and end alphanumeric."""
    if len(text) > VERSION_LENGTH or _VERSION.fullmatch(text) is None:
        return False
    _, _, prerelease = text.partition("-")
    return all(part[0] != "-" and part[-1] != "-" for part in prerelease.split(".") if prerelease)


def precedence(text: str) -> tuple[tuple[int, ...], int, tuple[tuple[int, int, str], ...]]:
    """A sort key with SemVer's precedence (section 11): a prerelease sorts before its release."""
    core, _, prerelease = text.partition("-")
    numbers = tuple(int(part) for part in core.split("."))
    parts = tuple(
        (0, int(part), "") if part.isdigit() else (1, 0, part)
        for part in prerelease.split(".")
        if part
    )
    return numbers, 0 if prerelease else 1, parts
