"""The tables of a dataset as SQL text."""

from collections.abc import Mapping

from chartly.api.event_schema import EventSchema
from chartly.api.storage import StorageSpec
from chartly.load.sql import base_type, column_type, qualified, quoted
from chartly.names import sql_name

DATA = "__data"
REJECTED = "__rejected"
DURABLE = "fsync_after_insert = 1, fsync_part_directory = 1"
"""Costs a few milliseconds an insert and survives a power cut."""

INSTANT = "DateTime64(3, 'UTC')"
TEXT = "LowCardinality(String)"
ENVELOPE_TYPES = {
    "type": TEXT,
    "tenant_id": TEXT,
    "project_id": TEXT,
    "ingested_at": INSTANT,
    "raw_ref": "String",
    "run_id": TEXT,
    "profile_digest": TEXT,
    "event_key": "String",
}
"""What a view shows of an event beside its payload."""
# A reference into a page is computed: as text of its own it would cost a quarter of an insert.
_REFERENCE = "concat('sha256:', _page, '#', toString(_record)) AS `raw_ref`"
OWN_TYPES = {
    **{name: kind for name, kind in ENVELOPE_TYPES.items() if name != "raw_ref"},
    "_page": TEXT,
    "_record": "UInt32",
    "_ver": "UInt64",
    "_deleted": "UInt8",
}
"""What a row of events holds beside its payload: ``_page`` is the SHA-256 of its page in hex,
``_record`` the place of its record there."""
REJECTED_TYPES = {
    "run_id": TEXT,
    "raw_ref": "String",
    "stream": TEXT,
    "segment": "UInt32",
    "reason": TEXT,
    "field": TEXT,
    "path": TEXT,
    "message": "String",
    "record": "String CODEC(ZSTD(1))",
    "profile_digest": TEXT,
    "ingested_at": INSTANT,
    "slice": TEXT,
    "ordinal": "UInt32",
}
REJECTED_ENGINE = "ReplacingMergeTree(ordinal) ORDER BY (run_id, raw_ref, slice)"
"""Equal pages of two slices hold equal references; a process that was given up for dead may still
insert rejects, with a lower ordinal than the attempt that took its place."""
_PARTITIONS = {
    "hour": "toStartOfHour({})",
    "day": "toYYYYMMDD({})",
    "week": "toMonday({})",
    "month": "toYYYYMM({})",
    "year": "toYear({})",
}
_ARGUED = {"bloom_filter": "bloom_filter(0.01)"}


def data_table(dataset: str) -> str:
    return sql_name(dataset) + DATA


def rejected_table(dataset: str) -> str:
    return sql_name(dataset) + REJECTED


def create_dataset(database: str, schema: EventSchema, storage: StorageSpec) -> list[str]:
    """The tables of a dataset; its view comes after any change of columns."""
    columns = {column.name: column_type(column) for column in schema.columns}
    columns |= OWN_TYPES
    data = data_table(storage.dataset)
    rejected = rejected_table(storage.dataset)
    return [
        create_events(database, data, columns, schema, storage),
        create_table(database, rejected, REJECTED_TYPES, REJECTED_ENGINE),
    ]


def dataset_view(database: str, schema: EventSchema, dataset: str) -> str:
    """What users and analytics read: one row per event, without tombstones and versions."""
    payload = [quoted(column.name) for column in schema.columns]
    envelope = [_REFERENCE if name == "raw_ref" else quoted(name) for name in ENVELOPE_TYPES]
    return (
        f"CREATE OR REPLACE VIEW {qualified(database, sql_name(dataset))} AS "
        f"SELECT {', '.join(payload + envelope)} "
        f"FROM {qualified(database, data_table(dataset))} FINAL"
    )


def create_events(
    database: str, table: str, columns: dict[str, str], schema: EventSchema, storage: StorageSpec
) -> str:
    """A table of events, ordered and indexed as the profiles say."""
    engine = "ReplacingMergeTree(_ver, _deleted)"
    partition = partition_of(schema)
    if partition:
        engine += (
            f" PARTITION BY {partition} ORDER BY ({quoted(str(schema.time_column))}, event_key)"
        )
    else:
        engine += " ORDER BY event_key"
    return create_table(database, table, columns, engine, _indexes(schema, storage))


def partition_of(schema: EventSchema) -> str:
    """The partition key of a table of events; empty where they have no time."""
    if schema.time_column is None:
        return ""
    return _PARTITIONS[schema.granularity or "day"].format(quoted(schema.time_column))


def order_of(schema: EventSchema) -> str:
    """What the rows of a table of events are ordered by."""
    return "event_key" if schema.time_column is None else f"{schema.time_column}, event_key"


def add_indexes(database: str, schema: EventSchema, storage: StorageSpec) -> list[str]:
    """The statements that give a stored table the indexes it does not have yet.

    They serve rows that are written from then on, and others as they are merged.
    """
    table = qualified(database, data_table(storage.dataset))
    return [
        f"ALTER TABLE {table} ADD {index.replace('INDEX', 'INDEX IF NOT EXISTS', 1)}"
        for index in _indexes(schema, storage)
    ]


def index_kinds(schema: EventSchema, storage: StorageSpec) -> dict[str, str]:
    """The fields that have a skip index, and of which type it is."""
    types = {column.name: base_type(column.type) for column in schema.columns}
    return {
        name: "bloom_filter" if "String" in types[name] else "minmax"
        for name in storage.indexing.fields
    }


def _indexes(schema: EventSchema, storage: StorageSpec) -> list[str]:
    return [
        f"INDEX {quoted('idx_' + name)} {quoted(name)} TYPE {_ARGUED.get(kind, kind)} GRANULARITY 1"
        for name, kind in index_kinds(schema, storage).items()
    ]


def replace_rejected(database: str, aside: str, table: str) -> str:
    """Makes a table beside one of rejects of format 1, with its rows; repeating it makes one."""
    columns = ", ".join(f"{quoted(name)} {kind}" for name, kind in REJECTED_TYPES.items())
    return (
        f"CREATE OR REPLACE TABLE {qualified(database, aside)} ({columns}) "
        f"ENGINE = {REJECTED_ENGINE} SETTINGS {DURABLE} "
        f"AS SELECT *, '' AS slice, 0 AS ordinal FROM {qualified(database, table)} FINAL"
    )


def create_table(
    database: str,
    table: str,
    columns: Mapping[str, str],
    engine: str,
    indexes: list[str] | None = None,
) -> str:
    parts = [f"{quoted(name)} {kind}" for name, kind in columns.items()] + (indexes or [])
    return (
        f"CREATE TABLE IF NOT EXISTS {qualified(database, table)} ({', '.join(parts)}) "
        f"ENGINE = {engine} SETTINGS {DURABLE}"
    )
