"""Validation errors as sentences: the field, the value, and what is allowed (INV-10)."""

import json
import re
from collections.abc import Iterable, Mapping
from types import UnionType
from typing import Annotated, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from chartly.api.documents import without_nulls
from chartly.api.suggestion import did_you_mean, one_of
from chartly.errors import SpecError

_MODEL = TypeVar("_MODEL", bound=BaseModel)
_PRIVATE = re.compile(r"auth|secret|header|token|password|query", re.IGNORECASE)
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
    path = [part for part in detail["loc"] if not _is_tag(part, detail["loc"], model)]
    kind, given = detail["type"], detail["input"]
    if kind == "extra_forbidden":
        name = str(path[-1])
        known = _fields_at(model, detail["loc"][:-1])
        return f"{_path(field, path[:-1])}: unknown field {name!r}; {one_of(name, known)}"
    if kind == "missing":
        return f"{_path(field, path)}: is required"
    return f"{_path(field, path)}: {_shown(given, path)}{_rule(detail)}"


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
    return (text if len(text) <= _CLIP else f"{text[:_CLIP]}...") + " "


def _path(field: str, path: list[int | str]) -> str:
    shown = field
    for part in path:
        shown += f"[{part}]" if isinstance(part, int) else f".{part}" if shown else str(part)
    return shown


def _is_tag(part: int | str, loc: tuple[int | str, ...], model: type[BaseModel]) -> bool:
    """Whether ``part`` names the branch of a union rather than a field."""
    position = loc.index(part)
    if position == 0 or not isinstance(loc[position - 1], int):
        return False
    return isinstance(part, str) and part not in _fields_at(model, loc[: position + 1])


def _fields_at(model: type[BaseModel], loc: tuple[int | str, ...]) -> list[str]:
    models: list[type[BaseModel]] = [model]
    for part in loc:
        models = [found for holder in models for found in _step(holder, part)] or models
    return sorted({name for holder in models for name in _aliases(holder)})


def _step(holder: type[BaseModel], part: int | str) -> list[type[BaseModel]]:
    for name, info in holder.model_fields.items():
        if part in (name, info.alias):
            return _models_in(info.annotation)
    tag = holder.model_fields.get("op") or holder.model_fields.get("type")
    return [holder] if tag is not None and part in get_args(tag.annotation) else []


def _models_in(annotation: object) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    if get_origin(annotation) in (Union, UnionType, tuple, dict, Annotated):
        return [found for part in get_args(annotation) for found in _models_in(part)]
    return []


def _aliases(model: type[BaseModel]) -> list[str]:
    return [info.alias or name for name, info in model.model_fields.items()]
