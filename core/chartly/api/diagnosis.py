"""Validation errors as problems: the field, the value, and what is allowed (INV-10)."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import reduce
from itertools import groupby
from types import UnionType
from typing import Annotated, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from chartly.api.documents import without_nulls
from chartly.api.model import MemberError
from chartly.api.place import Place, redacted_name
from chartly.api.suggestion import suggestion_for
from chartly.api.wording import (
    IF_QUOTED,
    KEY,
    allowed_values,
    error_message,
    given_tag,
    is_unquoted,
    union_error_message,
)
from chartly.errors import Problem, SpecError

_MODEL = TypeVar("_MODEL", bound=BaseModel)
_MEMBERS = {"str": "string", "constrained-str": "string", "int": "int", "bool": "bool"}
"""The members of a union of scalars, as pydantic names them, with the start of their errors."""


def parse_model(model: type[_MODEL], written: object, place: Place) -> _MODEL:
    """Validates what is written at ``place``; a null counts as absent, as in digests.

    Raises:
        SpecError: with a problem for each mistake.
    """
    content = without_nulls(written)
    try:
        return model.model_validate_json(json.dumps(content))
    except ValidationError as error:
        details = [
            detail for detail in error.errors(include_url=False) if not _is_consequence(detail)
        ]
        _add_mistakes_if_quoted(details, model, content, place)
        raise SpecError(_problems(details, model, place)) from None


def _add_mistakes_if_quoted(
    details: list[ErrorDetails], model: type[BaseModel], content: object, place: Place
) -> None:
    """Adds what would be wrong with unquoted scalars in quotes, so that no advice fails again."""
    unquoted = [detail for detail in details if is_unquoted(detail) and not _is_member(detail)]
    if not unquoted:
        return
    changed = json.loads(json.dumps(content))
    for detail in unquoted:
        fields = _fields(model, detail["loc"])
        holder = reduce(lambda value, part: value[part], fields[:-1], changed)
        holder[fields[-1]] = place.at(*fields).written or json.dumps(detail["input"])
    try:
        model.model_validate_json(json.dumps(changed))
    except ValidationError as error:
        mistakes = {mistake["loc"]: mistake for mistake in error.errors(include_url=False)}
        for detail in unquoted:
            if detail["loc"] in mistakes:
                detail["ctx"] = {IF_QUOTED: error_message(mistakes[detail["loc"]], "")}


def _problems(
    details: list[ErrorDetails], model: type[BaseModel], place: Place
) -> Iterator[Problem]:
    """A problem for each value: pydantic reports each member of a union by itself."""
    for loc, group in groupby(details, lambda detail: detail["loc"][:-1]):
        errors = list(group)
        union = [error for error in errors if _is_member(error)]
        if len(union) == 1:
            union = []
        yield from (_problem(error, model, place) for error in errors if error not in union)
        if union:
            yield _problem_of_union(union, loc, model, place)


def _is_consequence(detail: ErrorDetails) -> bool:
    """Whether a list only counts as short because its items have mistakes of their own."""
    short = detail["type"] == "too_short"
    return short and len(detail["input"]) >= detail["ctx"]["min_length"]


def _is_member(detail: ErrorDetails) -> bool:
    kind = _MEMBERS.get(str(detail["loc"][-1])) if detail["loc"] else None
    return kind is not None and detail["type"].startswith(kind)


def _problem_of_union(
    union: list[ErrorDetails],
    loc: tuple[int | str, ...],
    model: type[BaseModel],
    place: Place,
) -> Problem:
    """The problem of the member whose type the value has, or of all members."""
    field = place.at(*_fields(model, loc))
    typed = next((error for error in union if not error["type"].endswith("_type")), None)
    if typed is not None:
        return field.problem(error_message(typed, ""), value=typed["input"])
    kinds = [error["type"] for error in union]
    return field.problem(union_error_message(kinds), value=union[0]["input"])


def _problem(detail: ErrorDetails, model: type[BaseModel], place: Place) -> Problem:
    loc = detail["loc"]
    if detail["type"] == "extra_forbidden":
        return _unknown_field(detail, model, place)
    field = place.at(*_fields(model, loc), *_discriminator(detail))
    error = detail.get("ctx", {}).get("error")
    if isinstance(error, MemberError):
        return field.at(*error.path).problem(str(error), value=error.value)
    if loc[-1:] == (KEY,):
        # The name is the path's last part.
        return field.problem(
            f"the name {error_message(detail, '')}", allowed=allowed_values(detail)
        )
    value = None if detail["type"] in ("missing", "json_invalid") else given_tag(detail)
    words = error_message(detail, field.written)
    return field.problem(words, value=value, allowed=allowed_values(detail))


def _discriminator(detail: ErrorDetails) -> list[str]:
    """The member that names the variant of an object, if that is what is wrong."""
    member = detail.get("ctx", {}).get("discriminator")
    return [] if member is None else [str(member).strip("'")]


def _fields(model: type[BaseModel], loc: tuple[int | str, ...]) -> list[int | str]:
    """The parts of a location that the author wrote, without pydantic's own."""
    parts = loc[:-1] if loc[-1:] == (KEY,) else loc
    return [part for position, part in enumerate(parts) if not _is_tag(model, parts, position)]


def _unknown_field(detail: ErrorDetails, model: type[BaseModel], place: Place) -> Problem:
    loc = detail["loc"]
    holder, name = place.at(*_fields(model, loc[:-1])), redacted_name(str(loc[-1]))
    takers, known = _takers(model, loc), _fields_at(model, loc[:-1])
    words = f"unknown field {name!r}; {suggestion_for(name, known)}"
    problem = holder.problem(
        foreign_field_message(name, takers) if takers else words, allowed=known
    )
    return replace(problem, line=holder.at(name).line)


def foreign_field_message(name: str, takers: Iterable[str]) -> str:
    """The message for a field that only other variants of an object take."""
    return f"unknown field {name!r}; only {' or '.join(takers)} takes it"


def _takers(model: type[BaseModel], loc: tuple[int | str, ...]) -> list[str]:
    """The variants that take a field, when the object is a variant that does not."""
    if len(loc) < len(("variants", 0, "variant", "field")):
        return []
    variants = {_tag(variant): variant for variant in _models_at(model, loc[:-2])}
    if loc[-2] not in variants:
        return []
    return [tag for tag, variant in variants.items() if loc[-1] in _aliases(variant)]


def _is_tag(model: type[BaseModel], loc: tuple[int | str, ...], place: int) -> bool:
    """Whether a part names the variant of an object in a list rather than a field."""
    if place == 0 or not isinstance(loc[place - 1], int):
        return False
    return loc[place] in [_tag(variant) for variant in _models_at(model, loc[:place])]


def _fields_at(model: type[BaseModel], loc: tuple[int | str, ...]) -> list[str]:
    return sorted({name for holder in _models_at(model, loc) for name in _aliases(holder)})


def _models_at(model: type[BaseModel], loc: tuple[int | str, ...]) -> list[type[BaseModel]]:
    models: list[type[BaseModel]] = [model]
    for part in loc:
        models = [inner for holder in models for inner in _models_under(holder, part)] or models
    return models


def _models_under(holder: type[BaseModel], part: int | str) -> list[type[BaseModel]]:
    for name, info in holder.model_fields.items():
        if part in (name, info.alias):
            return _models_in(info.annotation)
    return [holder] if part == _tag(holder) else []


def _tag(model: type[BaseModel]) -> str:
    """The variant that a model is; empty if it is none."""
    field = model.model_fields.get("op") or model.model_fields.get("type")
    values = get_args(field.annotation) if field is not None else ()
    return str(values[0]) if len(values) == 1 else ""


def _models_in(annotation: object) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    if get_origin(annotation) in (Union, UnionType, tuple, dict, Annotated):
        return [model for part in get_args(annotation) for model in _models_in(part)]
    return []


def _aliases(model: type[BaseModel]) -> list[str]:
    return [info.alias or name for name, info in model.model_fields.items()]
