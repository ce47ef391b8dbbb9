"""What a dataset's table holds of one run, beside what the ledger says that the run has loaded."""

from collections.abc import Iterator, Sequence
from functools import cached_property

from chartly.api.event_schema import EventSchema
from chartly.errors import Bug
from chartly.load.dataset_tables import data_table
from chartly.load.sql import qualified, quoted
from chartly_store.ledger import pages_of_run
from chartly_store.project_store import ProjectStore

KEYS_AT_ONCE = 500_000
"""Keys that one query gives, so that its memory does not grow with the run."""
PARTITIONS_AT_ONCE = 16
"""Partitions whose rows are told apart by one query, for the same reason."""

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
        """How many events the ledger counts as loaded by the run."""
        return self._number(
            f"SELECT sum(loaded) FROM {self._committed} WHERE dataset = {{dataset:String}}",
            dataset=self._dataset,
        )

    @property
    def fill_the_table(self) -> bool:
        """Whether they are all that is there; the engine knows without reading any.

        As many rows as one run has loaded keys are those keys, each under one time.
        """
        return self._number(f"SELECT count() FROM {self._table}") == self.loaded

    def committed_keys(self) -> Iterator[list[str]]:
        """The keys that the run's committed pages have loaded, some at a time.

        Rows may be there whose page the ledger does not have: they come again, and are not
        duplicates then. Where such a row has replaced a committed one, only the number of keys
        tells; which of them it was changes no count.
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
        names = [one.name for one in self._schema.columns if one.name in fields]
        if not names:
            return []
        counts = ", ".join(f"countIf(isNotNull({quoted(name)}))" for name in names)
        sql = f"SELECT {counts} FROM {self._table} WHERE {_MINE}"
        (row,) = self._engine.rows(sql, {"run": self._run_id})
        return [name for name, count in zip(names, row, strict=True) if count]

    def insist_on_all(self) -> None:
        """Whether the events that the ledger counts as loaded can be read (INV-4).

        Not asked where a field gives the version: events that were there already may be newer.

        Raises:
            Bug: some of them cannot.
        """
        if self._schema.version_field is not None:
            return
        counting = f"SELECT count() FROM {self._table}"
        # Cheaper to know, and so of every run that is the first.
        if self.fill_the_table and self._number(f"{counting} WHERE {_MINE}") == self.loaded:
            return
        partitions = self._partitions()
        found = sum(
            self._readable(partitions[first : first + PARTITIONS_AT_ONCE])
            for first in range(0, len(partitions), PARTITIONS_AT_ONCE)
        )
        if found < self.loaded:
            raise Bug(
                f"run {self._run_id!r} has loaded {self.loaded} events into {self._dataset!r}, and "
                f"{found} of them are there"
            )

    def _partitions(self) -> list[str]:
        """The partitions that have rows of the run."""
        found = self._engine.rows(
            f"SELECT DISTINCT _partition_id FROM {self._table} WHERE {_MINE} ORDER BY 1",
            {"run": self._run_id},
        )
        return [str(one[0]) for one in found]

    def _readable(self, partitions: list[str]) -> int:
        """How many rows of the run are what is read of their event, in some partitions."""
        mine = f"{_MINE} AND _partition_id IN {{partitions:Array(String)}}"
        return self._number(
            f"SELECT count() FROM {self._table} FINAL WHERE {mine}{self._in_time_of(mine)}",
            partitions=partitions,
        )

    def _in_time_of(self, rows: str) -> str:
        """One more condition on rows, so that what lies outside of their time is not read."""
        if self._schema.time_column is None:
            return ""
        time = quoted(self._schema.time_column)
        ends = [f"(SELECT {end}({time}) FROM {self._table} WHERE {rows})" for end in ("min", "max")]
        return f" AND {time} BETWEEN {' AND '.join(ends)}"

    def _number(self, sql: str, **given: object) -> int:
        return int(str(self._engine.rows(sql, {"run": self._run_id, **given})[0][0]))
