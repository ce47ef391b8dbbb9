"""The rows of one dataset: inserted by partition, corrected, expired."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import cached_property

import pyarrow as pa
import pyarrow.compute as pc

from chartly.api.event_schema import EventSchema
from chartly.api.storage import StorageSpec
from chartly.errors import Bug, Reason, RunError
from chartly.load.project_tables import LEDGER
from chartly.load.sql import qualified, quoted
from chartly.load.tables import data_table, rejected_table
from chartly_store.expiry import delete_older, older
from chartly_store.moved import KEYS_AT_ONCE, MovedEvents, in_part
from chartly_store.pages import RawPage, RawPages
from chartly_store.project import ProjectStore

MAX_PARTITIONS = 50
"""Partitions that one insert touches at most; the engine refuses more than 100."""

_COPIED = "ingested_at"


class EventTable:
    """The events of a dataset."""

    def __init__(self, store: ProjectStore, schema: EventSchema, storage: StorageSpec) -> None:
        self._store = store
        self._engine = store.engine
        self._schema = schema
        self._storage = storage
        self._name = data_table(storage.dataset)
        self._table = qualified(store.database, self._name)
        self._pages = RawPages(store, storage)

    def insert(self, rows: pa.Table) -> None:
        """Inserts events; repeating it with the same rows changes nothing that is read."""
        # In one piece: the format takes one dictionary for a column, and pieces cost time to read.
        for part in self._by_partition(rows.unify_dictionaries().combine_chunks()):
            self._engine.insert(self._store.database, self._name, part)

    def insert_rejects(self, rows: list[dict[str, object]]) -> None:
        """Inserts rejects; each is known by its run and raw_ref."""
        if rows:
            table = rejected_table(self._storage.dataset)
            self._store.insert_dicts(table, rows)

    def insert_raw(self, pages: list[RawPage]) -> None:
        """Keeps pages as received, if the profile says so; repeating it changes nothing."""
        self._pages.insert(pages)

    def insist_on_room(self) -> None:
        """Whether the dataset may still grow; to be asked before each insert.

        Raises:
            RunError: ``StorageQuotaExceeded``: its tables take more than ``maxBytes``.
        """
        # The engine has a limit of its own, but counts parts that were merged away as well, and so
        # refuses inserts into a table that is half full (docs/adr/0010-stored-tables.md).
        if self._store.size_of(self._tables) > self._storage.max_bytes:
            raise RunError(
                Reason.STORAGE_QUOTA_EXCEEDED,
                f"dataset {self._storage.dataset!r} is larger than its maxBytes "
                f"{self._storage.max_bytes}",
            )

    @cached_property
    def _tables(self) -> list[str]:
        return self._store.tables_of(self._storage.dataset)

    def keys_of_run(self, run_id: str) -> Iterator[list[str]]:
        """The keys that a run's committed pages have loaded, some at a time.

        Rows may be there whose page the ledger does not have: they come again, and are not
        duplicates then. Where such a row has replaced a committed one, only the number of keys
        tells; which of them it was changes no count.
        """
        pages = (
            f"_page IN (SELECT page_sha256 FROM {qualified(self._store.database, LEDGER)} FINAL "
            f"WHERE run_id = {{run:String}})"
        )
        left = self._loaded(run_id)
        parts = left // KEYS_AT_ONCE + 1
        for having in (f"max({pages})", f"NOT max({pages})"):
            for part in range(parts if left else 0):
                keys = self._engine.arrow(
                    f"SELECT event_key FROM {self._table} WHERE run_id = {{run:String}} "
                    f"AND {in_part(parts, part)} GROUP BY event_key HAVING {having} "
                    f"ORDER BY event_key LIMIT {{left:UInt64}}",
                    {"run": run_id, "left": left},
                ).column(0)
                left -= len(keys)
                yield keys.to_pylist()

    def insist_on_all(self, run_id: str) -> None:
        """Whether the events that the ledger counts as loaded can be read (INV-4).

        Not asked where a field gives the version: events that were there already may be newer.

        Raises:
            Bug: some of them cannot.
        """
        if self._schema.version_field is not None:
            return
        loaded, mine = self._loaded(run_id), "run_id = {run:String}"
        if self._holds(loaded) and self._count(f"WHERE {mine}", run_id) == loaded:
            return  # cheaper to know, and so of every run that is the first
        found = self._count(f"FINAL WHERE {mine}{self._in_time_of(mine)}", run_id)
        if found < loaded:
            raise Bug(
                f"run {run_id!r} has loaded {loaded} events into {self._storage.dataset!r}, and "
                f"{found} of them are there"
            )

    def _in_time_of(self, mine: str) -> str:
        """One more condition on a run's rows, so that what lies outside of its time is not read."""
        if self._schema.time_column is None:
            return ""
        time = quoted(self._schema.time_column)
        ends = [f"(SELECT {end}({time}) FROM {self._table} WHERE {mine})" for end in ("min", "max")]
        return f" AND {time} BETWEEN {' AND '.join(ends)}"

    def _count(self, condition: str, run_id: str) -> int:
        counting = f"SELECT count() FROM {self._table} {condition}"
        return int(str(self._engine.rows(counting, {"run": run_id})[0][0]))

    def correct(self, run_id: str, ingested_at: datetime) -> int:
        """Puts tombstones where events of a run stand under an older time as well.

        Returns:
            how many events were corrected, also by attempts before this one; the tombstones carry
            the run, so that both windows count as touched.
        """
        time = self._schema.time_column
        if time is None or self._holds(self._loaded(run_id)):
            return 0
        moved = MovedEvents(self._engine, self._table, time)
        columns = list(self._store.columns(self._name))
        for tombstones in moved.tombstones(run_id, ingested_at, columns):
            self.insert(tombstones)
        return moved.count(run_id)

    def _loaded(self, run_id: str) -> int:
        """How many events the ledger counts as loaded by a run."""
        found = self._engine.rows(
            f"SELECT sum(loaded) FROM {qualified(self._store.database, LEDGER)} FINAL "
            f"WHERE run_id = {{run:String}} AND dataset = {{dataset:String}}",
            {"run": run_id, "dataset": self._storage.dataset},
        )
        return int(str(found[0][0]))

    def _holds(self, count: int) -> bool:
        """Whether the table has exactly so many rows; the engine knows without reading any.

        As many rows as one run has loaded keys are those keys, each under one time.
        """
        found = self._engine.rows(f"SELECT count() FROM {self._table}")
        return int(str(found[0][0])) == count

    def newest_expired(self, now: datetime) -> datetime | None:
        """The newest time of an event that is older than its retention.

        Only of what can be seen: a row that was replaced takes no event with it.
        """
        before = self._kept_since(now)
        if before is None or self._schema.time_column is None:
            return None
        condition, cut = older(self._aging, before)
        found = self._engine.rows(
            f"SELECT count(), max({quoted(self._schema.time_column)}) "
            f"FROM {self._table} FINAL WHERE {condition}",
            cut,
        )[0]
        return found[1] if found[0] and isinstance(found[1], datetime) else None

    def expire(self, now: datetime) -> None:
        """Deletes what is older than its retention; rejects with it, since they hold records."""
        self._pages.expire(now)
        before = self._kept_since(now)
        if before is not None:
            delete_older(self._engine, self._table, self._aging, before)
            rejects = qualified(self._store.database, rejected_table(self._storage.dataset))
            delete_older(self._engine, rejects, _COPIED, before)

    @property
    def _aging(self) -> str:
        """The column that says how old an event is."""
        retention = self._storage.retention
        return quoted(retention.from_) if retention else _COPIED

    def _kept_since(self, now: datetime) -> datetime | None:
        retention = self._storage.retention
        days = retention.days if retention else self._storage.retention_days
        return None if days is None else now - timedelta(days=days)

    def _by_partition(self, rows: pa.Table) -> list[pa.Table]:
        """The rows, cut so that no insert touches too many partitions."""
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
