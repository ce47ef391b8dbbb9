"""Exact versions: SemVer 2.0 ``x.y.z[-prerelease]`` in lower case, without ranges."""

import re

from chartly.api.place import Place

_NUMBER = r"(0|[1-9][0-9]*)"
_IDENTIFIER = r"(0|[1-9][0-9]*|[0-9]*[a-z]([a-z0-9-]*[a-z0-9])?|[0-9]+-([a-z0-9-]*[a-z0-9]))"
VERSION_FORM = rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}(-{_IDENTIFIER}(\.{_IDENTIFIER})*)?"
"""Identifiers start and end alphanumeric, so that an object name may end with a version."""
_VERSION = re.compile(VERSION_FORM)
VERSION_LENGTH = 63
VERSION_RULE = (
    "an exact version x.y.z or x.y.z-prerelease in lower case (SemVer 2.0), such as '1.0.0'"
)
LATEST = "latest"
LATEST_MESSAGE = f"is not allowed: it can move; write {VERSION_RULE}"
VERSION_MESSAGE = f"is not allowed: write {VERSION_RULE}"


def parse_version(text: str) -> str:
    """Validates an exact version and returns it.

    Raises:
        SpecError: the text is ``latest``, a range, has a ``v``, a build part or capitals.
    """
    if text.lower() == LATEST:
        raise Place(object="version").refusal(LATEST_MESSAGE, value=text)
    if not is_version(text):
        raise Place(object="version").refusal(VERSION_MESSAGE, value=text)
    return text


def is_version(text: str) -> bool:
    """Whether ``text`` is an exact version whose identifiers start and end alphanumeric."""
    return len(text) <= VERSION_LENGTH and _VERSION.fullmatch(text) is not None
