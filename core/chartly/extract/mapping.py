"""Whether a mapping can work at all: asked without any record, and without the vector engine."""

from chartly.api.columns import STRING
from chartly.api.event_schema import EventSchema, event_schema
from chartly.api.normalizer import NormalizerSpec, Rename, ToUtcTimestamp
from chartly.api.storage import StorageSpec
from chartly.errors import SpecError
from chartly.extract.instants import check_timestamps
from chartly.extract.jsonpath import Path, compile_path


def check_mapping(normalizer: NormalizerSpec, storage: StorageSpec) -> EventSchema:
    """The schema of the events that a normalizer profile makes for a storage profile's dataset.

    Raises:
        SpecError: a path, zone or format is malformed, or the profiles do not fit each other.
    """
    lists = {name for name, path in normalizer.mapping.items() if not _path(name, path).singular}
    for position, transform in enumerate(normalizer.transforms):
        if isinstance(transform, ToUtcTimestamp):
            check_timestamps(transform, f"transforms[{position}]")
    schema = event_schema(normalizer, storage)
    for name in normalizer.mapping:
        if name in lists:
            _check_list(name, normalizer, schema)
    return schema


def _path(name: str, text: str) -> Path:
    try:
        return compile_path(text)
    except SpecError as error:
        raise SpecError(f"mapping.{name}: {error.message}") from None


def _check_list(name: str, normalizer: NormalizerSpec, schema: EventSchema) -> None:
    """Whether a list may stand where a path that can match several values leads.

    Raises:
        SpecError: a transform, a column's type or the identity asks for one value.
    """
    path, field = normalizer.mapping[name], name
    for position, transform in enumerate(normalizer.transforms):
        if transform.field != field:
            continue
        if transform.op in _TAKE_ONE:
            where = f"transforms[{position}].op {transform.op!r}"
            raise SpecError(_several(name, path, f"{where} takes one"))
        if transform.op in _REPLACE:
            return
        field = transform.to if isinstance(transform, Rename) else field
    column = next(one for one in schema.columns if one.name == field)
    if column.type != STRING:
        raise SpecError(_several(name, path, f"columns.{field} is {column.type}"))
    if field in schema.identity and (normalizer.identity or field == "event_id"):
        raise SpecError(_several(name, path, f"{field!r} identifies the event"))


def _several(name: str, path: str, why: str) -> str:
    return (
        f"mapping.{name}: path {path!r} can match several values and gives a list, but {why}; "
        "name each member and index on the way to the one value, such as $.items[0].id"
    )


_NUMBERS = ("toNumber", "toDecimal", "toInt")
_TEXTS = ("lower", "upper", "trim")
_TAKE_ONE = frozenset((*_NUMBERS, *_TEXTS, "toBool", "toUtcTimestamp", "mapValues"))
_REPLACE = frozenset(("const", "drop", "toString", "hash"))
"""Transforms after which the field is no list any more."""
