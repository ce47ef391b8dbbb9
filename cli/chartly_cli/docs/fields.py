"""Models as rows: every field with its path, type, default, limits and meaning."""

from collections.abc import Iterator
from dataclasses import dataclass
from types import UnionType
from typing import Annotated, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from chartly_cli.docs.docstrings import UNSERVED, meaning
from chartly_cli.docs.markdown import code, table
from chartly_cli.docs.types import field_type, limit_words

HEADERS = ("field", "type", "default", "meaning")


@dataclass(frozen=True)
class FieldRow:
    """One field of a spec.

    Attributes:
        path: from the spec on, with ``[]`` after a list.
    """

    path: str
    type: str
    default: str
    limits: str
    meaning: str

    @property
    def cells(self) -> tuple[str, str, str, str]:
        meaning = f"{self.meaning} ({self.limits})" if self.limits else self.meaning
        return code(self.path), self.type, self.default, meaning


def field_table(model: type[BaseModel]) -> str:
    """The fields of a model and of those within it, but not within what is not served."""
    rows = list(field_rows(model))
    closed = tuple(row.path for row in rows if row.meaning.endswith(UNSERVED))
    return table(HEADERS, (row.cells for row in rows if not _is_within(row.path, closed)))


def field_rows(model: type[BaseModel], prefix: str = "") -> Iterator[FieldRow]:
    """The rows of a model: each field, and after an object those of its own.

    A list of alternatives, such as transforms and steps, is not gone into.
    """
    for name, info in model.model_fields.items():
        row = field_row(model, name, prefix)
        yield row
        within, is_list = _object(info.annotation)
        if within is not None:
            yield from field_rows(within, f"{row.path}[]." if is_list else f"{row.path}.")


def field_row(model: type[BaseModel], name: str, prefix: str = "") -> FieldRow:
    """The row of one field.

    Raises:
        LookupError: it has no docstring.
    """
    info = model.model_fields[name]
    return FieldRow(
        path=f"{prefix}{info.alias or name}",
        type=field_type(info),
        default=_default(info),
        limits=limit_words(info),
        meaning=meaning(model, name),
    )


def _is_within(path: str, closed: tuple[str, ...]) -> bool:
    return any(path.startswith((f"{parent}.", f"{parent}[].")) for parent in closed)


def _object(annotation: object) -> tuple[type[BaseModel] | None, bool]:
    """The model within an annotation, and whether it stands in a list."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation, False
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _object(inner[0])
    if origin is tuple:
        return _object(inner[0])[0], True
    if origin in (Union, UnionType):
        branches = [_object(part)[0] for part in inner]
        models = [model for model in branches if model is not None]
        return (models[0] if len(models) == 1 else None), False
    return None, False


def _default(info: FieldInfo) -> str:
    if info.is_required():
        return "required"
    value = info.get_default(call_default_factory=True, validated_data={})
    if isinstance(value, BaseModel):
        given = (
            f"{_alias(value, name)}: {getattr(value, name)}" for name in value.model_fields_set
        )
        return code(", ".join(given))
    if isinstance(value, bool):
        return code(str(value).lower())
    return code(value) if isinstance(value, int | str) else ""


def _alias(model: BaseModel, name: str) -> str:
    return type(model).model_fields[name].alias or name
