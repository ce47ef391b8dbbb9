"""The rows of one dataset: inserted by partition, corrected, expired."""

from datetime import datetime, timedelta
from functools import cached_property

import pyarrow as pa
import pyarrow.compute as pc

from chartly.api.event_schema import EventSchema
from chartly.api.storage import StorageSpec
from chartly.errors import Reason, RunError
from chartly.load.dataset_tables import data_table, rejected_table
from chartly.load.sql import qualified, quoted
from chartly_store.arrow_rows import table_of
from chartly_store.dataset_quota import DatasetQuota
from chartly_store.expiry import delete_older, holds_older, older
from chartly_store.moved_events import MovedEvents
from chartly_store.project_store import ProjectStore
from chartly_store.raw_page_table import RawPage, RawPageTable
from chartly_store.run_rows import RunRows

MAX_PARTITIONS = 50
"""Partitions that one insert touches at most; the engine refuses more than 100."""

_COPIED = "ingested_at"
_LAST_DAYS = timedelta(days=1)


class EventTable:
    """The events of a dataset."""

    def __init__(self, store: ProjectStore, schema: EventSchema, storage: StorageSpec) -> None:
        self._store = store
        self._engine = store.engine
        self._schema = schema
        self._storage = storage
        self._name = data_table(storage.dataset)
        self._table = qualified(store.database, self._name)
        self._pages = RawPageTable(store, storage)
        self._quota = DatasetQuota(lambda: store.size_of(self._tables), storage.max_bytes)

    def insert(self, rows: pa.Table) -> None:
        """Inserts events; inserting the same rows again changes no result of a read."""
        # In one chunk: the format has one dictionary for a column, and chunks cost time to read.
        for part in self._by_partition(rows.unify_dictionaries().combine_chunks()):
            self._quota.count(part.nbytes)
            self._engine.insert(self._store.database, self._name, part)

    def insert_rejects(self, rows: list[dict[str, object]]) -> None:
        """Inserts rejects; run and raw_ref identify each."""
        if rows:
            table = table_of(rows)
            self._quota.count(table.nbytes)
            name = rejected_table(self._storage.dataset)
            self._engine.insert(self._store.database, name, table)

    def insert_raw(self, pages: list[RawPage]) -> None:
        """Inserts pages as received, where the profile keeps them; again changes nothing."""
        if pages:
            self._quota.count(sum(len(page.body) for page in pages))
            self._pages.insert(pages)

    def check_quota(self) -> None:
        """Raises where the dataset may not grow any more; called before each insert.

        Raises:
            RunError: ``StorageQuotaExceeded``: its tables take more than ``maxBytes``.
        """
        # The engine has a limit of its own, but counts merged parts, too, and so refuses inserts
        # into a table that is half full (docs/adr/0010-stored-tables.md).
        if self._quota.is_exceeded():
            raise RunError(
                Reason.STORAGE_QUOTA_EXCEEDED,
                f"dataset {self._storage.dataset!r} is larger than its maxBytes "
                f"{self._storage.max_bytes}",
            )

    @cached_property
    def _tables(self) -> list[str]:
        return self._store.tables_of(self._storage.dataset)

    def of_run(self, run_id: str) -> RunRows:
        """The rows of one run."""
        return RunRows(self._store, self._schema, self._storage.dataset, run_id)

    def correct(self, run_id: str, ingested_at: datetime) -> int:
        """Inserts tombstones for events of a run that are stored with an older time, too.

        Returns:
            the number of corrected events, those of earlier attempts included; the tombstones
            carry the run, so that both windows count as touched.
        """
        time = self._schema.time_column
        if time is None or self.of_run(run_id).fill_the_table:
            return 0
        moved = MovedEvents(self._engine, self._table, time)
        columns = list(self._store.columns(self._name))
        for tombstones in moved.tombstones(run_id, ingested_at, columns):
            self.insert(tombstones)
        return moved.count(run_id)

    def newest_expired(self, now: datetime) -> datetime | None:
        """The newest time of a visible event that is older than its retention.

        Only visible rows count: expiry of a replaced row removes no event.
        """
        before = self._kept_since(now)
        if before is None or self._schema.time_column is None:
            return None
        condition, cut = older(self._aging, before)
        # Mostly there is none, which a query without FINAL shows.
        if not holds_older(self._engine, self._table, self._aging, before):
            return None
        return self._newest_visible(condition, cut)

    def newest(self) -> datetime | None:
        """The time of the newest visible event; None without one, or without a time column."""
        if self._schema.time_column is None:
            return None
        time = quoted(self._schema.time_column)
        rows, last = self._engine.rows(f"SELECT count(), max({time}) FROM {self._table}")[0]
        if not rows or not isinstance(last, datetime):
            return None
        # The last days first: FINAL over a whole table takes long, and as a rule the newest event
        # is in them.
        earlier, cut = older(time, last - _LAST_DAYS)
        return self._newest_visible(f"NOT ({earlier})", cut) or self._newest_visible(earlier, cut)

    def _newest_visible(self, condition: str, cut: dict[str, object]) -> datetime | None:
        count, newest = self._engine.rows(
            f"SELECT count(), max({quoted(str(self._schema.time_column))}) "
            f"FROM {self._table} FINAL WHERE {condition}",
            cut,
        )[0]
        return newest if count and isinstance(newest, datetime) else None

    def expire(self, now: datetime) -> None:
        """Deletes events, rejects and pages that are older than their retention."""
        self._pages.expire(now)
        before = self._kept_since(now)
        if before is not None:
            delete_older(self._engine, self._table, self._aging, before)
            rejects = qualified(self._store.database, rejected_table(self._storage.dataset))
            delete_older(self._engine, rejects, _COPIED, before)

    @property
    def _aging(self) -> str:
        """The column of the age of an event."""
        retention = self._storage.retention
        return quoted(retention.from_) if retention else _COPIED

    def _kept_since(self, now: datetime) -> datetime | None:
        retention = self._storage.retention
        days = retention.days if retention else self._storage.retention_days
        return None if days is None else now - timedelta(days=days)

    def _by_partition(self, rows: pa.Table) -> list[pa.Table]:
        """The rows in parts, so that no insert touches too many partitions."""
        time = self._schema.time_column
        if time is None or not rows.num_rows:
            return [rows] if rows.num_rows else []
        floors = pc.floor_temporal(rows.column(time), unit=self._schema.granularity or "day")
        partitions = pc.unique(floors).sort()
        if len(partitions) <= MAX_PARTITIONS:
            return [rows]
        numbers = pc.index_in(floors, partitions)
        return [
            rows.filter(
                pc.and_(pc.greater_equal(numbers, first), pc.less(numbers, first + MAX_PARTITIONS))
            )
            for first in range(0, len(partitions), MAX_PARTITIONS)
        ]
