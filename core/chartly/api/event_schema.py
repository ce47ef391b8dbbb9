"""The columns of a canonical event, as a normalizer and a storage profile agree on them."""

from collections.abc import Iterator
from dataclasses import dataclass

from chartly.api.columns import (
    BOOLEAN,
    INTEGER,
    NUMBER,
    STRING,
    TIMESTAMP,
    ColumnType,
    parse_column_type,
)
from chartly.api.normalizer import NormalizerSpec, ToDecimal, Transform
from chartly.api.place import Place
from chartly.api.storage import StorageSpec
from chartly.api.suggestion import suggestion_for

NORMALIZER = Place(object="normalizer", path="spec")
STORAGE = Place(object="storage", path="spec")
"""The places of the specs where the caller gives none."""
ENVELOPE = (
    "type",
    "tenant_id",
    "project_id",
    "ingested_at",
    "raw_ref",
    "run_id",
    "profile_digest",
    "event_key",
)
"""The fields of every canonical event beside its payload."""

_RESULT_TYPES: dict[str, ColumnType] = {
    "toNumber": NUMBER,
    "toInt": INTEGER,
    "toString": STRING,
    "toBool": BOOLEAN,
    "toUtcTimestamp": TIMESTAMP,
    "lower": STRING,
    "upper": STRING,
    "trim": STRING,
    "hash": STRING,
}
_STORABLE: dict[str, tuple[str, ...]] = {
    "Decimal": ("Decimal",),
    "Int64": ("Int64", "UInt64", "Decimal"),
    "Bool": ("Bool",),
    "Timestamp": ("Timestamp", "Date"),
}


@dataclass(frozen=True)
class Column:
    """One payload field: its name, stored type, and whether an event must have it."""

    name: str
    type: ColumnType
    required: bool


@dataclass(frozen=True)
class EventSchema:
    """The fields of the events of a dataset.

    Attributes:
        columns: the payload in order of name, without ``type``.
        identity: the fields that make two records the same event.
        time_column: the instant that partitions the dataset, if any.
        filled: the fields in which empty text counts as absent.
    """

    event_type: str
    columns: tuple[Column, ...]
    identity: tuple[str, ...]
    time_column: str | None
    granularity: str | None
    version_field: str | None
    filled: frozenset[str] = frozenset()


def event_schema(
    normalizer: NormalizerSpec,
    storage: StorageSpec,
    at_normalizer: Place = NORMALIZER,
    at_storage: Place = STORAGE,
) -> EventSchema:
    """The schema of the events that both profiles define.

    Args:
        at_normalizer: the place of the normalizer's spec.
        at_storage: the place of the storage profile's spec.

    Raises:
        SpecError: a profile names a field without a mapping, or a column cannot store its type.
    """
    fields = _fields(normalizer, at_normalizer)
    for place, name in _named_fields(normalizer, storage, at_normalizer, at_storage):
        if name not in fields:
            why = f"is not mapped; {suggestion_for(name, fields)}"
            raise place.refusal(why, value=name, allowed=fields)
    types = {name: _stored_type(name, fields[name], storage, at_storage) for name in fields}
    time_column = _time_column(types, normalizer, storage, at_storage)
    version = normalizer.version_field
    if version is not None and not types[version].is_instant:
        raise at_normalizer.at("versionField").refusal(
            "must be an instant; give it a toUtcTimestamp transform", value=version
        )
    return EventSchema(
        event_type=normalizer.canonical_event_type,
        columns=tuple(
            Column(name, types[name], name in normalizer.required_fields) for name in sorted(types)
        ),
        identity=normalizer.identity
        or (("event_id",) if "event_id" in types else tuple(sorted(types))),
        time_column=time_column,
        granularity=storage.partitioning.granularity if storage.partitioning else None,
        version_field=normalizer.version_field,
        filled=_filled(normalizer),
    )


def _filled(normalizer: NormalizerSpec) -> frozenset[str]:
    """The required fields, and those that identify an event unless all fields do."""
    named = {*normalizer.required_fields, *(normalizer.identity or ("event_id",))}
    return frozenset(named - {*normalizer.allow_empty})


def _fields(normalizer: NormalizerSpec, spec: Place) -> dict[str, ColumnType | None]:
    """The fields after all transforms, each with the type that these give it, if any."""
    fields: dict[str, ColumnType | None] = dict.fromkeys(normalizer.mapping)
    for position, transform in enumerate(normalizer.transforms):
        if transform.field not in fields and transform.op != "const":
            why = f"is not mapped; {suggestion_for(transform.field, fields)}"
            place = spec.at("transforms", position, "field")
            raise place.refusal(why, value=transform.field, allowed=fields)
        _apply(transform, fields)
    for name in fields:
        if name in ENVELOPE:
            raise spec.at("mapping", name).refusal("the envelope has that name; choose another")
    return fields


def _apply(transform: Transform, fields: dict[str, ColumnType | None]) -> None:
    if transform.op == "drop":
        del fields[transform.field]
    elif transform.op == "rename":
        fields[transform.to] = fields.pop(transform.field)
    elif isinstance(transform, ToDecimal):
        fields[transform.field] = ColumnType("Decimal", transform.precision, transform.scale)
    elif transform.op in _RESULT_TYPES:
        fields[transform.field] = _RESULT_TYPES[transform.op]
    elif transform.op in ("const", "mapValues"):
        fields[transform.field] = None


def _named_fields(
    normalizer: NormalizerSpec, storage: StorageSpec, at_normalizer: Place, at_storage: Place
) -> Iterator[tuple[Place, str]]:
    """Every field that either profile names outside mapping and transforms."""
    by = storage.partitioning
    lists = {
        at_normalizer.at("requiredFields"): normalizer.required_fields,
        at_normalizer.at("allowEmpty"): normalizer.allow_empty,
        at_normalizer.at("identity"): normalizer.identity,
        at_storage.at("partitioning", "by"): by.by if by else (),
        at_storage.at("indexing", "fields"): storage.indexing.fields,
    }
    for place, names in lists.items():
        yield from ((place.at(position), name) for position, name in enumerate(names))
    yield from ((at_storage.at("columns", name), name) for name in storage.columns)
    if normalizer.version_field:
        yield at_normalizer.at("versionField"), normalizer.version_field
    if storage.retention:
        yield at_storage.at("retention", "from"), storage.retention.from_


def _stored_type(
    name: str, given: ColumnType | None, storage: StorageSpec, spec: Place
) -> ColumnType:
    if name not in storage.columns:
        return given or STRING
    declared = parse_column_type(storage.columns[name])
    allowed = _STORABLE.get(given.name) if given else None
    if allowed is not None and declared.name not in allowed:
        raise spec.at("columns", name).refusal(
            f"cannot hold the {given} that its transforms give; allowed is {' or '.join(allowed)}",
            value=str(declared),
            allowed=allowed,
        )
    return declared


def _time_column(
    types: dict[str, ColumnType], normalizer: NormalizerSpec, storage: StorageSpec, spec: Place
) -> str | None:
    by = storage.partitioning.by[0] if storage.partitioning else None
    times = {
        spec.at("partitioning", "by", 0): by,
        spec.at("retention", "from"): storage.retention.from_ if storage.retention else None,
    }
    for place, name in times.items():
        if name is None:
            continue
        if not types[name].is_instant:
            raise place.refusal("must be an instant; give it a toUtcTimestamp", value=name)
        if name not in normalizer.required_fields:
            raise place.refusal("must be in the normalizer's requiredFields", value=name)
    return by
