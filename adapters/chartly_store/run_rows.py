"""The rows of one run in a dataset's table, compared with the counts of the ledger."""

from collections.abc import Iterator, Sequence
from functools import cached_property

from chartly.api.event_schema import EventSchema
from chartly.errors import Bug
from chartly.load.dataset_tables import data_table
from chartly.load.sql import qualified, quoted
from chartly_store.ledger import pages_of_run
from chartly_store.project_store import ProjectStore

KEYS_AT_ONCE = 500_000
"""Keys that one query returns at most, so that its memory does not grow with the run."""
PARTITIONS_AT_ONCE = 16
"""Partitions that one query reads at most, for the same reason."""

_MINE = "run_id = {run:String}"


class RunRows:
    """The rows of one run in one dataset."""

    def __init__(self, store: ProjectStore, schema: EventSchema, dataset: str, run_id: str) -> None:
        self._engine = store.engine
        self._schema = schema
        self._dataset = dataset
        self._run_id = run_id
        self._table = qualified(store.database, data_table(dataset))
        self._committed = f"({pages_of_run(store.database)})"

    @cached_property
    def loaded(self) -> int:
        """The number of events that the ledger counts as loaded by the run."""
        return self._number(
            f"SELECT sum(loaded) FROM {self._committed} WHERE dataset = {{dataset:String}}",
            dataset=self._dataset,
        )

    @property
    def fill_the_table(self) -> bool:
        """Whether the table holds no other rows; the engine counts without reading any.

        As many rows as the run has loaded keys are those keys, each with one time.
        """
        return self._number(f"SELECT count() FROM {self._table}") == self.loaded

    def committed_keys(self) -> Iterator[list[str]]:
        """The keys that the run's committed pages have loaded, in chunks.

        The table may hold rows of pages that the ledger does not have: these pages are loaded
        again, and their rows are no duplicates then. Where such a row has replaced a committed
        one, only the number of keys is known; which of them it was changes no count.
        """
        pages = f"_page IN (SELECT page_sha256 FROM {self._committed})"
        left = self.loaded
        parts = left // KEYS_AT_ONCE + 1
        for having in (f"max({pages})", f"NOT max({pages})"):
            for part in range(parts if left else 0):
                keys = self._engine.arrow(
                    f"SELECT event_key FROM {self._table} WHERE {_MINE} "
                    f"AND cityHash64(event_key) % {parts} = {part} "
                    f"GROUP BY event_key HAVING {having} ORDER BY event_key LIMIT {{left:UInt64}}",
                    {"run": self._run_id, "left": left},
                ).column(0)
                left -= len(keys)
                yield keys.to_pylist()

    def with_values(self, fields: Sequence[str]) -> list[str]:
        """Those of the fields in which some event of the run has a value."""
        names = [column.name for column in self._schema.columns if column.name in fields]
        if not names:
            return []
        counts = ", ".join(f"countIf(isNotNull({quoted(name)}))" for name in names)
        sql = f"SELECT {counts} FROM {self._table} WHERE {_MINE}"
        (row,) = self._engine.rows(sql, {"run": self._run_id})
        return [name for name, count in zip(names, row, strict=True) if count]

    def check_complete(self) -> None:
        """Raises unless all events that the ledger counts as loaded can be read (INV-4).

        Nothing is compared where a field gives the version: stored events may be newer.

        Raises:
            Bug: some of them cannot be read.
        """
        if self._schema.version_field is not None:
            return
        counting = f"SELECT count() FROM {self._table}"
        # Cheaper, and true of every first run.
        if self.fill_the_table and self._number(f"{counting} WHERE {_MINE}") == self.loaded:
            return
        partitions = self._partitions()
        readable = sum(
            self._readable(partitions[first : first + PARTITIONS_AT_ONCE])
            for first in range(0, len(partitions), PARTITIONS_AT_ONCE)
        )
        if readable < self.loaded:
            raise Bug(
                f"run {self._run_id!r} has loaded {self.loaded} events into {self._dataset!r}, and "
                f"{readable} of them are there"
            )

    def _partitions(self) -> list[str]:
        """The partitions that have rows of the run."""
        rows = self._engine.rows(
            f"SELECT DISTINCT _partition_id FROM {self._table} WHERE {_MINE} ORDER BY 1",
            {"run": self._run_id},
        )
        return [str(row[0]) for row in rows]

    def _readable(self, partitions: list[str]) -> int:
        """The number of the run's rows that win their event, in some partitions."""
        mine = f"{_MINE} AND _partition_id IN {{partitions:Array(String)}}"
        return self._number(
            f"SELECT count() FROM {self._table} FINAL WHERE {mine}{self._in_time_of(mine)}",
            partitions=partitions,
        )

    def _in_time_of(self, rows: str) -> str:
        """A further condition on rows, so that parts outside of their time range are not read."""
        if self._schema.time_column is None:
            return ""
        time = quoted(self._schema.time_column)
        ends = [f"(SELECT {end}({time}) FROM {self._table} WHERE {rows})" for end in ("min", "max")]
        return f" AND {time} BETWEEN {' AND '.join(ends)}"

    def _number(self, sql: str, **parameters: object) -> int:
        return int(str(self._engine.rows(sql, {"run": self._run_id, **parameters})[0][0]))
