"""Annotations of models as words: a type, and the limits on its values."""

from collections.abc import Callable, Iterable, Iterator
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Le, MaxLen, MinLen
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from chartly.api.columns import COLUMN_TYPES, ColumnTypeText
from chartly.api.duration import DURATION_RULE, Duration
from chartly.api.model import FieldName, Slug
from chartly.api.profile import Version
from chartly.api.transport import Cidr, Host
from chartly.api.workflow_run import Instant
from chartly.names import SLUG_RULE

_WORDS: list[tuple[Any, str, str]] = [
    (Slug, "name", SLUG_RULE),
    (Version, "version", "SemVer 2.0 `x.y.z[-prerelease]` in lower case; no range, no `latest`"),
    (
        FieldName,
        "field name",
        "lower-case letters, digits and `_`, a letter first, at most 63",
    ),
    (Cidr, "CIDR", "a network such as `10.0.0.0/8`, without host bits"),
    (Host, "host", "a DNS name in lower case, without scheme, port or wildcard"),
    (Duration, "duration", DURATION_RULE),
    (ColumnTypeText, "column type", f"one of {COLUMN_TYPES}"),
    (Instant, "instant", "RFC 3339 with an offset, such as `2026-02-02T00:00:00Z`"),
]
_SIMPLE_TYPES = {str: "text", int: "integer", bool: "boolean", object: "anything", NoneType: "null"}
_UNCOUNTED = ("anything",)
Parts = tuple[Any, ...]


def vocabulary() -> list[tuple[str, str]]:
    """The words for types that have a rule of their own, each with its rule."""
    return [(word, rule) for _, word, rule in _WORDS]


def field_type(info: FieldInfo) -> str:
    """The type of a field as words, such as ``list of hosts``."""
    return _known_by(info.metadata) or type_words(info.annotation)


def type_words(annotation: object) -> str:
    """An annotation as words."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _known_by(_flat(inner[1:])) or type_words(inner[0])
    if origin in _COMPOSED:
        return _COMPOSED[origin](inner)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "object"
    return _SIMPLE_TYPES[annotation]  # type: ignore[index]  # the KeyError of an unknown one names it


def limit_words(info: FieldInfo) -> str:
    """The limits of a field, such as ``1 to 3,600,000``."""
    limits = [*_bounds(info.metadata, info.annotation), *_within(info.annotation)]
    return "; ".join(dict.fromkeys(limits))


def _choice(values: Parts) -> str:
    return ", ".join(f"`{value}`" for value in values)


def _either(parts: Parts) -> str:
    return " or ".join(dict.fromkeys(type_words(part) for part in parts if part is not NoneType))


def _list(parts: Parts) -> str:
    return f"list of {_plural(type_words(parts[0]))}"


def _map(parts: Parts) -> str:
    names, values = map(type_words, parts)
    keys = f"{_plural(names)} to " if names != "text" else ""
    return f"map of {keys}{_plural(values)}"


_COMPOSED: dict[object, Callable[[Parts], str]] = {
    Literal: _choice,
    Union: _either,
    UnionType: _either,
    tuple: _list,
    dict: _map,
}


def _known_by(metadata: Iterable[object]) -> str | None:
    """The word of a type with a rule of its own, if the metadata contains that rule."""
    rules = list(metadata)
    for known, word, _ in _WORDS:
        if all(rule in rules for rule in _flat(known.__metadata__)):
            return word
    return None


def _plural(words: str) -> str:
    if words.startswith("`") or words in _UNCOUNTED:
        return words
    first, of, rest = words.partition(" of ")
    return " or ".join(f"{word}s" for word in first.split(" or ")) + of + rest


def _flat(metadata: Iterable[object]) -> Iterator[object]:
    for constraint in metadata:
        if isinstance(constraint, FieldInfo):
            yield from constraint.metadata
        else:
            yield constraint


def _within(annotation: object) -> Iterator[str]:
    """The limits within an annotation: on one branch, or on each element."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        yield from _bounds(list(_flat(inner[1:])), inner[0])
        yield from _within(inner[0])
    elif origin in (Union, UnionType, tuple, dict):
        for part in inner:
            yield from _within(part)


def _bounds(constraints: list[object], annotation: object) -> Iterator[str]:
    if _known_by(constraints):
        return
    low = next((int(str(limit.ge)) for limit in constraints if isinstance(limit, Ge)), None)
    high = next((int(str(limit.le)) for limit in constraints if isinstance(limit, Le)), None)
    short = next((limit.min_length for limit in constraints if isinstance(limit, MinLen)), None)
    long = next((limit.max_length for limit in constraints if isinstance(limit, MaxLen)), None)
    patterns = [*filter(None, (getattr(limit, "pattern", None) for limit in constraints))]
    yield from _range(low, high, "")
    if not patterns:
        yield from _range(short, long, " characters" if annotation is str else " of them")
    yield from (f"`{pattern}`" for pattern in patterns)


def _range(low: int | None, high: int | None, unit: str) -> Iterator[str]:
    if low is not None and high is not None:
        yield f"{low:,} to {high:,}{unit}" if low != high else f"{low}{unit}"
    elif high is not None:
        yield f"at most {high:,}{unit}"
    elif low is not None:
        yield f"at least {low:,}{unit}"
