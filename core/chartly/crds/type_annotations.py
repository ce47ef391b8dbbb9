"""Annotations of models: the type inside, and the constraints on its values."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Le, MaxLen, MinLen
from pydantic import AfterValidator, BaseModel
from pydantic.fields import FieldInfo

from chartly.api.object_status import TextFormat


@dataclass(frozen=True)
class Checks:
    """The constraints on a value, beside its type."""

    all: tuple[Any, ...] = ()

    def plus(self, more: Iterable[object]) -> "Checks":
        return Checks((*self.all, *_flat(more)))

    @property
    def low(self) -> int | None:
        return next((int(str(check.ge)) for check in self.all if isinstance(check, Ge)), None)

    @property
    def high(self) -> int | None:
        return next((int(str(check.le)) for check in self.all if isinstance(check, Le)), None)

    @property
    def shortest(self) -> int | None:
        return next((check.min_length for check in self.all if isinstance(check, MinLen)), None)

    @property
    def longest(self) -> int:
        """The greatest length.

        Raises:
            LookupError: there is none, so the cost of a rule in CEL would have no bound.
        """
        for check in self.all:
            if isinstance(check, MaxLen):
                return check.max_length
        raise LookupError("a text, list or map in a schema needs a longest length")

    @property
    def pattern(self) -> str | None:
        patterns = (getattr(check, "pattern", None) for check in self.all)
        return next((pattern for pattern in patterns if isinstance(pattern, str)), None)

    @property
    def validators(self) -> list[AfterValidator]:
        """The validators that are functions of ours."""
        return [check for check in self.all if isinstance(check, AfterValidator)]

    @property
    def text_format(self) -> str | None:
        return next((check.name for check in self.all if isinstance(check, TextFormat)), None)


def unwrapped(annotation: object, checks: Checks) -> tuple[object, Checks]:
    """An annotation without ``Annotated`` and ``| None``, and the constraints from there."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return unwrapped(inner[0], checks.plus(inner[1:]))
    if origin in (Union, UnionType):
        parts = [part for part in inner if part is not NoneType]
        if len(parts) == 1:
            return unwrapped(parts[0], checks)
    return annotation, checks


def alternatives(annotation: object) -> tuple[object, ...]:
    """The types of a union, without None; empty if it is none."""
    if get_origin(annotation) not in (Union, UnionType):
        return ()
    return tuple(part for part in get_args(annotation) if part is not NoneType)


def models_of(annotation: object) -> tuple[type[BaseModel], ...]:
    """The models of a union of models; empty if it is none."""
    parts = alternatives(annotation)
    models = tuple(part for part in parts if isinstance(part, type) and issubclass(part, BaseModel))
    return models if len(models) == len(parts) else ()


def choices(annotation: object) -> tuple[str, ...]:
    """The values of a Literal; empty if it is none."""
    return get_args(annotation) if get_origin(annotation) is Literal else ()


def alias_of(model: type[BaseModel], name: str) -> str:
    """The name of a field in YAML and JSON."""
    return model.model_fields[name].alias or name


def _flat(checks: Iterable[object]) -> Iterator[object]:
    for check in checks:
        if isinstance(check, FieldInfo):
            yield from check.metadata
        else:
            yield check
