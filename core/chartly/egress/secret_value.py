"""The value in the file of a secret, and whether a request can carry it."""

import re

LONGEST = 8192
"""Characters of a credential; most servers refuse longer headers."""
_SCHEME = re.compile(
    r"(authorization *: *)?(bearer|basic|token|digest|apikey|ssws) +", re.IGNORECASE
)


def secret_value(text: str) -> str:
    """The value in a secret's file: its text without the last line end."""
    return text.removesuffix("\n").removesuffix("\r")


def _broken_form(value: str) -> str | None:
    """Why a header cannot carry a value; no scheme has tokens with space at either end."""
    if not value.strip():
        return "is empty" if not value else "holds only space"
    if "\n" in value.strip() or "\r" in value.strip():
        return "holds more than one line; put the token alone into it"
    if value != value.strip():
        return "has space or an empty line around the token"
    if not value.isascii():
        return "is not readable as ASCII text"
    return None if value.isprintable() else "holds a control character, such as a tab"


def secret_objection(value: str) -> str | None:
    """Why a value cannot be sent as a credential, without the value; None if it can be sent."""
    broken = _broken_form(value)
    if broken is not None:
        return broken
    if len(value) > LONGEST:
        return f"holds {len(value)} characters; allowed are {LONGEST}"
    scheme = _SCHEME.match(value)
    if scheme is not None:
        return (
            f"begins with {scheme[2]!r}, which auth.mode sends itself; put the token alone into it"
        )
    return None
