"""Analytics outputs: computed per window, published for all windows of a run by one insert."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pyarrow as pa

from chartly.api.analytics import AnalyticsSpec
from chartly.api.columns import parse_column_type
from chartly.api.duration import parse_duration
from chartly.errors import Reason, RunError
from chartly.extract.storable import arrow_type
from chartly.load.sql import base_type, nullable, qualified, quoted
from chartly.load.tables import ATTEMPTS, DURABLE, PUBLISHED, data_table
from chartly.query.fingerprint import fingerprint_query, fingerprint_text
from chartly.query.gate import CheckedQuery, check_query
from chartly.query.windows import Window, grain, windows_of
from chartly_store.project import ProjectStore

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_BATCH = 24
_MAX_ROWS = 1_000_000
_START, _GENERATION, _ROW = "_window_start", "_generation", "_row"
# Not a slug, so that no dataset can have this name.
_WATERMARK = "#watermark"


@dataclass(frozen=True)
class RollupResult:
    """What a roll-up published.

    Attributes:
        sealed: windows that were touched but are sealed, and so kept as they are.
        rows: rows of the whole output after publication.
    """

    dataset: str
    windows: int
    sealed: int
    rows: int
    fingerprint: str


@dataclass(frozen=True)
class Generation:
    """Who publishes: the attempt's ordinal orders publications, and no two share one."""

    number: int
    run_id: str
    digest: str


class Rollup:
    """One analytics query over one dataset of a project."""

    def __init__(self, store: ProjectStore, spec: AnalyticsSpec, time_column: str) -> None:
        self._store = store
        self._engine = store.engine
        self._spec = spec
        self._time = time_column
        self._query: CheckedQuery = check_query(spec)
        self._output = spec.outputs.dataset
        self._table = data_table(self._output)
        self._published = qualified(store.database, PUBLISHED)

    def touched(self, digest: str) -> list[Window]:
        """The windows with rows of runs that no publication has covered yet.

        All windows with rows, when the query is another one than last time.
        """
        found = self._engine.rows(
            f"SELECT max(generation), argMax(digest, generation) FROM {self._published} FINAL "
            f"WHERE dataset = {{name:String}}",
            {"name": self._output + _WATERMARK},
        )
        last, last_digest = int(str(found[0][0])), found[0][1]
        size = grain(parse_duration(self._spec.inputs.window)) // timedelta(milliseconds=1)
        # Not the ledger's runs: rows whose page never got there can be read all the same.
        condition = (
            f"WHERE run_id IN (SELECT run_id FROM {qualified(self._store.database, ATTEMPTS)} "
            f"WHERE ordinal > {{last:UInt64}})"
        )
        buckets = self._engine.rows(
            f"SELECT DISTINCT toInt64(floor(toUnixTimestamp64Milli({quoted(self._time)}) / {size}))"
            f" FROM {self._input()} {condition if last_digest == digest else ''}",
            {"last": last},
        )
        moments = (_EPOCH + timedelta(milliseconds=int(str(row[0])) * size) for row in buckets)
        return windows_of(moments, parse_duration(self._spec.inputs.window))

    def publish(
        self,
        windows: Sequence[Window],
        generation: Generation,
        sealed_before: datetime | None,
        *,
        complete: bool,
    ) -> RollupResult:
        """Computes windows and switches all of them at once.

        Args:
            complete: whether ``windows`` are all that were touched, so that the next run may
                start from here.

        Raises:
            RunError: ``OutputContract``: columns or types differ from what is declared or stored.
        """
        open_windows = [
            one for one in windows if sealed_before is None or one.start >= sealed_before
        ]
        self._ensure_output()
        counts = self._compute(open_windows, generation)
        self._switch(open_windows, counts, generation, complete=complete)
        self._sweep(generation)
        row = self._engine.rows(fingerprint_query(self._store.view(self._output)))[0]
        return RollupResult(
            dataset=self._output,
            windows=len(open_windows),
            sealed=len(windows) - len(open_windows),
            rows=int(str(row[1])),
            fingerprint=fingerprint_text(row),
        )

    def fingerprint(self) -> str:
        """The fingerprint of what is published now."""
        return fingerprint_text(
            self._engine.rows(fingerprint_query(self._store.view(self._output)))[0]
        )

    def _input(self) -> str:
        return qualified(self._store.database, data_table(self._spec.inputs.dataset))

    def _ensure_output(self) -> None:
        """The output's table and view; its columns are a contract from the first run on."""
        natural = self._described()
        declared = self._declared(natural)
        stored = self._store.columns(self._table)
        if stored:
            kept = {name: kind for name, kind in stored.items() if name[0] != "_"}
            if kept != declared:
                raise RunError(
                    Reason.OUTPUT_CONTRACT,
                    f"output {self._output!r}: the query gives {_shown(declared)}, but the dataset "
                    f"holds {_shown(kept)}; declare outputs.columns or write another dataset",
                )
        table = qualified(self._store.database, self._table)
        columns = ", ".join(f"{quoted(name)} {kind}" for name, kind in declared.items())
        # The place of a row in its result is its identity: an insert that is sent again, because
        # the answer to it was lost, writes the same rows.
        layout = (
            f"({columns}, {_START} DateTime64(3, 'UTC'), {_GENERATION} UInt64, {_ROW} UInt64) "
            f"ENGINE = ReplacingMergeTree ORDER BY ({_START}, {_GENERATION}, {_ROW}) "
            f"SETTINGS {DURABLE}"
        )
        self._engine.command(f"CREATE TABLE IF NOT EXISTS {table} {layout}")
        self._number_rows(table, layout, done=not stored or _ROW in stored)
        self._engine.command(
            f"CREATE OR REPLACE VIEW {self._store.view(self._output)} AS "
            f"SELECT {', '.join(map(quoted, declared))} FROM {table} FINAL "
            f"WHERE ({_START}, {_GENERATION}) IN ({self._current()})"
        )

    def _number_rows(self, table: str, layout: str, *, done: bool) -> None:
        """Gives the rows of an older store their places; cut off anywhere, it is taken up again."""
        numbered = qualified(self._store.database, f"{self._table}_numbered")
        if not done:
            self._engine.command(
                f"CREATE OR REPLACE TABLE {numbered} {layout} "
                f"AS SELECT *, rowNumberInAllBlocks() AS {_ROW} FROM {table}"
            )
            self._engine.command(f"EXCHANGE TABLES {numbered} AND {table}")
        self._engine.command(f"DROP TABLE IF EXISTS {numbered} SYNC")

    def _current(self) -> str:
        return (
            f"SELECT window_start, generation FROM {self._published} FINAL "
            f"WHERE dataset = '{self._output}'"
        )

    def _described(self) -> dict[str, str]:
        rows = self._engine.rows(
            f"DESCRIBE TABLE ({self._sql('')}\n)", self._parameters([Window(_EPOCH, _EPOCH)], [""])
        )
        return {str(row[0]): str(row[1]) for row in rows}

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

    def _compute(self, windows: Sequence[Window], generation: Generation) -> dict[datetime, int]:
        """Inserts the rows of each window; nobody sees them before the switch."""
        counts = dict.fromkeys((one.start for one in windows), 0)
        for first in range(0, len(windows), _BATCH):
            batch = windows[first : first + _BATCH]
            rows = self._run(batch)
            for start in rows.column(_START).to_pylist():
                counts[start] += 1
            if rows.num_rows:
                marks = pa.array([generation.number] * rows.num_rows, pa.uint64())
                places = pa.array(range(rows.num_rows), pa.uint64())
                numbered = rows.append_column(_GENERATION, marks).append_column(_ROW, places)
                self._engine.insert(self._store.database, self._table, numbered)
        return counts

    def _run(self, batch: Sequence[Window]) -> pa.Table:
        suffixes = [str(position) for position in range(len(batch))]
        instant = "DateTime64(3, 'UTC')"
        sql = "\nUNION ALL\n".join(
            f"SELECT *, {{window_start{suffix}:{instant}}} AS {_START} FROM ({self._sql(suffix)}\n)"
            for suffix in suffixes
        )
        limits: dict[str, str | int] = {
            "readonly": 2,
            "max_execution_time": self._spec.limits.max_seconds,
            "max_memory_usage": self._spec.limits.max_memory_bytes,
            "max_result_rows": _MAX_ROWS,
            "result_overflow_mode": "throw",
        }
        found = self._engine.arrow(sql, self._parameters(batch, suffixes), limits)
        return self._cast(found)

    def _cast(self, found: pa.Table) -> pa.Table:
        """The result in the declared types; what would lose digits is an error."""
        for name, kind in self._spec.outputs.columns.items():
            position = found.schema.get_field_index(name)
            try:
                column = found.column(position).cast(arrow_type(parse_column_type(kind)))
            except pa.ArrowInvalid as error:
                raise RunError(
                    Reason.OUTPUT_CONTRACT,
                    f"output {self._output!r}: column {name!r} does not fit {kind}: {error}",
                ) from None
            found = found.set_column(position, name, column)
        start = found.schema.get_field_index(_START)
        return found.set_column(
            start, _START, found.column(start).cast(pa.timestamp("ms", tz="UTC"))
        )

    def _sql(self, suffix: str) -> str:
        return self._query.sql(self._store.view(self._spec.inputs.dataset), suffix)

    def _parameters(self, windows: Sequence[Window], suffixes: Sequence[str]) -> dict[str, object]:
        parameters: dict[str, object] = {}
        for window, suffix in zip(windows, suffixes, strict=True):
            parameters[f"window_start{suffix}"] = _plain(window.start)
            parameters[f"window_end{suffix}"] = _plain(window.end)
        return parameters

    def _switch(
        self,
        windows: Sequence[Window],
        counts: dict[datetime, int],
        generation: Generation,
        *,
        complete: bool,
    ) -> None:
        published = [self._row(self._output, one, generation, counts[one.start]) for one in windows]
        if complete:
            mark = Window(_EPOCH, _EPOCH)
            published.append(self._row(self._output + _WATERMARK, mark, generation, 0))
        if published:
            self._store.insert_dicts(PUBLISHED, published)

    def _row(
        self, dataset: str, window: Window, generation: Generation, rows: int
    ) -> dict[str, object]:
        return {
            "dataset": dataset,
            "window_start": window.start,
            "window_end": window.end,
            "generation": generation.number,
            "run_id": generation.run_id,
            "digest": generation.digest,
            "rows": rows,
        }

    def _sweep(self, generation: Generation) -> None:
        """Removes rows that no publication shows; they are of dead attempts or older ones.

        A later generation is left alone: it may be about to be published, and this process may be
        the one that was given up for dead.
        """
        table = qualified(self._store.database, self._table)
        stale = (
            f"{_GENERATION} <= {generation.number} "
            f"AND ({_START}, {_GENERATION}) NOT IN ({self._current()})"
        )
        if self._engine.rows(f"SELECT count() FROM {table} WHERE {stale}")[0][0]:
            self._engine.command(
                f"ALTER TABLE {table} DELETE WHERE {stale} SETTINGS mutations_sync = 1"
            )


def _plain(moment: datetime) -> str:
    """An instant as the engine takes it for a parameter: in UTC, without saying so."""
    return moment.strftime("%Y-%m-%d %H:%M:%S.") + f"{moment.microsecond // 1000:03d}"


def _shown(columns: dict[str, str]) -> str:
    return json.dumps(columns).replace('"', "").strip("{}")
