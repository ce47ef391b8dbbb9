"""The tables of a dataset as SQL text."""

from collections.abc import Mapping

from chartly.api.event_schema import EventSchema
from chartly.api.storage import StorageSpec
from chartly.load.sql import base_type, column_type, qualified, quoted
from chartly.names import sql_name

DATA = "__data"
REJECTED = "__rejected"
DURABLE = "fsync_after_insert = 1, fsync_part_directory = 1"
"""Settings that cost some milliseconds per insert and make it survive a power cut."""

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
"""The columns of a view beside the payload."""
# A reference into a page is computed: stored as text it would cost a quarter of an insert.
_REFERENCE = "concat('sha256:', _page, '#', toString(_record)) AS `raw_ref`"
OWN_TYPES = {
    **{name: kind for name, kind in ENVELOPE_TYPES.items() if name != "raw_ref"},
    "_page": TEXT,
    "_record": "UInt32",
    "_ver": "UInt64",
    "_deleted": "UInt8",
}
"""The stored columns of events beside the payload: ``_page`` is the SHA-256 of the page in hex,
``_record`` the position of the record in it."""
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
"""Equal pages of two slices have equal references; a process that was declared dead may still
insert rejects, with a lower ordinal than the attempt that replaced it."""
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
    """The statements that create the tables of a dataset; its view follows changes of columns."""
    columns = {column.name: column_type(column) for column in schema.columns}
    columns |= OWN_TYPES
    data = data_table(storage.dataset)
    rejected = rejected_table(storage.dataset)
    return [
        create_events(database, data, columns, schema, storage),
        create_table(database, rejected, REJECTED_TYPES, REJECTED_ENGINE),
    ]


def dataset_view(database: str, schema: EventSchema, dataset: str) -> str:
    """The view that users and analytics read: one row per event, without tombstones or versions."""
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
    """The statement that creates a table of events, ordered and indexed by its profiles."""
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
    """The partition key of a table of events; empty if they have no time."""
    if schema.time_column is None:
        return ""
    return _PARTITIONS[schema.granularity or "day"].format(quoted(schema.time_column))


def order_of(schema: EventSchema) -> str:
    """The sorting key of a table of events."""
    return "event_key" if schema.time_column is None else f"{schema.time_column}, event_key"


def add_indexes(database: str, schema: EventSchema, storage: StorageSpec) -> list[str]:
    """The statements that add the indexes that a stored table lacks.

    They cover rows that are written later, and older ones once they are merged.
    """
    table = qualified(database, data_table(storage.dataset))
    return [
        f"ALTER TABLE {table} ADD {index.replace('INDEX', 'INDEX IF NOT EXISTS', 1)}"
        for index in _indexes(schema, storage)
    ]


def index_kinds(schema: EventSchema, storage: StorageSpec) -> dict[str, str]:
    """The types of the skip indexes by field."""
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
    """Creates a table beside one of rejects of format 1, with its rows; it is idempotent."""
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
