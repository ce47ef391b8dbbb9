"""The check of a mapping without any record, and without the vector engine."""

from chartly.api.columns import STRING
from chartly.api.event_schema import NORMALIZER, STORAGE, EventSchema, event_schema
from chartly.api.normalizer import NormalizerSpec, Rename, ToUtcTimestamp
from chartly.api.place import Place
from chartly.api.storage import StorageSpec
from chartly.extract.instants import check_timestamps
from chartly.extract.jsonpath import Path, compile_path


def check_mapping(
    normalizer: NormalizerSpec,
    storage: StorageSpec,
    at_normalizer: Place = NORMALIZER,
    at_storage: Place = STORAGE,
) -> EventSchema:
    """The schema of the events that a normalizer profile makes for a storage profile's dataset.

    Args:
        at_normalizer: the place of the normalizer's spec.
        at_storage: the place of the storage profile's spec.

    Raises:
        SpecError: a path, zone or format is malformed, or the profiles do not fit each other.
    """
    paths = compiled_mapping(normalizer, at_normalizer)
    for position, transform in enumerate(normalizer.transforms):
        if isinstance(transform, ToUtcTimestamp):
            check_timestamps(transform, at_normalizer.at("transforms", position))
    schema = event_schema(normalizer, storage, at_normalizer, at_storage)
    for name, path in paths.items():
        if not path.singular:
            _check_list(name, normalizer, schema, at_normalizer.at("mapping", name))
    return schema


def compiled_mapping(normalizer: NormalizerSpec, spec: Place) -> dict[str, Path]:
    """The paths of a normalizer by field.

    Raises:
        SpecError: one is malformed.
    """
    places = {name: spec.at("mapping", name) for name in normalizer.mapping}
    return {name: compile_path(text, places[name]) for name, text in normalizer.mapping.items()}


def _check_list(name: str, normalizer: NormalizerSpec, schema: EventSchema, place: Place) -> None:
    """Whether a field whose path can match several values may be a list.

    Raises:
        SpecError: a transform, a column's type or the identity requires a single value.
    """
    path, field = normalizer.mapping[name], name
    for position, transform in enumerate(normalizer.transforms):
        if transform.field != field:
            continue
        if transform.op in _TAKE_SINGLE:
            where = f"transforms[{position}].op {transform.op!r}"
            raise place.refusal(_several(f"{where} takes one"), value=path)
        if transform.op in _REPLACE:
            return
        field = transform.to if isinstance(transform, Rename) else field
    column = next(column for column in schema.columns if column.name == field)
    if column.type != STRING:
        raise place.refusal(_several(f"columns.{field} is {column.type}"), value=path)
    if field in schema.identity and (normalizer.identity or field == "event_id"):
        raise place.refusal(_several(f"{field!r} identifies the event"), value=path)


def _several(why: str) -> str:
    return (
        f"can match several values and gives a list, but {why}; "
        "name each member and index on the way to the one value, such as $.items[0].id"
    )


_NUMBERS = ("toNumber", "toDecimal", "toInt")
_TEXTS = ("lower", "upper", "trim")
_TAKE_SINGLE = frozenset((*_NUMBERS, *_TEXTS, "toBool", "toUtcTimestamp", "mapValues"))
_REPLACE = frozenset(("const", "drop", "toString", "hash"))
"""Transforms after which the field is no list."""
