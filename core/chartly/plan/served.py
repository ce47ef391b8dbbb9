"""Fields of the models that no code serves yet: refused by name, never ignored."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Literal, get_args, get_origin

from pydantic.fields import FieldInfo

from chartly.api.model import SpecModel, Unserved
from chartly.api.place import Place
from chartly.errors import Problem, Reason, SpecError


def check_served(spec: SpecModel, place: Place) -> None:
    """Checks that code serves every field that ``spec``, at ``place``, sets.

    Raises:
        SpecError: ``NotServed``, with a problem for each field that is not served.
    """
    problems = list(_unserved(spec, place))
    if problems:
        raise SpecError(problems)


def unserved_marker(info: FieldInfo) -> Unserved | None:
    """The marker of a field that is not served, or not with every value; else None."""
    return next((mark for mark in info.metadata if isinstance(mark, Unserved)), None)


def _unserved(spec: SpecModel, place: Place) -> Iterator[Problem]:
    for name, info in type(spec).model_fields.items():
        field, value = place.at(info.alias or name), getattr(spec, name)
        marker = unserved_marker(info)
        default = info.get_default(call_default_factory=True, validated_data={})
        if marker is None or value == default:
            yield from _within(value, field)
        elif not marker.values:
            yield field.problem("is not served by this version", reason=Reason.NOT_SERVED)
        elif value in marker.values:
            served = [choice for choice in _choices(info) if choice not in marker.values]
            why = f"is not served by this version; served are {', '.join(served)}"
            # A choice of the model is no credential, whatever the path.
            problem = field.problem(why, allowed=served, reason=Reason.NOT_SERVED)
            yield replace(problem, value=value)


def _within(value: object, place: Place) -> Iterator[Problem]:
    if isinstance(value, SpecModel):
        yield from _unserved(value, place)
    elif isinstance(value, tuple):
        for position, member in enumerate(value):
            yield from _within(member, place.at(position))


def _choices(info: FieldInfo) -> tuple[str, ...]:
    return get_args(info.annotation) if get_origin(info.annotation) is Literal else ()
