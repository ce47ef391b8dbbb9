"""The parts of a request: paths, ports and headers that all servers interpret alike.

Sources: RFC 3986 for the characters of a URL, RFC 9110 for headers.
"""

import re
from collections.abc import Iterable
from typing import Annotated, cast

from pydantic import AfterValidator, BeforeValidator, Field

from chartly.api.credential import (
    HOLDS_CREDENTIAL_MESSAGE,
    check_names,
    check_values,
    check_within,
    holds_credential,
)

HEADER_NAME = r"^[!#$%&\x27*+.^_`|~0-9A-Za-z-]+$"
HEADER_VALUE = r"^([!-~]([ \t!-~]*[!-~])?)?$"
OWN_HEADER = (
    r"^(?i:host|content-length|transfer-encoding|connection|keep-alive|upgrade|te|trailer|expect"
    r"|http2-settings|proxy-.*)$"
)
"""Headers of the connection, or of how a message is framed; RFC 9110, 7.6.1."""
PATH_CHARACTERS = r"[!-\"$->@-\[\]-~]*"
"""Printable ASCII without the space, ``#``, ``?`` and the backslash."""
PATH_FORM = rf"^(/{PATH_CHARACTERS})?$"
PORT_FORM = (
    "0*([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"
)

SECRET_KEY_FORM = r"(\.?[A-Za-z0-9_-][A-Za-z0-9._-]{0,251}|[A-Za-z0-9_-][A-Za-z0-9._-]{252})"  # noqa: S105 - a form, not a secret

LONGEST_URL = 8192
"""Characters of a URL; servers refuse longer ones."""

PATH_MESSAGE = "must begin with / and hold only ASCII characters, without space, ?, # or backslash"
PORT_MESSAGE = "must have a port from 1 to 65535"
SECRET_KEY_MESSAGE = (
    "must be a key of a Secret: at most 253 letters, digits, dots, dashes and underscores, not "  # noqa: S105 - a sentence
    "starting with two dots"
)
HEADER_NAME_MESSAGE = "is not a header name of RFC 9110"
HEADER_VALUE_MESSAGE = (
    "is no value of a header; allowed are printable ASCII characters, with spaces and tabs between"
)
OWN_HEADER_MESSAGE = "is a header that Chartly sets itself; leave it out"

_NAME = re.compile(HEADER_NAME)
_VALUE = re.compile(HEADER_VALUE)
_OWN = re.compile(OWN_HEADER)
_PATH = re.compile(PATH_FORM)
_SECRET_KEY = re.compile(SECRET_KEY_FORM)


def check_path(path: str) -> None:
    """Validates the path of a URL.

    Raises:
        ValueError: it does not begin with ``/``, or holds a character that is not allowed.
    """
    if _PATH.fullmatch(path) is None:
        raise ValueError(PATH_MESSAGE)


def check_header_names(names: Iterable[str]) -> None:
    """Validates that headers can be sent, and are not the connection's own.

    Raises:
        ValueError: the message contains the name.
    """
    for name in names:
        if _NAME.fullmatch(name) is None:
            raise ValueError(f"{name!r} {HEADER_NAME_MESSAGE}")
        if _OWN.fullmatch(name):
            raise ValueError(f"{name!r} {OWN_HEADER_MESSAGE}")


def check_header_value(value: str) -> None:
    """Validates the value of a header.

    Raises:
        ValueError: the message does not contain the value.
    """
    if _VALUE.fullmatch(value) is None:
        raise ValueError(HEADER_VALUE_MESSAGE)


def _checked_path(text: str) -> str:
    check_path(text)
    return without_credential(text)


def _checked_key(text: str) -> str:
    if _SECRET_KEY.fullmatch(text) is None:
        raise ValueError(SECRET_KEY_MESSAGE)
    return without_credential(text)


def without_credential(text: str) -> str:
    """Returns a text that contains no credential.

    Raises:
        ValueError: it seems to contain one.
    """
    if holds_credential(text):
        raise ValueError(HOLDS_CREDENTIAL_MESSAGE)
    return text


def _checked_header_value(text: str) -> str:
    check_header_value(text)
    return without_credential(text)


def _checked_names(pairs: object) -> object:
    if isinstance(pairs, dict):
        check_names(pairs)
    return pairs


def _checked_header_names(pairs: object) -> object:
    if isinstance(_checked_names(pairs), dict):
        check_header_names(cast("dict[str, object]", pairs))
    return pairs


# The rules in CEL are found by these functions, so headers and queries have one each.
def _checked_headers(pairs: dict[str, str]) -> dict[str, str]:
    check_values(pairs)
    return pairs


def _checked_query(pairs: dict[str, str]) -> dict[str, str]:
    check_values(pairs)
    return pairs


def _checked_members(value: dict[str, object]) -> dict[str, object]:
    check_within(value)
    return value


RequestPath = Annotated[str, Field(max_length=2000), AfterValidator(_checked_path)]
PublicText = Annotated[str, Field(max_length=8192), AfterValidator(without_credential)]
HeaderText = Annotated[str, Field(max_length=8192), AfterValidator(_checked_header_value)]
Headers = Annotated[
    dict[str, HeaderText],
    Field(max_length=64),
    # Names come first: a problem of a credential's name makes one of its value superfluous.
    BeforeValidator(_checked_header_names),
    AfterValidator(_checked_headers),
]
Query = Annotated[
    dict[str, PublicText],
    Field(max_length=64),
    BeforeValidator(_checked_names),
    AfterValidator(_checked_query),
]
Members = Annotated[dict[str, object], AfterValidator(_checked_members)]
"""An object with any members, and no credential at any depth."""
SecretKey = Annotated[str, Field(max_length=300), AfterValidator(_checked_key)]
