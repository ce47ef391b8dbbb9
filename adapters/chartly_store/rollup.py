"""Analytics outputs: computed per window, published for all windows of a run by one insert."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pyarrow as pa

from chartly.api.analytics import AnalyticsSpec
from chartly.api.columns import parse_column_type
from chartly.api.duration import parse_duration
from chartly.api.place import Place
from chartly.errors import Reason, RunError
from chartly.load.dataset_tables import DURABLE, data_table
from chartly.load.project_tables import ATTEMPTS, PUBLISHED
from chartly.load.sql import base_type, nullable, qualified, quoted
from chartly.load.versions import ORDINAL_BITS
from chartly.query.fingerprint import fingerprint_query, fingerprint_text
from chartly.query.spannable import START
from chartly.query.ticks import digits_of, ticks
from chartly.query.windows import Window, grain, windows_of
from chartly_store.computation import Computation
from chartly_store.exchange import exchange
from chartly_store.outputs import kept_instants
from chartly_store.project_store import ProjectStore

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_GENERATION, _ROW = "_generation", "_row"
# Not a slug, so that no dataset can have this name.
_WATERMARK = "#watermark"


@dataclass(frozen=True)
class RollupResult:
    """The result of a roll-up.

    Attributes:
        sealed: the number of touched windows that were not computed again because they are sealed.
        rows: the number of rows of the whole output after publication.
    """

    dataset: str
    windows: int
    sealed: int
    rows: int
    fingerprint: str


@dataclass(frozen=True)
class Publisher:
    """The attempt that publishes.

    Attributes:
        ordinal: of the attempt, unique among attempts.
        digest: of the analytics profile.
        rivals: the ordinals of attempts that may still write the input, as of before it is read.
    """

    ordinal: int
    run_id: str
    digest: str
    rivals: tuple[int, ...] = ()

    @property
    def covers(self) -> int:
        """The highest ordinal up to which no attempt adds rows any more."""
        return min((self.ordinal, *(rival - 1 for rival in self.rivals)))

    def generation(self, last: int) -> int:
        """A generation above the last published one, unique among attempts."""
        above = ((last >> ORDINAL_BITS) + 1) << ORDINAL_BITS
        return self.ordinal if last < self.ordinal else above | self.ordinal


class Rollup:
    """One analytics query over one dataset of a project."""

    def __init__(self, store: ProjectStore, spec: AnalyticsSpec, time_column: str) -> None:
        self._store = store
        self._engine = store.engine
        self._spec = spec
        self._time = time_column
        self._computation = Computation(
            store.engine, spec, store.view(spec.inputs.dataset), time_column
        )
        self._output = spec.outputs.dataset
        self._table = data_table(self._output)
        self._published = qualified(store.database, PUBLISHED)

    def check(self, where: Place) -> None:
        """Raises unless the query can run and returns the columns of its output.

        Raises:
            SpecError: the engine refuses the query.
            RunError: ``OutputContract``.
        """
        self._computation.check(where)
        self._checked_columns()

    def touched(self, digest: str) -> list[Window]:
        """The windows with rows of runs that no publication covers yet.

        All windows with rows, where the query differs from the published one.
        """
        published = self._engine.rows(
            f"SELECT argMax(covers, generation), argMax(digest, generation) "
            f"FROM {self._published} FINAL WHERE dataset = {{name:String}}",
            {"name": self._output + _WATERMARK},
        )
        last, last_digest = int(str(published[0][0])), published[0][1]
        size = grain(parse_duration(self._spec.inputs.window)) // timedelta(milliseconds=1)
        # Not the runs of the ledger: rows of a page without an entry are visible all the same.
        condition = (
            f"WHERE run_id IN (SELECT run_id FROM {qualified(self._store.database, ATTEMPTS)} "
            f"WHERE ordinal > {{last:UInt64}})"
        )
        passed = self._milliseconds()
        buckets = self._engine.rows(
            f"SELECT DISTINCT {passed} - positiveModulo({passed}, {size}) "
            f"FROM {self._input()} {condition if last_digest == digest else ''}",
            {"last": last},
        )
        moments = (_EPOCH + timedelta(milliseconds=int(str(row[0]))) for row in buckets)
        return windows_of(moments, parse_duration(self._spec.inputs.window))

    def publish(
        self,
        windows: Sequence[Window],
        publisher: Publisher,
        sealed_before: datetime | None,
        *,
        complete: bool,
    ) -> RollupResult:
        """Computes windows, and publishes all of them by one insert.

        Args:
            complete: whether ``windows`` are all touched ones, so that the next run may start
                from this publication.

        Raises:
            RunError: ``OutputContract``: columns or types differ from the declared or stored ones.
        """
        open_windows = [
            window for window in windows if sealed_before is None or window.start >= sealed_before
        ]
        self._ensure_output()
        generation = publisher.generation(self._last_generation())
        counts = self._compute(open_windows, generation)
        self._switch(open_windows, counts, generation, publisher, complete=complete)
        self._sweep(generation, publisher)
        row = self._engine.rows(fingerprint_query(self._store.view(self._output)))[0]
        return RollupResult(
            dataset=self._output,
            windows=len(open_windows),
            sealed=len(windows) - len(open_windows),
            rows=int(str(row[1])),
            fingerprint=fingerprint_text(row),
        )

    def fingerprint(self) -> str:
        """The fingerprint of the published rows."""
        return fingerprint_text(
            self._engine.rows(fingerprint_query(self._store.view(self._output)))[0]
        )

    def _milliseconds(self) -> str:
        """The time of an event in milliseconds since 1970 as SQL."""
        types = self._store.columns(data_table(self._spec.inputs.dataset))
        return ticks(quoted(self._time), digits_of(types[self._time]) or 0, 3)

    def _input(self) -> str:
        return qualified(self._store.database, data_table(self._spec.inputs.dataset))

    def _ensure_output(self) -> None:
        """Creates the output's table and view; the first run fixes the columns."""
        declared, stored = self._checked_columns()
        table = qualified(self._store.database, self._table)
        columns = ", ".join(f"{quoted(name)} {kind}" for name, kind in declared.items())
        # The position of a row in its result is its identity: an insert that is repeated, because
        # its response was lost, writes the same rows.
        layout = (
            f"({columns}, {START} DateTime64(3, 'UTC'), {_GENERATION} UInt64, {_ROW} UInt64) "
            f"ENGINE = ReplacingMergeTree ORDER BY ({START}, {_GENERATION}, {_ROW}) "
            f"SETTINGS {DURABLE}"
        )
        self._engine.command(f"CREATE TABLE IF NOT EXISTS {table} {layout}")
        self._number_rows(table, layout, done=not stored or _ROW in stored)
        self._engine.command(
            f"CREATE OR REPLACE VIEW {self._store.view(self._output)} AS "
            f"SELECT {', '.join(map(quoted, declared))} FROM {table} FINAL "
            f"WHERE ({START}, {_GENERATION}) IN ({self._current()})"
        )

    def _checked_columns(self) -> tuple[dict[str, str], dict[str, str]]:
        """The columns of the query and those of its table, which agree."""
        natural = self._computation.columns
        declared = self._declared(natural)
        stored = self._store.columns(self._table)
        if stored:
            kept = {name: kind for name, kind in stored.items() if name[0] != "_"}
            instants = kept_instants(declared, kept, self._spec.outputs.columns)
            self._computation.keep(instants)
            declared |= instants
            if kept != declared:
                raise RunError(
                    Reason.OUTPUT_CONTRACT,
                    f"output {self._output!r}: the query gives {_column_list(declared)}, but the "
                    f"dataset holds {_column_list(kept)}; declare outputs.columns or write another "
                    "dataset",
                )
        return declared, stored

    def _number_rows(self, table: str, layout: str, *, done: bool) -> None:
        """Numbers the rows of an older store; interrupted anywhere, the next call completes it."""
        name = f"{self._table}_numbered"
        numbered = qualified(self._store.database, name)
        if not done:
            self._engine.command(
                f"CREATE OR REPLACE TABLE {numbered} {layout} "
                f"AS SELECT *, rowNumberInAllBlocks() AS {_ROW} FROM {table}"
            )
            exchange(self._engine, self._store.database, name, self._table)
        self._engine.command(f"DROP TABLE IF EXISTS {numbered} SYNC")

    def _current(self) -> str:
        return (
            f"SELECT window_start, generation FROM {self._published} FINAL "
            f"WHERE dataset = '{self._output}'"
        )

    def _declared(self, natural: dict[str, str]) -> dict[str, str]:
        wanted = self._spec.outputs.columns
        if not wanted:
            return natural
        if set(wanted) != set(natural):
            raise RunError(
                Reason.OUTPUT_CONTRACT,
                f"output {self._output!r}: the query gives columns {', '.join(natural)}; "
                f"outputs.columns declares {', '.join(wanted)}",
            )
        kinds = {name: base_type(parse_column_type(wanted[name])) for name in natural}
        return {
            name: nullable(kind) if "Nullable(" in natural[name] else kind
            for name, kind in kinds.items()
        }

    def _last_generation(self) -> int:
        """The highest published generation of the output."""
        rows = self._engine.rows(
            f"SELECT max(generation) FROM {self._published} WHERE dataset IN ({{name:String}}, "
            f"{{mark:String}})",
            {"name": self._output, "mark": self._output + _WATERMARK},
        )
        return int(str(rows[0][0]))

    def _compute(self, windows: Sequence[Window], generation: int) -> dict[datetime, int]:
        """Inserts the rows of each window, which no view shows before the switch."""
        counts = dict.fromkeys((window.start for window in windows), 0)
        for rows in self._computation.tables(windows):
            for count in rows.column(START).value_counts().to_pylist():
                counts[count["values"]] += count["counts"]
            if rows.num_rows:
                marks = pa.array([generation] * rows.num_rows, pa.uint64())
                places = pa.array(range(rows.num_rows), pa.uint64())
                numbered = rows.append_column(_GENERATION, marks).append_column(_ROW, places)
                self._engine.insert(self._store.database, self._table, numbered)
        return counts

    def _switch(
        self,
        windows: Sequence[Window],
        counts: dict[datetime, int],
        generation: int,
        publisher: Publisher,
        *,
        complete: bool,
    ) -> None:
        published: list[dict[str, object]] = [
            {"dataset": self._output, "window_start": window.start, "window_end": window.end}
            | {"rows": counts[window.start]}
            for window in windows
        ]
        if complete:
            mark = {"dataset": self._output + _WATERMARK, "rows": 0}
            published.append(mark | {"window_start": _EPOCH, "window_end": _EPOCH})
        common: dict[str, object] = {"generation": generation, "covers": publisher.covers}
        common |= {"run_id": publisher.run_id, "digest": publisher.digest}
        if published:
            self._store.insert_dicts(PUBLISHED, [row | common for row in published])

    def _sweep(self, generation: int, publisher: Publisher) -> None:
        """Deletes rows of no current publication, which dead or earlier attempts have left.

        Rows of an attempt that may still publish them stay, and so do those of a later
        generation: this process itself may be the one that was considered dead.
        """
        table = qualified(self._store.database, self._table)
        stale = (
            f"{_GENERATION} <= {generation} AND ({START}, {_GENERATION}) NOT IN ({self._current()})"
        )
        if publisher.rivals:
            rivals = ", ".join(map(str, publisher.rivals))
            stale += f" AND bitAnd({_GENERATION}, {(1 << ORDINAL_BITS) - 1}) NOT IN ({rivals})"
        if self._engine.rows(f"SELECT count() FROM {table} WHERE {stale}")[0][0]:
            self._engine.command(
                f"ALTER TABLE {table} DELETE WHERE {stale} SETTINGS mutations_sync = 1"
            )


def _column_list(columns: dict[str, str]) -> str:
    return json.dumps(columns).replace('"', "").strip("{}")
