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


def secret_objection(value: str) -> str | None:
    """Why a value cannot be sent as a credential, without the value; None if it can be sent."""
    # No scheme has tokens with space at either end, and a header cannot carry it.
    if not value.strip() or value != value.strip() or not value.isprintable():
        return "is empty, has space around it, or holds control characters"
    if not value.isascii():
        return "is not readable as ASCII text"
    if len(value) > LONGEST:
        return f"holds {len(value)} characters; allowed are {LONGEST}"
    scheme = _SCHEME.match(value)
    if scheme is not None:
        return (
            f"begins with {scheme[2]!r}, which auth.mode sends itself; put the token alone into it"
        )
    return None
