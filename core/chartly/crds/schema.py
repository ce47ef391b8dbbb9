"""Models as structural schemas: closed, bounded, without defaults, with rules in CEL.

Everything has a greatest size, because the API server counts what a rule may cost at most. No
field of a spec has a default, because a digest is made of what the author wrote (INV-5).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, get_args, get_origin

from pydantic import BaseModel

from chartly.api.connector import SecretRef
from chartly.api.transport import Transport
from chartly.crds.annotations import (
    Checks,
    alias_of,
    alternatives,
    choices,
    models_of,
    opened,
)
from chartly.crds.object_rules import rules_of
from chartly.crds.rules import Rule, keys_must_be, keys_must_match, must_match
from chartly.crds.text_rules import rules_of_type

Schema: TypeAlias = dict[str, Any]
Say: TypeAlias = Callable[[type, str], str]
"""Gives the sentence under a member of a class, or raises LookupError."""

UNTYPED = "x-kubernetes-preserve-unknown-fields"
INT_OR_TEXT = "x-kubernetes-int-or-string"
RULES = "x-kubernetes-validations"
_MOST = (1 << 53) - 1
"""The largest whole number that readers of JSON agree on, and so the largest in a digest."""
_SMALL = (1 << 31) - 1
_PRIVATE = (SecretRef, Transport)
"""Models whose values are not shown: who errs there may have written the secret (INV-6)."""


@dataclass(frozen=True)
class Schemas:
    """Makes schemas.

    Attributes:
        of_variants: the schema of an object that is of one of several models.
        in_cel: whether patterns become rules of ours, whose sentences are the command line's.
    """

    say: Say
    of_variants: "Callable[[Schemas, Sequence[type[BaseModel]]], Schema]"
    in_cel: bool = True

    def of_object(self, model: type[BaseModel]) -> Schema:
        """The schema of a model's objects."""
        properties = {
            alias_of(model, name): self.of_field(model, name) for name in model.model_fields
        }
        needed = [
            alias_of(model, name) for name, info in model.model_fields.items() if info.is_required()
        ]
        schema: Schema = {"type": "object", "properties": properties}
        if needed:
            schema["required"] = needed
        return with_rules(schema, rules_of(model))

    def of_field(self, model: type[BaseModel], name: str) -> Schema:
        """The schema of one field, with what is said of it."""
        schema = {"description": self.say(model, name), **self.of_value(model, name)}
        if model in _PRIVATE:
            for rule in schema.get(RULES, ()):
                rule["reason"] = "FieldValueForbidden"
        return schema

    def of_value(self, model: type[BaseModel], name: str) -> Schema:
        """The schema of one field without a description."""
        info = model.model_fields[name]
        try:
            return self._typed(info.annotation, Checks().plus(info.metadata))
        except LookupError as error:
            raise LookupError(f"{model.__name__}.{name}: {error}") from None

    def _typed(self, annotation: object, checks: Checks) -> Schema:
        kind, found = opened(annotation, checks)
        if choices(kind):
            return _choice(choices(kind))
        if alternatives(kind):
            return self._any_of(kind, found)
        if get_origin(kind) is tuple:
            return self._list(kind, found)
        if get_origin(kind) is dict:
            return self._map(kind, found)
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return self.of_object(kind)
        return self._plain(kind, found)

    def _plain(self, kind: object, checks: Checks) -> Schema:
        if kind is str:
            return self._text(checks)
        if kind is int:
            return _integer(checks)
        if kind is bool:
            return {"type": "boolean"}
        if kind is object:
            return {UNTYPED: True}
        raise LookupError(f"no schema says {kind}")

    def _text(self, checks: Checks) -> Schema:
        schema: Schema = {"type": "string"}
        if checks.text_format is not None:
            return schema | {"format": checks.text_format}
        if checks.shortest is not None:
            schema["minLength"] = checks.shortest
        schema["maxLength"] = checks.longest
        if checks.pattern is None:
            return with_rules(schema, rules_of_type(checks.own))
        if not self.in_cel:
            return schema | {"pattern": checks.pattern}
        return with_rules(schema, (must_match(checks.pattern),))

    def _list(self, kind: object, checks: Checks) -> Schema:
        schema: Schema = {"type": "array"}
        if checks.shortest is not None:
            schema["minItems"] = checks.shortest
        schema["maxItems"] = checks.longest
        return schema | {"items": self._typed(get_args(kind)[0], Checks())}

    def _map(self, kind: object, checks: Checks) -> Schema:
        key, value = get_args(kind)
        schema: Schema = {"type": "object"}
        if checks.shortest is not None:
            schema["minProperties"] = checks.shortest
        schema["maxProperties"] = checks.longest
        schema["additionalProperties"] = self._typed(value, Checks())
        names, of_key = opened(key, Checks())
        rules = list(rules_of_type(checks.own))
        if choices(names):
            rules.append(keys_must_be(choices(names)))
        if of_key.pattern is not None:
            rules.append(keys_must_match(of_key.pattern))
        return with_rules(schema, rules)

    def _any_of(self, kind: object, checks: Checks) -> Schema:
        models = models_of(kind)
        if models:
            return self.of_variants(self, models)
        plain = dict(opened(one, checks) for one in alternatives(kind))
        if set(plain) != {str, int}:
            return {UNTYPED: True}
        return {INT_OR_TEXT: True, "maxLength": plain[str].longest}


def _choice(words: Sequence[str]) -> Schema:
    """A word of several; where one is ``null``, a bare null is refused and not dropped."""
    schema: Schema = {"type": "string", "enum": list(words)}
    return schema | {"nullable": True} if "null" in words else schema


def _integer(checks: Checks) -> Schema:
    low = -_MOST if checks.low is None else checks.low
    high = _MOST if checks.high is None else checks.high
    size = "int32" if high <= _SMALL and low >= -_SMALL else "int64"
    return {"type": "integer", "format": size, "minimum": low, "maximum": high}


def with_rules(schema: Schema, rules: Sequence[Rule]) -> Schema:
    """A schema with rules, after those that it has."""
    if not rules:
        return schema
    return schema | {RULES: [*schema.get(RULES, ()), *(rule.as_schema() for rule in rules)]}


def is_seen_by_cel(schema: Schema) -> bool:
    """Whether rules can look at such a value: not where its type is left open."""
    if schema.get(INT_OR_TEXT):
        return True
    inner = schema.get("additionalProperties", schema.get("items"))
    return "type" in schema and (inner is None or is_seen_by_cel(inner))
