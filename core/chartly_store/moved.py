"""Events whose time was corrected: found by key, and ended where they no longer belong."""

from collections.abc import Iterator, Sequence
from datetime import datetime

import pyarrow as pa

from chartly.load.sql import quoted
from chartly_store.port import Engine

KEYS_AT_ONCE = 500_000
"""Keys that one query groups, so that its memory does not grow with the run."""


class MovedEvents:
    """Keys of a table that stand under more than one time."""

    def __init__(self, engine: Engine, table: str, time: str) -> None:
        self._engine = engine
        self._table = table
        self._time = quoted(time)

    def tombstones(
        self, run_id: str, ingested_at: datetime, columns: Sequence[str]
    ) -> Iterator[pa.Table]:
        """Rows that end all but the newest of each event that a run has moved.

        They carry the run, so that it counts as touching their windows.

        Args:
            columns: every column of the table.
        """
        mine = {"run": run_id}
        counting = f"SELECT count() FROM {self._table} WHERE run_id = {{run:String}}"
        parts = int(str(self._engine.rows(counting, mine)[0][0])) // KEYS_AT_ONCE + 1
        for part in range(parts):
            keys = self._moved_keys(in_part(parts, part))
            if self._engine.rows(f"{keys} LIMIT 1", mine):
                stale = self._engine.arrow(self._stale(keys, columns), mine)
                yield _ended(stale, run_id, ingested_at)

    def count(self, run_id: str) -> int:
        """How many events a run has ended, without those whose time has come back."""
        gone = f"FROM {self._table} WHERE run_id = {{run:String}} AND _deleted = 1"
        columns = f"event_key, {self._time}"
        found = self._engine.rows(
            f"SELECT uniqExact({columns}) {gone} AND ({columns}) NOT IN (SELECT {columns} "
            f"FROM {self._table} FINAL WHERE event_key IN (SELECT event_key {gone}))",
            {"run": run_id},
        )
        return int(str(found[0][0]))

    def _moved_keys(self, among: str) -> str:
        return (
            f"SELECT event_key FROM {self._table} WHERE {among} AND event_key IN "
            f"(SELECT event_key FROM {self._table} WHERE run_id = {{run:String}} AND {among}) "
            f"GROUP BY event_key HAVING min({self._time}) < max({self._time})"
        )

    def _stale(self, keys: str, columns: Sequence[str]) -> str:
        """Rows of the keys but the one that wins, with its version.

        Of equal versions the later time wins, so that the order of loading does not matter.
        """
        names = ", ".join(quoted(name) for name in columns if name not in ("_ver", "_deleted"))
        of_key = "OVER (PARTITION BY event_key"
        # An alias that is a column's name would stand for it in the outer WHERE as well.
        return (
            f"SELECT {names}, winner AS `_ver` FROM (SELECT {names}, "
            f"max(_ver) {of_key}) AS winner, "
            f"row_number() {of_key} ORDER BY _ver DESC, {self._time} DESC) AS place "
            f"FROM {self._table} FINAL WHERE event_key IN ({keys})) WHERE place > 1"
        )


def in_part(parts: int, part: int) -> str:
    """A condition that each key fulfils for one part."""
    return f"cityHash64(event_key) % {parts} = {part}"


def _ended(stale: pa.Table, run_id: str, ingested_at: datetime) -> pa.Table:
    count = stale.num_rows
    table = _replaced(stale, "run_id", pa.array([run_id] * count, pa.string()))
    moments = pa.array([ingested_at] * count, pa.timestamp("ms", tz="UTC"))
    table = _replaced(table, "ingested_at", moments)
    return table.append_column("_deleted", pa.array([1] * count, pa.uint8()))


def _replaced(table: pa.Table, name: str, values: pa.Array) -> pa.Table:
    return table.set_column(table.schema.get_field_index(name), name, values)
