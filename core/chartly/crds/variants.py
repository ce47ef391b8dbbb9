"""Objects of several variants, such as transforms and steps, as one object with rules.

A structural schema has one set of fields. It therefore holds the fields of every variant, and
rules say which of them belong to which.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from pydantic import BaseModel

from chartly.api.diagnosis import not_its_own_says
from chartly.crds.annotations import alias_of, choices
from chartly.crds.object_rules import (
    UNSEEN_NEEDS,
    rules_of,
    rules_of_variant_field,
    rules_of_variants,
)
from chartly.crds.rules import Rule, one_of, required
from chartly.crds.schema import Schema, Schemas, is_seen_by_cel, with_rules


@dataclass(frozen=True)
class _Field:
    """A field that some variants have: the models by variant, and its name in them."""

    holders: dict[str, type[BaseModel]]
    name: str

    @property
    def needed_by(self) -> list[str]:
        return [
            variant
            for variant, model in self.holders.items()
            if model.model_fields[self.name].is_required()
        ]


def of_variants(schemas: Schemas, models: Sequence[type[BaseModel]]) -> Schema:
    """The schema of an object that is of one of the models."""
    tag = _tag(models)
    variants = {choices(one.model_fields[tag].annotation)[0]: one for one in models}
    fields = dict(_fields(tag, variants))
    properties = {tag: _tag_schema(schemas, tag, variants)} | {
        alias: _merged(schemas, field) for alias, field in fields.items()
    }
    for alias, field in fields.items():
        for variant in field.holders:
            properties[alias] = with_rules(
                properties[alias], rules_of_variant_field(variant, alias)
            )
    shared = [alias for alias, field in fields.items() if len(field.needed_by) == len(models)]
    schema: Schema = {"type": "object", "properties": properties, "required": [tag, *shared]}
    special = {alias: one for alias, one in fields.items() if alias not in shared}
    seen = {alias: one for alias, one in special.items() if is_seen_by_cel(properties[alias])}
    unseen = [
        _needs(tag, alias, one.needed_by)
        for alias, one in special.items()
        if alias not in seen and one.needed_by
    ]
    unseen += [
        _needs_with(alias, value, needed)
        for alias, value, needed in UNSEEN_NEEDS
        if {alias, needed} <= set(properties)
    ]
    if unseen:
        schema["allOf"] = unseen
    return with_rules(
        schema,
        (
            *_belonging(tag, seen, variants),
            *rules_of_variants(variants),
            *_of_models(tag, variants),
        ),
    )


def _tag(models: Sequence[type[BaseModel]]) -> str:
    return next(
        name for name, info in models[0].model_fields.items() if len(choices(info.annotation)) == 1
    )


def _fields(tag: str, variants: dict[str, type[BaseModel]]) -> Iterator[tuple[str, _Field]]:
    names = {
        alias_of(model, name): name
        for model in variants.values()
        for name in model.model_fields
        if name != tag
    }
    for alias, name in names.items():
        holders = {one: model for one, model in variants.items() if name in model.model_fields}
        yield alias, _Field(holders, name)


def _tag_schema(schemas: Schemas, tag: str, variants: dict[str, type[BaseModel]]) -> Schema:
    said = [f"`{one}`: {_said_of(schemas, model, tag)}" for one, model in variants.items()]
    return {"description": "\n".join(said), "type": "string", "enum": list(variants)}


def _said_of(schemas: Schemas, model: type[BaseModel], tag: str) -> str:
    try:
        return schemas.say(model, tag)
    except LookupError:
        return " ".join((model.__doc__ or "").replace("``", "`").split())


def _merged(schemas: Schemas, field: _Field) -> Schema:
    """The schema of a field that several variants may have.

    Raises:
        LookupError: they do not mean the same by it.
    """
    found = [schemas.of_value(model, field.name) for model in field.holders.values()]
    if any(one != found[0] for one in found):
        raise LookupError(f"{field.name} is not the same in {', '.join(field.holders)}")
    said = {one: schemas.say(model, field.name) for one, model in field.holders.items()}
    if len(set(said.values())) == 1:
        return {"description": next(iter(said.values())), **found[0]}
    return {"description": "\n".join(f"`{one}`: {text}" for one, text in said.items()), **found[0]}


def _belonging(
    tag: str, fields: dict[str, _Field], variants: dict[str, type[BaseModel]]
) -> Iterator[Rule]:
    for alias, field in fields.items():
        if len(field.holders) < len(variants):
            yield Rule(
                f"!has(self.{alias}) || {one_of(f'self.{tag}', field.holders)}",
                not_its_own_says(alias, field.holders),
                why="FieldValueForbidden",
            )
        if field.needed_by:
            yield required(alias, one_of(f"self.{tag}", field.needed_by))


def _of_models(tag: str, variants: dict[str, type[BaseModel]]) -> Iterator[Rule]:
    for variant, model in variants.items():
        for rule in rules_of(model):
            yield replace(rule, rule=f"self.{tag} != '{variant}' || {rule.rule}")


def _needs(tag: str, field: str, variants: Iterable[str]) -> Schema:
    """What rules cannot say, since the field's type is left open: some variants need it."""
    other = {"not": {"properties": {tag: {"enum": list(variants)}}}}
    return {"anyOf": [{"required": [field]}, other]}


def _needs_with(field: str, value: str, needed: str) -> Schema:
    """The same where one value of a field needs another field."""
    other = {"not": {"properties": {field: {"enum": [value]}}, "required": [field]}}
    return {"anyOf": [{"required": [needed]}, other]}
