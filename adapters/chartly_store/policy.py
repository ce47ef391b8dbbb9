"""Compares a dataset's stored tables with what its storage profile declares."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from chartly.api.event_schema import EventSchema
from chartly.api.storage import StorageSpec
from chartly.errors import RunError
from chartly.load.dataset_tables import (
    data_table,
    index_kinds,
    order_of,
    partition_of,
    rejected_table,
)
from chartly.load.evolution import evolve
from chartly.load.sql import qualified, quoted
from chartly.names import sql_name
from chartly_store.project_store import ProjectStore
from chartly_store.system_tables import indexes, partition_key, sorting_key


@dataclass(frozen=True)
class Measure:
    """One part of a policy.

    Attributes:
        shown: the state of the stored tables.
    """

    part: str
    declared: str
    shown: str
    holds: bool

    def __str__(self) -> str:
        return f"{self.part} {self.shown}" + ("" if self.holds else f", declared {self.declared}")


def measure(
    store: ProjectStore, schema: EventSchema, storage: StorageSpec, expired_at: datetime
) -> list[Measure]:
    """Compares every part of a dataset's policy with its tables.

    Args:
        expired_at: the freeze time of the last run that expired rows.

    Raises:
        RunError: ``StoreUnavailable``: the store does not respond.
    """
    stored = store.columns(data_table(storage.dataset))
    if not stored:
        return [Measure("table", data_table(storage.dataset), "is not there", holds=False)]
    return [
        *_layout(store, schema, storage, stored),
        *_indexes(store, schema, storage),
        *_retention(store, storage, expired_at),
        _limit(store, storage),
    ]


def _layout(
    store: ProjectStore, schema: EventSchema, storage: StorageSpec, stored: dict[str, str]
) -> Iterator[Measure]:
    table = data_table(storage.dataset)
    partition = _unquoted(partition_key(store.engine, store.database, table))
    declared = _unquoted(partition_of(schema))
    yield Measure("partition", declared or "none", partition or "none", partition == declared)
    order, declared = _unquoted(sorting_key(store.engine, store.database, table)), order_of(schema)
    yield Measure("order", declared, order, order == declared)
    differing = _differing(schema, storage, stored, partition)
    yield Measure(
        "columns", "as the profiles say", differing or f"{len(schema.columns)}", not differing
    )
    exists = bool(store.columns(sql_name(storage.dataset)))
    yield Measure("view", "there", "there" if exists else "is not there", exists)


def _differing(
    schema: EventSchema, storage: StorageSpec, stored: dict[str, str], partition: str
) -> str:
    """The columns that the next run would change; empty where there are none."""
    try:
        evolution = evolve(storage.dataset, schema, stored, partition)
    except RunError as error:
        return error.message
    changed = [f"{name} {stored.get(name, 'missing')}" for name in evolution.modified]
    return f"differ: {', '.join(changed)}" if changed else ""


def _indexes(store: ProjectStore, schema: EventSchema, storage: StorageSpec) -> Iterator[Measure]:
    stored = indexes(store.engine, store.database, data_table(storage.dataset))
    for field, declared in index_kinds(schema, storage).items():
        kinds = {kind for column, kind in stored if _unquoted(column) == field}
        shown = ", ".join(sorted(kinds)) or "missing"
        yield Measure(f"index on {field}", declared, shown, declared in kinds)


def _retention(
    store: ProjectStore, storage: StorageSpec, expired_at: datetime
) -> Iterator[Measure]:
    """The days of rows, rejects and pages, each compared with the oldest stored row."""
    by_event = storage.retention
    days = by_event.days if by_event else storage.retention_days
    column = by_event.from_ if by_event else "ingested_at"
    kept = [("retention", data_table(storage.dataset), column, days)]
    kept.append(("retention of rejects", rejected_table(storage.dataset), "ingested_at", days))
    kept += [
        ("retention of pages", data_table(name), "ingested_at", storage.raw.retention_days)
        for name in store.pages_of(storage.dataset)
    ]
    for part, table, aging, limit in kept:
        if limit is None:
            yield Measure(part, "none", "none", holds=True)
            continue
        if not store.columns(table):
            yield Measure(part, f"{limit} days", "its table is missing", holds=False)
            continue
        oldest = _oldest(store, table, aging)
        before = expired_at - timedelta(days=limit)
        shown = f"{limit} days, oldest {_rendered_instant(oldest) if oldest else 'none'}"
        declared = f"nothing before {_rendered_instant(before)}"
        yield Measure(part, declared, shown, oldest is None or oldest >= before)


def _rendered_instant(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def _oldest(store: ProjectStore, table: str, column: str) -> datetime | None:
    """The oldest of all rows, replaced ones included: expiry deletes those, too."""
    count, oldest = store.engine.rows(
        f"SELECT count(), min({quoted(column)}) FROM {qualified(store.database, table)}"
    )[0]
    return oldest if count and isinstance(oldest, datetime) else None


def _limit(store: ProjectStore, storage: StorageSpec) -> Measure:
    size = store.bytes_on_disk(storage.dataset)
    declared = f"at most {storage.max_bytes} bytes"
    shown = f"{size} of {storage.max_bytes} bytes"
    return Measure("size", declared, shown, size <= storage.max_bytes)


def _unquoted(expression: str) -> str:
    return expression.replace("`", "")
