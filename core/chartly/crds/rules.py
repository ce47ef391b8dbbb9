"""One rule of a schema in CEL, with the sentence that who breaks it gets (INV-10)."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Why = Literal["FieldValueInvalid", "FieldValueForbidden", "FieldValueRequired"]
REQUIRED_SAYS = "is required"


@dataclass(frozen=True)
class Rule:
    """What must be true of ``self``.

    Attributes:
        message: the command line's words for the same mistake, as far as they do not vary.
        expression: CEL that makes the whole sentence, where a part of it is a value.
        field: the path of the field at fault, where that is not ``self``.
        why: how the API server begins the sentence. With ``FieldValueForbidden`` it does not show
            the value, which is what may be a credential needs (INV-6).
    """

    rule: str
    message: str
    expression: str = ""
    field: str = ""
    why: Why = "FieldValueInvalid"

    def as_schema(self) -> dict[str, str]:
        """The rule as ``x-kubernetes-validations`` takes it."""
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
    shown = [literal(value) for value in values]
    return f"{name} == {shown[0]}" if len(shown) == 1 else f"{name} in [{', '.join(shown)}]"


def whole(pattern: str) -> str:
    """CEL for a pattern that the whole of a text must match; both engines read it alike."""
    return regex(f"^({pattern})$")


def regex(pattern: str) -> str:
    """CEL for a pattern.

    Raises:
        ValueError: it holds a quote, or what only Python's engine knows.
    """
    if "'" in pattern or "(?=" in pattern or "(?!" in pattern:
        raise ValueError(f"pattern {pattern!r}: must have no quote and no look-around")
    return f"r'{pattern}'"


def quoted(expression: str) -> str:
    """CEL for the value of an expression between quotes, as sentences show values."""
    return f'"\'" + {expression} + "\'"'


def same(field: str) -> str:
    """CEL for: an optional field is as it was; comparing optionals would have no known cost."""
    now, before = f"self.{field}", f"oldSelf.{field}"
    return f"has({now}) == has({before}) && (!has({now}) || {now} == {before})"


def must_match(pattern: str, why: Why = "FieldValueInvalid") -> Rule:
    """The rule of a field whose model gives a pattern."""
    return Rule(f"self.matches({regex(pattern)})", f"must match {pattern}", why=why)


def keys_must_match(pattern: str) -> Rule:
    """The rule of a map whose keys have a pattern."""
    broken = f"self.filter(key, !key.matches({regex(pattern)}))[0]"
    return Rule(
        f"self.all(key, key.matches({regex(pattern)}))",
        f"must match {pattern}",
        f"{quoted(broken)} + {literal(f' must match {pattern}')}",
    )


def keys_must_be(allowed: Iterable[str]) -> Rule:
    """The rule of a map whose keys are of a few."""
    names = list(allowed)
    return Rule(f"self.all(key, {one_of('key', names)})", f"is not one of {', '.join(names)}")


def required(field: str, when: str = "") -> Rule:
    """The rule that a field is there, always or when something holds."""
    rule = f"has(self.{field})" if not when else f"!({when}) || has(self.{field})"
    return Rule(rule, REQUIRED_SAYS, field=f".{field}", why="FieldValueRequired")
