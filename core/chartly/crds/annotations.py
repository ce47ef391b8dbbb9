"""Annotations of models taken apart: what is within, and what is checked of it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Le, MaxLen, MinLen
from pydantic import AfterValidator, BaseModel
from pydantic.fields import FieldInfo

from chartly.api.status import TextFormat


@dataclass(frozen=True)
class Checks:
    """What is checked of a value, beside its type."""

    all: tuple[Any, ...] = ()

    def plus(self, more: Iterable[object]) -> "Checks":
        return Checks((*self.all, *_flat(more)))

    @property
    def low(self) -> int | None:
        return next((int(str(one.ge)) for one in self.all if isinstance(one, Ge)), None)

    @property
    def high(self) -> int | None:
        return next((int(str(one.le)) for one in self.all if isinstance(one, Le)), None)

    @property
    def shortest(self) -> int | None:
        return next((one.min_length for one in self.all if isinstance(one, MinLen)), None)

    @property
    def longest(self) -> int:
        """The most of it.

        Raises:
            LookupError: there is no such limit, so that CEL could not know what it costs.
        """
        for one in self.all:
            if isinstance(one, MaxLen):
                return one.max_length
        raise LookupError("a text, list or map in a schema needs a longest length")

    @property
    def pattern(self) -> str | None:
        found = (getattr(one, "pattern", None) for one in self.all)
        return next((one for one in found if isinstance(one, str)), None)

    @property
    def own(self) -> list[AfterValidator]:
        """The checks that code of ours does."""
        return [one for one in self.all if isinstance(one, AfterValidator)]

    @property
    def text_format(self) -> str | None:
        return next((one.name for one in self.all if isinstance(one, TextFormat)), None)


def opened(annotation: object, checks: Checks) -> tuple[object, Checks]:
    """An annotation without ``Annotated`` and ``| None``, and the checks that stood there."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return opened(inner[0], checks.plus(inner[1:]))
    if origin in (Union, UnionType):
        parts = [part for part in inner if part is not NoneType]
        if len(parts) == 1:
            return opened(parts[0], checks)
    return annotation, checks


def alternatives(annotation: object) -> tuple[object, ...]:
    """The types of a union, without None; nothing if it is none."""
    if get_origin(annotation) not in (Union, UnionType):
        return ()
    return tuple(part for part in get_args(annotation) if part is not NoneType)


def models_of(annotation: object) -> tuple[type[BaseModel], ...]:
    """The models of a union of models; nothing if it is none."""
    parts = alternatives(annotation)
    models = tuple(one for one in parts if isinstance(one, type) and issubclass(one, BaseModel))
    return models if len(models) == len(parts) else ()


def choices(annotation: object) -> tuple[str, ...]:
    """The values of a Literal; nothing if it is none."""
    return get_args(annotation) if get_origin(annotation) is Literal else ()


def alias_of(model: type[BaseModel], name: str) -> str:
    """How a field is spelled outside."""
    return model.model_fields[name].alias or name


def _flat(checks: Iterable[object]) -> Iterator[object]:
    for one in checks:
        if isinstance(one, FieldInfo):
            yield from one.metadata
        else:
            yield one
