"""Messages for validation errors in the terms of YAML and JSON, not in Python's."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from pydantic_core import ErrorDetails

from chartly.api.suggestion import did_you_mean
from chartly.api.text_forms import form_message

KEY = "[key]"
"""The part that pydantic appends to the location of an invalid name of a member."""
IF_QUOTED = "if_quoted"
"""The member of an error's context that has the mistake which quotes would leave."""
TYPES = {
    "string_type": "must be text",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "bool_type": "must be true or false",
    "model_type": "must be an object",
    "dict_type": "must be an object",
    "model_attributes_type": "must be an object",
    "tuple_type": "must be a list",
}
_WHOLE = re.compile(r"-?(0|[1-9][0-9]*)")
_BOOLEANS = ("true", "false")
_OF_TYPES = {"string_type": "text", "int_type": "a whole number", "bool_type": "true or false"}


def error_message(detail: ErrorDetails, written: str) -> str:
    """What is wrong with a value, and what is allowed.

    Args:
        written: its spelling in the file, if it is a plain scalar that is not read as text.
    """
    kind = detail["type"]
    if kind in TYPES:
        return TYPES[kind] + _quoting_advice(detail, written)
    allowed = allowed_values(detail)
    if allowed:
        near = did_you_mean(str(given_tag(detail)), allowed)
        return f"is not one of {', '.join(allowed)}" + (f"; did you mean {near!r}?" if near else "")
    message = _MESSAGES.get(kind, _not_allowed)
    return message(detail.get("ctx", {}))


def union_error_message(kinds: list[str]) -> str:
    """What is wrong with a value that has none of several types."""
    *first, last = [_OF_TYPES[kind] for kind in kinds]
    return f"must be {', '.join(first)} or {last}"


def allowed_values(detail: ErrorDetails) -> list[str]:
    """The values that are allowed, where they can be listed."""
    context = detail.get("ctx", {})
    expected = context.get("expected") or context.get("expected_tags") or ""
    return re.findall(r"'([^']*)'", str(expected))


def given_tag(detail: ErrorDetails) -> object:
    """The value to compare with a list; for an object with variants, its variant."""
    tag = detail.get("ctx", {}).get("tag")
    return detail["input"] if tag is None else tag


def is_unquoted(detail: ErrorDetails) -> bool:
    """Whether a value is a plain scalar where a text is meant."""
    return detail["type"] == "string_type" and isinstance(detail["input"], bool | int | float)


def _quoting_advice(detail: ErrorDetails, written: str) -> str:
    """The advice for quotes that are missing or superfluous."""
    kind, given = detail["type"], detail["input"]
    if is_unquoted(detail):
        quoted, mistake = json.dumps(written or json.dumps(given)), detail.get("ctx", {})
        if IF_QUOTED in mistake:
            return f" in quotes; {quoted} {mistake[IF_QUOTED]}"
        return f"; put it in quotes: {quoted}"
    if kind == "int_type" and isinstance(given, str) and _WHOLE.fullmatch(given):
        return "; leave the quotes out"
    if kind == "bool_type" and given in _BOOLEANS:
        return "; leave the quotes out"
    return ""


def _counted(context: Mapping[str, Any], limit: str) -> str:
    count = context[limit]
    noun = "item" if context["field_type"] == "Tuple" else "member"
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _not_allowed(_: Mapping[str, Any]) -> str:
    return "is not allowed here"


_MESSAGES: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "missing": lambda _: "is required",
    "union_tag_not_found": lambda _: "is required",
    "string_pattern_mismatch": lambda context: form_message(context["pattern"]),
    "string_too_long": lambda context: f"must have at most {context['max_length']} characters",
    "string_too_short": lambda _: "must not be empty",
    "too_long": lambda context: f"must hold at most {_counted(context, 'max_length')}",
    "too_short": lambda context: f"must hold at least {_counted(context, 'min_length')}",
    "greater_than_equal": lambda context: f"must be greater than or equal to {context['ge']}",
    "less_than_equal": lambda context: f"must be less than or equal to {context['le']}",
    "value_error": lambda context: str(context["error"]),
    # The value is the whole object here, which may hold anything.
    "json_invalid": lambda _: "holds what JSON cannot say, such as half of a surrogate pair",
}
