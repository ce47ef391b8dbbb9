"""A rule of a schema in CEL, with the message for an object that breaks it (INV-10)."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from chartly.api.text_forms import form_message

Why = Literal["FieldValueInvalid", "FieldValueForbidden", "FieldValueRequired"]
REQUIRED_MESSAGE = "is required"


@dataclass(frozen=True)
class Rule:
    """A constraint on ``self``.

    Attributes:
        message: the fixed part of the command line's message for the same mistake.
        expression: CEL for the whole message, where a part of it is a value.
        field: the path of the wrong field, where that is not ``self``.
        why: the reason that the API server puts before the message. With ``FieldValueForbidden``
            it leaves the value out, which may be a credential (INV-6).
    """

    rule: str
    message: str
    expression: str = ""
    field: str = ""
    why: Why = "FieldValueInvalid"

    def as_schema(self) -> dict[str, str]:
        """The rule as an item of ``x-kubernetes-validations``."""
        parts = {
            "rule": self.rule,
            "message": self.message,
            "messageExpression": self.expression,
            "fieldPath": self.field,
            "reason": "" if self.why == "FieldValueInvalid" else self.why,
        }
        return {name: value for name, value in parts.items() if value}


def literal(text: str) -> str:
    """CEL for a text."""
    return json.dumps(text, ensure_ascii=False)


def one_of(name: str, values: Iterable[str]) -> str:
    """CEL for: ``name`` is one of the values."""
    literals = [literal(value) for value in values]
    return (
        f"{name} == {literals[0]}" if len(literals) == 1 else f"{name} in [{', '.join(literals)}]"
    )


def anchored(pattern: str) -> str:
    """CEL for a pattern that a whole text must match; Python and RE2 interpret it alike."""
    return regex(f"^({pattern})$")


def regex(pattern: str) -> str:
    """CEL for a pattern.

    Raises:
        ValueError: the pattern contains a quote, or a look-around, which RE2 does not have.
    """
    if "'" in pattern or "(?=" in pattern or "(?!" in pattern:
        raise ValueError(f"pattern {pattern!r}: must have no quote and no look-around")
    return f"r'{pattern}'"


def quoted(expression: str) -> str:
    """CEL for the value of an expression between quotes, as in messages."""
    return f'"\'" + {expression} + "\'"'


def unchanged(field: str) -> str:
    """CEL for: an optional field is unchanged; comparing optionals would have no known cost."""
    now, before = f"self.{field}", f"oldSelf.{field}"
    return f"has({now}) == has({before}) && (!has({now}) || {now} == {before})"


def must_match(pattern: str, why: Why = "FieldValueInvalid") -> Rule:
    """The rule of a field with a pattern in its model."""
    return Rule(f"self.matches({regex(pattern)})", form_message(pattern), why=why)


def keys_must_match(pattern: str) -> Rule:
    """The rule of a map whose keys have a pattern."""
    broken = f"self.filter(key, !key.matches({regex(pattern)}))[0]"
    return Rule(
        f"self.all(key, key.matches({regex(pattern)}))",
        form_message(pattern),
        f"{quoted(broken)} + {literal(f' {form_message(pattern)}')}",
    )


def keys_must_be(allowed: Iterable[str]) -> Rule:
    """The rule of a map with a closed list of keys."""
    names = list(allowed)
    return Rule(f"self.all(key, {one_of('key', names)})", f"is not one of {', '.join(names)}")


def required(field: str, when: str = "") -> Rule:
    """The rule that a field is present, always or under a condition."""
    rule = f"has(self.{field})" if not when else f"!({when}) || has(self.{field})"
    return Rule(rule, REQUIRED_MESSAGE, field=f".{field}", why="FieldValueRequired")
