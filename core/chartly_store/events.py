"""The rows of one dataset: inserted by partition, corrected, expired."""

from datetime import datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc

from chartly.api.event_schema import EventSchema
from chartly.api.storage import StorageSpec
from chartly.load.sql import qualified, quoted
from chartly.load.tables import LEDGER, data_table, rejected_table
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

    def insert(self, rows: pa.Table) -> None:
        """Inserts events; repeating it with the same rows changes nothing that is read."""
        for part in self._by_partition(rows):
            self._engine.insert(self._store.database, self._name, part)

    def insert_rejects(self, rows: list[dict[str, object]]) -> None:
        """Inserts rejects; each is known by its run and raw_ref."""
        if rows:
            table = rejected_table(self._storage.dataset)
            self._store.insert_dicts(table, rows)

    def keys_of_run(self, run_id: str) -> list[str]:
        """The keys that a run's committed pages have loaded, once each.

        Rows may be there whose page the ledger does not have: they come again, and are not
        duplicates then. Where such a row has replaced a committed one, only the number of keys
        tells; which of them it was changes no count.
        """
        ledger = f"{qualified(self._store.database, LEDGER)} FINAL WHERE run_id = {{run:String}}"
        mine = {"run": run_id, "dataset": self._storage.dataset}
        loaded = self._engine.rows(
            f"SELECT sum(loaded) FROM {ledger} AND dataset = {{dataset:String}}", mine
        )[0][0]
        page = "substring(raw_ref, length('sha256:') + 1, 64)"
        found = self._engine.arrow(
            f"SELECT event_key FROM {self._table} WHERE run_id = {{run:String}} "
            f"GROUP BY event_key "
            f"ORDER BY max({page} IN (SELECT page_sha256 FROM {ledger})) DESC, event_key "
            f"LIMIT {{loaded:UInt64}}",
            {**mine, "loaded": loaded},
        )
        return list(found.column(0).to_pylist())

    def correct(self, run_id: str, ingested_at: datetime) -> int:
        """Puts tombstones where events of a run stand under an older time as well.

        Returns:
            how many events were corrected, also by attempts before this one; the tombstones carry
            the run, so that both windows count as touched.
        """
        time = self._schema.time_column
        if time is None:
            return 0
        stale = self._engine.arrow(self._stale_query(time), {"run": run_id})
        if stale.num_rows:
            table = _replaced(stale, "run_id", pa.array([run_id] * stale.num_rows))
            moments = pa.array([ingested_at] * table.num_rows, pa.timestamp("ms", tz="UTC"))
            table = _replaced(table, _COPIED, moments)
            table = table.append_column("_deleted", pa.array([1] * table.num_rows, pa.uint8()))
            self.insert(table)
        found = self._engine.rows(
            f"SELECT uniqExact(event_key, {quoted(time)}) FROM {self._table} "
            f"WHERE run_id = {{run:String}} AND _deleted = 1",
            {"run": run_id},
        )
        return int(str(found[0][0]))

    def newest_expired(self, now: datetime) -> datetime | None:
        """The newest time of an event that is older than its retention.

        Only of what can be seen: a row that was replaced takes no event with it.
        """
        condition, cut = self._expired(now)
        if condition is None or self._schema.time_column is None:
            return None
        found = self._engine.rows(
            f"SELECT count(), max({quoted(self._schema.time_column)}) "
            f"FROM {self._table} FINAL WHERE {condition}",
            {"cut": cut},
        )[0]
        return found[1] if found[0] and isinstance(found[1], datetime) else None

    def expire(self, now: datetime) -> None:
        """Deletes what is older than its retention, and rejects: they hold whole records."""
        condition, cut = self._expired(now)
        if condition is None:
            return
        self._delete(self._table, condition, cut)
        rejects = rejected_table(self._storage.dataset)
        older, cut = self._older(_COPIED, now, self._days())
        self._delete(qualified(self._store.database, rejects), older, cut)

    def _delete(self, table: str, condition: str, cut: str) -> None:
        found = self._engine.rows(f"SELECT count() FROM {table} WHERE {condition}", {"cut": cut})
        if found[0][0]:
            self._engine.command(
                f"ALTER TABLE {table} DELETE WHERE {condition} SETTINGS mutations_sync = 1",
                {"cut": cut},
            )

    def _expired(self, now: datetime) -> tuple[str | None, str]:
        days = self._days()
        if not days:
            return None, ""
        retention = self._storage.retention
        return self._older(quoted(retention.from_) if retention else _COPIED, now, days)

    def _days(self) -> int:
        """How long events are kept; 0 is for ever."""
        retention = self._storage.retention
        return (retention.days if retention else self._storage.retention_days) or 0

    def _older(self, column: str, now: datetime, days: int) -> tuple[str, str]:
        cut = (now - timedelta(days=days)).strftime("%Y-%m-%d %H:%M:%S")
        return f"{column} < {{cut:DateTime64(3, 'UTC')}}", cut

    def _stale_query(self, time: str) -> str:
        """Rows of keys that stand under two times, but the one that wins, with its version.

        Of equal versions the later time wins, so that the order of loading does not matter.
        """
        keys = (
            f"SELECT event_key FROM {self._table} WHERE event_key IN "
            f"(SELECT event_key FROM {self._table} WHERE run_id = {{run:String}}) "
            f"GROUP BY event_key HAVING uniqExact({quoted(time)}) > 1"
        )
        stored = self._store.columns(self._name)
        columns = ", ".join(quoted(name) for name in stored if name not in ("_ver", "_deleted"))
        of_key = "OVER (PARTITION BY event_key"
        # An alias that is a column's name would stand for it in the outer WHERE as well.
        return (
            f"SELECT {columns}, winner AS `_ver` FROM (SELECT {columns}, "
            f"max(_ver) {of_key}) AS winner, "
            f"row_number() {of_key} ORDER BY _ver DESC, {quoted(time)} DESC) AS place "
            f"FROM {self._table} FINAL WHERE event_key IN ({keys})) WHERE place > 1"
        )

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


def _replaced(table: pa.Table, name: str, values: pa.Array) -> pa.Table:
    return table.set_column(table.schema.get_field_index(name), name, values)
