"""Validation errors as sentences: the field, the value, and what is allowed (INV-10)."""

import json
import re
from collections.abc import Iterable, Mapping
from types import UnionType
from typing import Annotated, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from chartly.api.credential import holds_credential
from chartly.api.documents import without_nulls
from chartly.api.suggestion import did_you_mean, one_of
from chartly.errors import SpecError

_MODEL = TypeVar("_MODEL", bound=BaseModel)
_PRIVATE = re.compile(r"auth|secret|header|token|password|query", re.IGNORECASE)
_IN_URL = re.compile(r"://\S*@|[^/\s:]:[^/\s:]+@|\?\S*=")
"""A user or a query, either of which may hold a credential."""
_TYPES = {
    "string_type": "text",
    "int_type": "a whole number",
    "bool_type": "true or false",
    "model_type": "an object",
    "dict_type": "an object",
    "tuple_type": "a list",
    "model_attributes_type": "an object",
}
_CLIP = 80


class InvalidObjectError(SpecError):
    """An object with one or more mistakes; ``problems`` has one sentence for each."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        more = len(self.problems) - 1
        super().__init__(self.problems[0] + (f" (and {more} more)" if more else ""))


def parse_model(model: type[_MODEL], written: object, where: str, field: str) -> _MODEL:
    """``written`` as ``model``; a null counts as absent, as in digests.

    Args:
        where: the object, such as ``profiles/x.yaml: connector/sales-http@1.0.0``.
        field: the path of ``written`` within it, such as ``spec``.

    Raises:
        InvalidObjectError: with one sentence for each mistake.
    """
    try:
        return model.model_validate_json(json.dumps(without_nulls(written)))
    except ValidationError as error:
        details = error.errors(include_url=False)
        raise InvalidObjectError(
            f"{where}: {_sentence(detail, model, field)}" for detail in details
        ) from None


def _sentence(detail: ErrorDetails, model: type[BaseModel], field: str) -> str:
    loc = detail["loc"]
    path = [part for place, part in enumerate(loc) if not _is_tag(model, loc, place)]
    kind, given = detail["type"], detail["input"]
    if kind == "json_invalid":
        # The input is the whole object here, which may hold anything.
        return f"{field}: holds what JSON cannot say, such as half of a surrogate pair"
    if kind == "extra_forbidden":
        return f"{_path(field, path[:-1])}: {_unknown(_named(path[-1]), model, loc)}"
    if kind == "missing":
        return f"{_path(field, path)}: is required"
    return f"{_path(field, path)}: {_shown(given, path)}{_rule(detail)}"


def _unknown(name: str, model: type[BaseModel], loc: tuple[int | str, ...]) -> str:
    takers = _takers(model, loc)
    if takers:
        return not_its_own_says(name, takers)
    return f"unknown field {name!r}; {one_of(name, _fields_at(model, loc[:-1]))}"


def not_its_own_says(name: str, takers: Iterable[str]) -> str:
    """What is said of a field that only other variants of an object take."""
    return f"unknown field {name!r}; only {' or '.join(takers)} takes it"


def _takers(model: type[BaseModel], loc: tuple[int | str, ...]) -> list[str]:
    """The variants that take a field, when the object is a variant that does not."""
    if len(loc) < len(("variants", 0, "variant", "field")):
        return []
    variants = {_tag(one): one for one in _models_at(model, loc[:-2])}
    if loc[-2] not in variants:
        return []
    return [tag for tag, one in variants.items() if loc[-1] in _aliases(one)]


def _rule(detail: ErrorDetails) -> str:
    kind, context = detail["type"], detail.get("ctx", {})
    if kind in _TYPES:
        return f"must be {_TYPES[kind]}"
    if kind in ("literal_error", "union_tag_invalid"):
        expected = context.get("expected") or context.get("expected_tags") or ""
        allowed = re.findall(r"'([^']*)'", str(expected))
        near = did_you_mean(str(_given(detail)), allowed)
        hint = f"; did you mean {near!r}?" if near else ""
        return f"is not one of {', '.join(allowed)}{hint}"
    if kind == "union_tag_not_found":
        return "needs an op"
    if kind == "string_pattern_mismatch":
        return f"must match {context['pattern']}"
    if kind == "value_error":
        return str(context["error"])
    message = detail["msg"]
    return message.replace("Input should be", "must be")


def _given(detail: ErrorDetails) -> object:
    tag = detail.get("ctx", {}).get("tag")
    return detail["input"] if tag is None else tag


def _shown(given: object, path: list[int | str]) -> str:
    """The value, when it is a scalar that cannot be a credential."""
    if isinstance(given, Mapping | list) or any(_PRIVATE.search(str(part)) for part in path):
        return ""
    text = json.dumps(given, ensure_ascii=False)
    if _IN_URL.search(text) or (isinstance(given, str) and holds_credential(given)):
        return ""
    return (text if len(text) <= _CLIP else f"{text[:_CLIP]}...") + " "


def _named(part: int | str) -> str:
    """A name that somebody wrote, unless it is a credential."""
    return "***" if holds_credential(str(part)) else str(part)


def _path(field: str, path: list[int | str]) -> str:
    shown = field
    for part in path:
        name = part if isinstance(part, int) else _named(part)
        shown += f"[{name}]" if isinstance(part, int) else f".{name}" if shown else str(name)
    return shown


def _is_tag(model: type[BaseModel], loc: tuple[int | str, ...], place: int) -> bool:
    """Whether a part names the variant of an object in a list rather than a field."""
    if place == 0 or not isinstance(loc[place - 1], int):
        return False
    return loc[place] in [_tag(one) for one in _models_at(model, loc[:place])]


def _fields_at(model: type[BaseModel], loc: tuple[int | str, ...]) -> list[str]:
    return sorted({name for holder in _models_at(model, loc) for name in _aliases(holder)})


def _models_at(model: type[BaseModel], loc: tuple[int | str, ...]) -> list[type[BaseModel]]:
    models: list[type[BaseModel]] = [model]
    for part in loc:
        models = [found for holder in models for found in _step(holder, part)] or models
    return models


def _step(holder: type[BaseModel], part: int | str) -> list[type[BaseModel]]:
    for name, info in holder.model_fields.items():
        if part in (name, info.alias):
            return _models_in(info.annotation)
    return [holder] if part == _tag(holder) else []


def _tag(model: type[BaseModel]) -> str:
    """Which variant a model is; nothing if it is none."""
    field = model.model_fields.get("op") or model.model_fields.get("type")
    values = get_args(field.annotation) if field is not None else ()
    return str(values[0]) if len(values) == 1 else ""


def _models_in(annotation: object) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    if get_origin(annotation) in (Union, UnionType, tuple, dict, Annotated):
        return [found for part in get_args(annotation) for found in _models_in(part)]
    return []


def _aliases(model: type[BaseModel]) -> list[str]:
    return [info.alias or name for name, info in model.model_fields.items()]
