"""Objects of several variants, such as transforms and steps, as one object with rules.

A structural schema has one set of fields. It therefore has the fields of every variant, and rules
assign each field to its variants.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from pydantic import BaseModel

from chartly.api.diagnosis import foreign_field_message
from chartly.crds.cel_rules import Rule, one_of, required
from chartly.crds.object_rules import (
    OPEN_TYPE_NEEDS,
    rules_of,
    rules_of_variant_field,
    rules_of_variants,
)
from chartly.crds.structural_schema import Schema, Schemas, is_readable_in_cel, with_rules
from chartly.crds.type_annotations import alias_of, choices


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
    variants = {choices(model.model_fields[tag].annotation)[0]: model for model in models}
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
    special = {alias: field for alias, field in fields.items() if alias not in shared}
    readable = {
        alias: field for alias, field in special.items() if is_readable_in_cel(properties[alias])
    }
    needs = [
        _needs(tag, alias, field.needed_by)
        for alias, field in special.items()
        if alias not in readable and field.needed_by
    ]
    needs += [
        _needs_with(alias, value, needed)
        for alias, value, needed in OPEN_TYPE_NEEDS
        if {alias, needed} <= set(properties)
    ]
    if needs:
        schema["allOf"] = needs
    return with_rules(
        schema,
        (
            *_belonging(tag, readable, variants),
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
        holders = {
            variant: model for variant, model in variants.items() if name in model.model_fields
        }
        yield alias, _Field(holders, name)


def _tag_schema(schemas: Schemas, tag: str, variants: dict[str, type[BaseModel]]) -> Schema:
    lines = [
        f"`{variant}`: {_description(schemas, model, tag)}" for variant, model in variants.items()
    ]
    return {"description": "\n".join(lines), "type": "string", "enum": list(variants)}


def _description(schemas: Schemas, model: type[BaseModel], tag: str) -> str:
    try:
        return schemas.describe(model, tag)
    except LookupError:
        return " ".join((model.__doc__ or "").replace("``", "`").split())


def _merged(schemas: Schemas, field: _Field) -> Schema:
    """The schema of a field that several variants may have.

    Raises:
        LookupError: its schema differs between them.
    """
    first, *others = [schemas.of_value(model, field.name) for model in field.holders.values()]
    if any(other != first for other in others):
        raise LookupError(f"{field.name} is not the same in {', '.join(field.holders)}")
    texts = {
        variant: schemas.describe(model, field.name) for variant, model in field.holders.items()
    }
    if len(set(texts.values())) == 1:
        return {"description": next(iter(texts.values())), **first}
    lines = (f"`{variant}`: {text}" for variant, text in texts.items())
    return {"description": "\n".join(lines), **first}


def _belonging(
    tag: str, fields: dict[str, _Field], variants: dict[str, type[BaseModel]]
) -> Iterator[Rule]:
    for alias, field in fields.items():
        if len(field.holders) < len(variants):
            yield Rule(
                f"!has(self.{alias}) || {one_of(f'self.{tag}', field.holders)}",
                foreign_field_message(alias, field.holders),
                why="FieldValueForbidden",
            )
        if field.needed_by:
            yield required(alias, one_of(f"self.{tag}", field.needed_by))


def _of_models(tag: str, variants: dict[str, type[BaseModel]]) -> Iterator[Rule]:
    for variant, model in variants.items():
        for rule in rules_of(model):
            yield replace(rule, rule=f"self.{tag} != '{variant}' || {rule.rule}")


def _needs(tag: str, field: str, variants: Iterable[str]) -> Schema:
    """Some variants need a field that rules in CEL cannot read, because its type is left open."""
    other = {"not": {"properties": {tag: {"enum": list(variants)}}}}
    return {"anyOf": [{"required": [field]}, other]}


def _needs_with(field: str, value: str, needed: str) -> Schema:
    """The same, where one value of a field needs another field."""
    other = {"not": {"properties": {field: {"enum": [value]}}, "required": [field]}}
    return {"anyOf": [{"required": [needed]}, other]}
