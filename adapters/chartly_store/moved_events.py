"""Events whose time was corrected: tombstones at their older times."""

from collections.abc import Iterator, Sequence
from datetime import datetime

import pyarrow as pa

from chartly.load.sql import quoted
from chartly_store.engine_port import Engine

KEYS_AT_ONCE = 500_000
"""Keys that one query selects at most."""
ROWS_AT_ONCE = 5_000_000
"""Rows that one query groups by their keys at most."""

_KEY = "cityHash64(event_key)"
"""Stands for a key where a collision does no harm: it takes less memory."""


class MovedEvents:
    """Keys of a table that are stored with more than one time."""

    def __init__(self, engine: Engine, table: str, time: str) -> None:
        self._engine = engine
        self._table = table
        self._time = quoted(time)

    def tombstones(
        self, run_id: str, ingested_at: datetime, columns: Sequence[str]
    ) -> Iterator[pa.Table]:
        """Tombstones for all but the newest row of each event that a run has moved.

        They carry the run, so that it counts as touching their windows.

        Args:
            columns: every column of the table.
        """
        parameters: dict[str, object] = {"run": run_id}
        for share in self._shares(parameters):
            moved = self._number(f"SELECT count() FROM ({self._moved_keys(share)})", parameters)
            parts = -(-moved // KEYS_AT_ONCE)
            for part in range(parts):
                # By another hash than that of the share.
                keys = self._moved_keys(f"{share} AND intHash64({_KEY}) % {parts} = {part}")
                stale = self._engine.arrow(self._stale(keys, columns), parameters)
                yield _tombstones(stale, run_id, ingested_at)

    def _shares(self, parameters: dict[str, object]) -> list[str]:
        """Conditions that divide the table's rows by their keys, so that memory does not grow.

        The few keys of a small run are one share.
        """
        of_run = f"FROM {self._table} WHERE run_id = {{run:String}}"
        if self._number(f"SELECT count() {of_run}", parameters) <= KEYS_AT_ONCE:
            return [f"{_KEY} IN (SELECT {_KEY} {of_run})"]
        parts = self._number(f"SELECT count() FROM {self._table}", {}) // ROWS_AT_ONCE + 1
        return [f"{_KEY} % {parts} = {part}" for part in range(parts)]

    def count(self, run_id: str) -> int:
        """The number of events with a tombstone of the run at a time that no row has now."""
        gone = f"FROM {self._table} WHERE run_id = {{run:String}} AND _deleted = 1"
        columns = f"event_key, {self._time}"
        among = self._at_times_of(f"{_KEY} IN (SELECT {_KEY} {gone})")
        there = f"SELECT {columns} FROM {self._table} FINAL WHERE {among}"
        return self._number(
            f"SELECT uniqExact({columns}) {gone} AND ({columns}) NOT IN ({there})", {"run": run_id}
        )

    def _moved_keys(self, among: str) -> str:
        return (
            f"SELECT {_KEY} AS key FROM {self._table} WHERE {among} GROUP BY key "
            f"HAVING min({self._time}) < max({self._time}) AND max(run_id = {{run:String}})"
        )

    def _at_times_of(self, condition: str) -> str:
        """A condition on keys and on their times, so that FINAL merges no other parts."""
        times = f"SELECT {self._time} FROM {self._table} WHERE {condition}"
        return f"{condition} AND {self._time} IN ({times})"

    def _number(self, sql: str, parameters: dict[str, object]) -> int:
        return int(str(self._engine.rows(sql, parameters)[0][0]))

    def _stale(self, keys: str, columns: Sequence[str]) -> str:
        """The rows of the keys without the winning one, with its version.

        Of equal versions the later time wins, so that the order of loading does not matter.
        """
        names = ", ".join(quoted(name) for name in columns if name not in ("_ver", "_deleted"))
        of_key = "OVER (PARTITION BY event_key"
        among = self._at_times_of(f"{_KEY} IN ({keys})")
        # An alias with the name of a column would replace the column in the outer WHERE, too.
        return (
            f"SELECT {names}, winner AS `_ver` FROM (SELECT {names}, "
            f"max(_ver) {of_key}) AS winner, "
            f"row_number() {of_key} ORDER BY _ver DESC, {self._time} DESC) AS place "
            f"FROM {self._table} FINAL WHERE {among}) WHERE place > 1"
        )


def _tombstones(stale: pa.Table, run_id: str, ingested_at: datetime) -> pa.Table:
    count = stale.num_rows
    table = _replaced(stale, "run_id", pa.array([run_id] * count, pa.string()))
    moments = pa.array([ingested_at] * count, pa.timestamp("ms", tz="UTC"))
    table = _replaced(table, "ingested_at", moments)
    return table.append_column("_deleted", pa.array([1] * count, pa.uint8()))


def _replaced(table: pa.Table, name: str, values: pa.Array) -> pa.Table:
    return table.set_column(table.schema.get_field_index(name), name, values)
