"""Placeholders of analytics SQL: what users write, what parsers see, and what an engine runs."""

import re
from collections.abc import Mapping

from chartly.api.place import Place
from chartly.api.suggestion import suggestion_for
from chartly.query.lexer import refusal_at

PLACEHOLDERS = ("dataset", "window_start", "window_end")
_PLACEHOLDER = re.compile(r"\{\{\s*([A-Za-z_0-9]*)\s*\}\}")
_MARKER = "zz_"


def marked(text: str, where: Place) -> str:
    """The text with identifiers of the same length in place of placeholders.

    Raises:
        SpecError: a placeholder is not one of ours, or a name is like our identifiers.
    """
    reserved = re.search(rf"\b{_MARKER}", text, re.IGNORECASE)
    if reserved is not None:
        why = f"names that start with {_MARKER} are ours"
        raise refusal_at(where, text, reserved.start(), why)
    for match in _PLACEHOLDER.finditer(text):
        if match[1] not in PLACEHOLDERS:
            suggestion = suggestion_for(match[1], PLACEHOLDERS)
            why = f"{match.group()} is not a placeholder; {suggestion}"
            raise refusal_at(where, text, match.start(), why)
    return _PLACEHOLDER.sub(lambda match: (_MARKER + match[1]).ljust(len(match.group()), "_"), text)


def placeholder_of(word: str) -> str:
    """The placeholder that an identifier of marked text replaces; empty for any other."""
    return word.removeprefix(_MARKER).rstrip("_") if word.startswith(_MARKER) else ""


def uses(text: str, name: str) -> int:
    """How often a placeholder appears, in quotes or not."""
    return sum(match[1] == name for match in _PLACEHOLDER.finditer(text))


def filled(text: str, values: Mapping[str, str]) -> str:
    """The text with values for its placeholders."""
    return _PLACEHOLDER.sub(lambda match: values[match[1]], text)
