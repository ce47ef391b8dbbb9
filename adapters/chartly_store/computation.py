"""The rows of an analytics output, computed by an engine within the limits of its profile."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property

import pyarrow as pa

from chartly.api.analytics import AnalyticsSpec
from chartly.api.columns import parse_column_type
from chartly.api.duration import parse_duration
from chartly.api.place import Place
from chartly.errors import Reason, RunError
from chartly.extract.storable import arrow_type
from chartly.load.sql import instant_parameter
from chartly.query.exact import exact_query
from chartly.query.rollup_query import INSTANT, CheckedQuery, check_query
from chartly.query.spannable import START
from chartly.query.spans import SpanQuery, spanning
from chartly.query.ticks import digits_of
from chartly.query.windows import Window, spans_of
from chartly_store.engine_port import Engine
from chartly_store.explanation import of_query
from chartly_store.outputs import check_types, instant_array_type, is_wide, narrowed

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FEW = 24
"""Windows or spans of a statement that is not split to stay within its limits."""
_MANY = 1_000
_MAX_ROWS = 1_000_000
_EASY_BYTES = 96 * 1024 * 1024
"""Memory of a statement over several windows; one over a single window may take the limit."""
_BEYOND_MEMORY = "Code: 241."
# Limits of time and of result rows: fewer windows may stay within them.
_BEYOND_LIMITS = ("Code: 159.", "Code: 396.")
_WHERE_IN_THE_PLAN = re.compile(r"[.:,]? while executing .*", re.DOTALL | re.IGNORECASE)
"""The part of an engine's error that describes its own plan, which no user wrote."""
# Errors of conversion, of arithmetic, and of our own checks.
_DOES_NOT_FIT = (
    "Code: 6.",
    "Code: 32.",
    "Code: 38.",
    "Code: 41.",
    "Code: 69.",
    "Code: 70.",
    "Code: 72.",
    "Code: 153.",
    "Code: 321.",
    "Code: 349.",
    "Code: 395.",
    "Code: 407.",
)


class Computation:
    """One query over one dataset, for any windows.

    Args:
        view: the dataset's quoted, qualified name.
        time_column: of the dataset.
    """

    def __init__(self, engine: Engine, spec: AnalyticsSpec, view: str, time_column: str) -> None:
        self._engine = engine
        self._spec = spec
        self._view = view
        self._kept: Mapping[str, str] = {}
        self._written = check_query(spec)
        rows = engine.rows(f"DESCRIBE TABLE {view}")
        self._types = {str(row[0]): str(row[1]) for row in rows}
        self._query = exact_query(spec, self._types)
        window = parse_duration(spec.inputs.window)
        digits = digits_of(self._types.get(time_column, "")) or 0
        self._spanning = spanning(self._query, time_column, window, digits)

    def keep(self, instants: Mapping[str, str]) -> None:
        """Has these columns cast to the types of their table, each value exactly."""
        self._kept = instants

    @cached_property
    def columns(self) -> dict[str, str]:
        """The output's columns and the engine's types for the query as it is written."""
        return self._described(self._written)

    @cached_property
    def _computed(self) -> dict[str, str]:
        """The output's columns and the engine's types for the query as it runs."""
        return self._described(self._query)

    def _described(self, query: CheckedQuery) -> dict[str, str]:
        sql = f"DESCRIBE TABLE ({query.sql(self._view)}\n)"
        rows = self._engine.rows(sql, _parameters([Window(_EPOCH, _EPOCH)], [""]))
        return {str(row[0]): str(row[1]) for row in rows}

    def check(self, where: Place) -> None:
        """Raises unless the engine accepts the query, as it is written and as it runs.

        Raises:
            SpecError: it does not; names the profile, and the column where it is known.
        """
        try:
            self.columns, self._computed  # noqa: B018 - evaluated for the error that they raise
            empty_window = _parameters([Window(_EPOCH, _EPOCH)], [""])
            empty = self._engine.arrow(self._written.sql(self._view), empty_window)
        except RunError as error:
            raise of_query(error, self._written, self._types, where) from None
        if set(self._spec.outputs.columns) <= set(empty.column_names):
            check_types(empty, self._spec.outputs.columns, where)

    def tables(self, windows: Sequence[Window]) -> Iterator[pa.Table]:
        """The rows of windows in order, each with its window's start in ``_window_start``.

        Each window is in one table only; a table may have no rows.

        Raises:
            RunError: ``OutputContract``: a value does not fit its declared type;
                ``StoreUnavailable``: the fewest windows exceed the limits.
        """
        if windows and self._spanning is not None:
            yield from self._spanned(windows, self._spanning)
            return
        for first in range(0, len(windows), _FEW):
            yield from self._united(windows[first : first + _FEW])

    def _united(self, windows: Sequence[Window]) -> Iterator[pa.Table]:
        """Computes windows by one statement; where a value does not fit, by one per half."""
        try:
            yield self._union(windows)
        except RunError as error:
            if error.reason is not Reason.OUTPUT_CONTRACT or len(windows) == 1:
                raise _of_window(error, windows) from None
            middle = len(windows) // 2
            yield from self._united(windows[:middle])
            yield from self._united(windows[middle:])

    def _union(self, windows: Sequence[Window]) -> pa.Table:
        suffixes = [str(position) for position in range(len(windows))]
        sql = "\nUNION ALL\n".join(
            f"SELECT *, {{window_start{suffix}:{INSTANT}}} AS {START} "
            f"FROM ({self._query.sql(self._view, suffix)}\n)"
            for suffix in suffixes
        )
        return self._run(sql, _parameters(windows, suffixes), self._spec.limits.max_memory_bytes)

    def _spanned(self, windows: Sequence[Window], query: SpanQuery) -> Iterator[pa.Table]:
        """Computes all windows by one statement, or each half where they exceed the limits."""
        table = self._within_limits(windows, query)
        if table is not None:
            yield table
            return
        middle = len(windows) // 2
        yield from self._spanned(windows[:middle], query)
        yield from self._spanned(windows[middle:], query)

    def _within_limits(self, windows: Sequence[Window], query: SpanQuery) -> pa.Table | None:
        spans = spans_of(windows)
        if len(windows) > _MANY or len(spans) > _FEW:
            return None
        whole = Window(spans[0].start, spans[-1].end)
        suffixes = [str(position) for position in range(len(spans))]
        parameters = _parameters([whole, *spans], ["", *suffixes])
        most = self._spec.limits.max_memory_bytes
        try:
            return self._run(
                query.sql(self._view, len(spans)),
                parameters,
                most if len(windows) == 1 else min(most, _EASY_BYTES),
            )
        except RunError as error:
            fits = error.reason is not Reason.OUTPUT_CONTRACT or len(windows) == 1
            if fits and not _is_too_much(error.message, len(windows)):
                raise _of_window(error, windows) from None
            return None

    def _run(self, sql: str, parameters: dict[str, object], memory: int) -> pa.Table:
        limits: dict[str, str | int] = {
            "readonly": 2,
            # A sum that is exact as it is written may overflow in another order.
            "optimize_arithmetic_operations_in_aggregate_functions": 0,
            "max_execution_time": self._spec.limits.max_seconds,
            "max_memory_usage": memory,
            "max_result_rows": _MAX_ROWS,
            "result_overflow_mode": "throw",
        }
        try:
            rows = self._engine.arrow(sql, parameters, limits)
        except RunError as error:
            if not any(code in error.message for code in _DOES_NOT_FIT):
                raise
            refusal = _WHERE_IN_THE_PLAN.sub("", error.message)
            raise RunError(
                Reason.OUTPUT_CONTRACT, f"output {self._spec.outputs.dataset!r}: {refusal}"
            ) from None
        return self._cast(rows)

    def _cast(self, rows: pa.Table) -> pa.Table:
        """The rows in the declared types; a value that would lose digits raises."""
        for name, natural in self.columns.items():
            kind = self._spec.outputs.columns.get(name)
            position = rows.schema.get_field_index(name)
            column = rows.column(position)
            try:
                if name in self._kept:
                    column = column.cast(instant_array_type(self._kept[name]))
                elif kind is not None:
                    column = column.cast(arrow_type(parse_column_type(kind)))
                elif is_wide(self._computed[name]) and not is_wide(natural):
                    column = narrowed(column, natural)
            except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
                raise RunError(
                    Reason.OUTPUT_CONTRACT,
                    f"output {self._spec.outputs.dataset!r}: column {name!r} does not fit "
                    f"{self._kept.get(name) or kind or natural}: {error}",
                ) from None
            if column.null_count and "Nullable(" not in natural:
                raise RunError(
                    Reason.OUTPUT_CONTRACT,
                    f"output {self._spec.outputs.dataset!r}: column {name!r} has no value "
                    f"where {natural} needs one",
                )
            rows = rows.set_column(position, name, column)
        start = rows.schema.get_field_index(START)
        return rows.set_column(start, START, rows.column(start).cast(pa.timestamp("ms", tz="UTC")))


def _of_window(error: RunError, windows: Sequence[Window]) -> RunError:
    """The refusal of a value, with its window appended."""
    if error.reason is not Reason.OUTPUT_CONTRACT:
        return error
    window = f"window {windows[0].start:%Y-%m-%dT%H:%M:%SZ}"
    return RunError(error.reason, f"{error.message}; {window}")


def _is_too_much(refusal: str, windows: int) -> bool:
    """Whether a statement over fewer windows may stay within the limits."""
    if windows > 1 and _BEYOND_MEMORY in refusal:
        return True
    return windows > _FEW and any(code in refusal for code in _BEYOND_LIMITS)


def _parameters(windows: Sequence[Window], suffixes: Sequence[str]) -> dict[str, object]:
    parameters: dict[str, object] = {}
    for window, suffix in zip(windows, suffixes, strict=True):
        parameters[f"window_start{suffix}"] = instant_parameter(window.start)
        parameters[f"window_end{suffix}"] = instant_parameter(window.end)
    return parameters
