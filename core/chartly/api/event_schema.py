"""The columns of a canonical event, as a normalizer and a storage profile agree on them."""

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
from chartly.api.storage import StorageSpec
from chartly.api.suggestion import one_of
from chartly.errors import SpecError

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
"""What every canonical event carries beside its payload."""

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
    """What an event of a dataset looks like.

    Attributes:
        columns: the payload in order of name, without ``type``.
        identity: the fields that make two records the same event.
        time_column: the instant that partitions the dataset, if any.
        filled: the fields in which empty text stands for nothing.
    """

    event_type: str
    columns: tuple[Column, ...]
    identity: tuple[str, ...]
    time_column: str | None
    granularity: str | None
    version_field: str | None
    filled: frozenset[str] = frozenset()


def event_schema(normalizer: NormalizerSpec, storage: StorageSpec) -> EventSchema:
    """The schema that both profiles give.

    Raises:
        SpecError: a field is named that no mapping gives, or its type cannot be stored so.
    """
    fields = _fields(normalizer)
    _check_names(fields, normalizer, storage)
    types = {name: _stored_type(name, fields[name], storage) for name in fields}
    time_column = _time_column(types, normalizer, storage)
    if normalizer.version_field is not None and not types[normalizer.version_field].is_instant:
        raise SpecError(
            f"versionField {normalizer.version_field!r}: must be an instant; "
            f"give it a toUtcTimestamp transform"
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
    """What is required, and what identifies an event by itself and not with all fields."""
    named = {*normalizer.required_fields, *(normalizer.identity or ("event_id",))}
    return frozenset(named - {*normalizer.allow_empty})


def _fields(normalizer: NormalizerSpec) -> dict[str, ColumnType | None]:
    """Each field that is left after all transforms, with the type they give it, if any."""
    fields: dict[str, ColumnType | None] = dict.fromkeys(normalizer.mapping)
    for position, transform in enumerate(normalizer.transforms):
        if transform.field not in fields and transform.op != "const":
            raise SpecError(
                f"transforms[{position}].field: {transform.field!r} is not mapped; "
                f"{one_of(transform.field, fields)}"
            )
        _apply(transform, fields)
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


def _check_names(
    fields: dict[str, ColumnType | None], normalizer: NormalizerSpec, storage: StorageSpec
) -> None:
    for name in fields:
        if name in ENVELOPE:
            raise SpecError(f"mapping {name!r}: the envelope has that name; choose another")
    version = (normalizer.version_field,) if normalizer.version_field else ()
    named = {
        "requiredFields": normalizer.required_fields,
        "allowEmpty": normalizer.allow_empty,
        "identity": normalizer.identity,
        "versionField": version,
        "partitioning.by": storage.partitioning.by if storage.partitioning else (),
        "indexing.fields": storage.indexing.fields,
        "columns": tuple(storage.columns),
        "retention.from": (storage.retention.from_,) if storage.retention else (),
    }
    for where, names in named.items():
        for name in names:
            if name not in fields:
                raise SpecError(f"{where}: {name!r} is not mapped; {one_of(name, fields)}")


def _stored_type(name: str, given: ColumnType | None, storage: StorageSpec) -> ColumnType:
    if name not in storage.columns:
        return given or STRING
    declared = parse_column_type(storage.columns[name])
    allowed = _STORABLE.get(given.name) if given else None
    if allowed is not None and declared.name not in allowed:
        raise SpecError(
            f"columns.{name}: {declared} cannot hold the {given} that its transforms give; "
            f"allowed is {' or '.join(allowed)}"
        )
    return declared


def _time_column(
    types: dict[str, ColumnType], normalizer: NormalizerSpec, storage: StorageSpec
) -> str | None:
    times = {
        "partitioning.by": storage.partitioning.by[0] if storage.partitioning else None,
        "retention.from": storage.retention.from_ if storage.retention else None,
    }
    for where, name in times.items():
        if name is None:
            continue
        if not types[name].is_instant:
            raise SpecError(f"{where}: {name!r} must be an instant; give it a toUtcTimestamp")
        if name not in normalizer.required_fields:
            raise SpecError(f"{where}: {name!r} must be in the normalizer's requiredFields")
    return times["partitioning.by"]
