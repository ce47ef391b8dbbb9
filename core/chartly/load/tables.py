"""The tables of a project as SQL text (contracts section 8)."""

from chartly.api.event_schema import EventSchema
from chartly.api.storage import StorageSpec
from chartly.load.sql import base_type, column_type, qualified, quoted
from chartly.names import sql_name

DATA = "__data"
REJECTED = "__rejected"
LEDGER = "__ledger"
ATTEMPTS = "__attempts"
PUBLISHED = "__published"
DATASETS = "__datasets"

DURABLE = "fsync_after_insert = 1, fsync_part_directory = 1"
"""Costs a few milliseconds an insert and survives a power cut."""

_INSTANT = "DateTime64(3, 'UTC')"
_TEXT = "LowCardinality(String)"
ENVELOPE_TYPES = {
    "type": _TEXT,
    "tenant_id": _TEXT,
    "project_id": _TEXT,
    "ingested_at": _INSTANT,
    "raw_ref": "String",
    "run_id": _TEXT,
    "profile_digest": _TEXT,
    "event_key": "String",
}
_COUNTS = ("read", "loaded", "rejected", "duplicate", "filtered", "late")
_PARTITIONS = {
    "hour": "toStartOfHour({})",
    "day": "toYYYYMMDD({})",
    "week": "toMonday({})",
    "month": "toYYYYMM({})",
    "year": "toYear({})",
}
_SYSTEM: dict[str, tuple[dict[str, str], str]] = {
    ATTEMPTS: (
        {
            "run_id": "String",
            "attempt": "UInt32",
            "ordinal": "UInt32",
            "workflow": _TEXT,
            "workflow_version": _TEXT,
            "config_digest": _TEXT,
            "state": _TEXT,
            "reason": _TEXT,
            "message": "String",
            "result": "String",
            "audit_head": "String",
            "ingested_at": _INSTANT,
            "updated_at": _INSTANT,
            "version": "UInt8",
        },
        "ReplacingMergeTree(version) ORDER BY (run_id, attempt)",
    ),
    LEDGER: (
        {
            "dataset": _TEXT,
            "run_id": _TEXT,
            "stream": _TEXT,
            "segment": "UInt32",
            "attempt": "UInt32",
            "ordinal": "UInt32",
            "state_key": _TEXT,
            "page_sha256": "String",
            "bytes": "UInt64",
            **dict.fromkeys(_COUNTS, "UInt64"),
            "position": "String",
            "token_hash": "String",
            "committed_at": _INSTANT,
        },
        "ReplacingMergeTree(ordinal) ORDER BY (dataset, run_id, stream, segment)",
    ),
    PUBLISHED: (
        {
            "dataset": _TEXT,
            "window_start": _INSTANT,
            "window_end": _INSTANT,
            "generation": "UInt64",
            "run_id": _TEXT,
            "digest": _TEXT,
            "rows": "UInt64",
        },
        "ReplacingMergeTree(generation) ORDER BY (dataset, window_start)",
    ),
    DATASETS: (
        {
            "dataset": _TEXT,
            "workflow": _TEXT,
            "layout": "String",
            "sealed_before": f"Nullable({_INSTANT})",
            "version": "UInt64",
        },
        "ReplacingMergeTree(version) ORDER BY dataset",
    ),
}


def data_table(dataset: str) -> str:
    return sql_name(dataset) + DATA


def rejected_table(dataset: str) -> str:
    return sql_name(dataset) + REJECTED


def create_project(database: str) -> list[str]:
    """The project's database and its own tables."""
    return [f"CREATE DATABASE IF NOT EXISTS {quoted(database)}"] + [
        _create(database, table, columns, engine) for table, (columns, engine) in _SYSTEM.items()
    ]


def create_dataset(database: str, schema: EventSchema, storage: StorageSpec) -> list[str]:
    """The tables of a dataset; its view comes after any change of columns."""
    columns = {column.name: column_type(column) for column in schema.columns}
    columns |= ENVELOPE_TYPES | {"_ver": "UInt64", "_deleted": "UInt8"}
    data = data_table(storage.dataset)
    rejects = {
        "run_id": _TEXT,
        "raw_ref": "String",
        "stream": _TEXT,
        "segment": "UInt32",
        "reason": _TEXT,
        "field": _TEXT,
        "path": _TEXT,
        "message": "String",
        "record": "String CODEC(ZSTD(1))",
        "profile_digest": _TEXT,
        "ingested_at": _INSTANT,
    }
    return [
        _create(database, data, columns, _events_engine(schema), _indexes(schema, storage)),
        _create(
            database,
            rejected_table(storage.dataset),
            rejects,
            "ReplacingMergeTree ORDER BY (run_id, raw_ref)",
        ),
    ]


def dataset_view(database: str, schema: EventSchema, dataset: str) -> str:
    """What users and analytics read: one row per event, without tombstones and versions."""
    names = [column.name for column in schema.columns] + list(ENVELOPE_TYPES)
    return (
        f"CREATE OR REPLACE VIEW {qualified(database, sql_name(dataset))} AS "
        f"SELECT {', '.join(map(quoted, names))} "
        f"FROM {qualified(database, data_table(dataset))} FINAL"
    )


def _events_engine(schema: EventSchema) -> str:
    engine = "ReplacingMergeTree(_ver, _deleted)"
    if schema.time_column is None:
        return f"{engine} ORDER BY event_key"
    partition = _PARTITIONS[schema.granularity or "day"].format(quoted(schema.time_column))
    return f"{engine} PARTITION BY {partition} ORDER BY ({quoted(schema.time_column)}, event_key)"


def add_indexes(database: str, schema: EventSchema, storage: StorageSpec) -> list[str]:
    """The statements that give a stored table the indexes it does not have yet.

    They serve rows that are written from then on, and others as they are merged.
    """
    table = qualified(database, data_table(storage.dataset))
    return [
        f"ALTER TABLE {table} ADD {index.replace('INDEX', 'INDEX IF NOT EXISTS', 1)}"
        for index in _indexes(schema, storage)
    ]


def _indexes(schema: EventSchema, storage: StorageSpec) -> list[str]:
    types = {column.name: base_type(column.type) for column in schema.columns}
    return [
        f"INDEX {quoted('idx_' + name)} {quoted(name)} TYPE "
        + ("bloom_filter(0.01)" if "String" in types[name] else "minmax")
        + " GRANULARITY 1"
        for name in storage.indexing.fields
    ]


def _create(
    database: str,
    table: str,
    columns: dict[str, str],
    engine: str,
    indexes: list[str] | None = None,
) -> str:
    parts = [f"{quoted(name)} {kind}" for name, kind in columns.items()] + (indexes or [])
    return (
        f"CREATE TABLE IF NOT EXISTS {qualified(database, table)} ({', '.join(parts)}) "
        f"ENGINE = {engine} SETTINGS {DURABLE}"
    )
