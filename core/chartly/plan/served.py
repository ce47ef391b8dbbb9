"""Fields that the models know and no code serves yet: refused by name, never ignored."""

from collections.abc import Iterator
from typing import Literal, get_args, get_origin

from pydantic.fields import FieldInfo

from chartly.api.model import SpecModel, Unserved
from chartly.errors import Reason, SpecError


def check_served(spec: SpecModel, where: str) -> None:
    """Whether everything that ``spec`` asks for is done by this version.

    Raises:
        SpecError: ``NotServed``, naming the first field that is not.
    """
    for field in _unserved(spec, "spec."):
        raise SpecError(f"{where}: {field}", Reason.NOT_SERVED)


def unserved_marker(info: FieldInfo) -> Unserved | None:
    """What a field says of itself that nobody serves; None if it is served whole."""
    return next((mark for mark in info.metadata if isinstance(mark, Unserved)), None)


def _unserved(spec: SpecModel, prefix: str) -> Iterator[str]:
    for name, info in type(spec).model_fields.items():
        path, value = f"{prefix}{info.alias or name}", getattr(spec, name)
        marker = unserved_marker(info)
        default = info.get_default(call_default_factory=True, validated_data={})
        if marker is None or value == default:
            yield from _within(value, path)
        elif not marker.values:
            yield f"{path}: is not served by this version"
        elif value in marker.values:
            served = ", ".join(each for each in _choices(info) if each not in marker.values)
            yield f"{path} {value!r}: is not served by this version; served are {served}"


def _within(value: object, path: str) -> Iterator[str]:
    if isinstance(value, SpecModel):
        yield from _unserved(value, f"{path}.")
    elif isinstance(value, tuple):
        for member in value:
            yield from _within(member, f"{path}[]")


def _choices(info: FieldInfo) -> tuple[str, ...]:
    return get_args(info.annotation) if get_origin(info.annotation) is Literal else ()
