"""Exact versions: SemVer 2.0 ``x.y.z[-prerelease]``, lower case, nothing that can move."""

import re

from chartly.api.place import Place

_NUMBER = r"(0|[1-9][0-9]*)"
_IDENTIFIER = r"(0|[1-9][0-9]*|[0-9]*[a-z]([a-z0-9-]*[a-z0-9])?|[0-9]+-([a-z0-9-]*[a-z0-9]))"
VERSION_FORM = rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}(-{_IDENTIFIER}(\.{_IDENTIFIER})*)?"
"""Identifiers start and end alphanumeric, so that a name made of a version may end with it."""
_VERSION = re.compile(VERSION_FORM)
VERSION_LENGTH = 63
VERSION_RULE = "an exact version x.y.z or x.y.z-prerelease in lower case (SemVer 2.0)"
LATEST = "latest"
LATEST_SAYS = f"is not allowed: it can move; write {VERSION_RULE}"
VERSION_SAYS = f"is not allowed: write {VERSION_RULE}"


def parse_version(text: str) -> str:
    """``text`` itself, when it is an exact version.

    Raises:
        SpecError: it is ``latest``, a range, has a ``v``, a build part or capitals.
    """
    if text.lower() == LATEST:
        raise Place(object="version").refusal(LATEST_SAYS, value=text)
    if not is_version(text):
        raise Place(object="version").refusal(VERSION_SAYS, value=text)
    return text


def is_version(text: str) -> bool:
    """Whether ``text`` is an exact version whose identifiers start and end alphanumeric."""
    return len(text) <= VERSION_LENGTH and _VERSION.fullmatch(text) is not None
