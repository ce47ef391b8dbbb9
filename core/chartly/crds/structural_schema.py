"""Models as structural schemas: closed, bounded, without defaults, with rules in CEL.

Everything has a greatest size, because the API server estimates the highest cost of a rule. No
field of a spec has a default, because a digest covers what the author wrote (INV-5).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, get_args, get_origin

from pydantic import BaseModel

from chartly.api.connector import SecretRef
from chartly.api.transport import Transport
from chartly.crds.cel_rules import Rule, keys_must_be, keys_must_match, must_match
from chartly.crds.object_rules import rules_of
from chartly.crds.text_rules import rules_of_type
from chartly.crds.type_annotations import (
    Checks,
    alias_of,
    alternatives,
    choices,
    models_of,
    unwrapped,
)

Schema: TypeAlias = dict[str, Any]
Describe: TypeAlias = Callable[[type, str], str]
"""Returns the docstring of a member of a class, or raises LookupError."""

UNTYPED = "x-kubernetes-preserve-unknown-fields"
INT_OR_TEXT = "x-kubernetes-int-or-string"
RULES = "x-kubernetes-validations"
_MOST = (1 << 53) - 1
"""The largest whole number that readers of JSON agree on, and so the largest in a digest."""
_SMALL = (1 << 31) - 1
_PRIVATE = (SecretRef, Transport)
"""Models whose values are not shown: a wrong value there may be the secret (INV-6)."""


@dataclass(frozen=True)
class Schemas:
    """Generates schemas.

    Attributes:
        of_variants: returns the schema of an object of one of several models.
        in_cel: whether patterns become rules in CEL, with the messages of the command line.
    """

    describe: Describe
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
        """The schema of one field, with its description."""
        schema = {"description": self.describe(model, name), **self.of_value(model, name)}
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
        kind, inner = unwrapped(annotation, checks)
        if choices(kind):
            return _choice(choices(kind))
        if alternatives(kind):
            return self._any_of(kind, inner)
        if get_origin(kind) is tuple:
            return self._list(kind, inner)
        if get_origin(kind) is dict:
            return self._map(kind, inner)
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return self.of_object(kind)
        return self._scalar(kind, inner)

    def _scalar(self, kind: object, checks: Checks) -> Schema:
        if kind is str:
            return self._text(checks)
        if kind is int:
            return _integer(checks)
        if kind is bool:
            return {"type": "boolean"}
        if kind is object:
            return {UNTYPED: True}
        raise LookupError(f"no schema for {kind}")

    def _text(self, checks: Checks) -> Schema:
        schema: Schema = {"type": "string"}
        if checks.text_format is not None:
            return schema | {"format": checks.text_format}
        if checks.shortest is not None:
            schema["minLength"] = checks.shortest
        schema["maxLength"] = checks.longest
        if checks.pattern is None:
            return with_rules(schema, rules_of_type(checks.validators))
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
        names, of_key = unwrapped(key, Checks())
        rules = list(rules_of_type(checks.validators))
        if choices(names):
            rules.append(keys_must_be(choices(names)))
        if of_key.pattern is not None:
            rules.append(keys_must_match(of_key.pattern))
        return with_rules(schema, rules)

    def _any_of(self, kind: object, checks: Checks) -> Schema:
        models = models_of(kind)
        if models:
            return self.of_variants(self, models)
        scalars = dict(unwrapped(member, checks) for member in alternatives(kind))
        if set(scalars) != {str, int}:
            return {UNTYPED: True}
        return {INT_OR_TEXT: True, "maxLength": scalars[str].longest}


def _choice(words: Sequence[str]) -> Schema:
    """A word of several; where ``null`` is allowed, a bare null is refused and not dropped."""
    schema: Schema = {"type": "string", "enum": list(words)}
    return schema | {"nullable": True} if "null" in words else schema


def _integer(checks: Checks) -> Schema:
    low = -_MOST if checks.low is None else checks.low
    high = _MOST if checks.high is None else checks.high
    size = "int32" if high <= _SMALL and low >= -_SMALL else "int64"
    return {"type": "integer", "format": size, "minimum": low, "maximum": high}


def with_rules(schema: Schema, rules: Sequence[Rule]) -> Schema:
    """A schema with more rules, after its own."""
    if not rules:
        return schema
    return schema | {RULES: [*schema.get(RULES, ()), *(rule.as_schema() for rule in rules)]}


def is_readable_in_cel(schema: Schema) -> bool:
    """Whether rules in CEL can read a value: not where its type is left open."""
    if schema.get(INT_OR_TEXT):
        return True
    inner = schema.get("additionalProperties", schema.get("items"))
    return "type" in schema and (inner is None or is_readable_in_cel(inner))
