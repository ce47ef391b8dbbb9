"""Checks whether an engine can run a query, before the dataset has any events."""

import re
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from chartly.api.analytics import AnalyticsSpec
from chartly.api.place import Place
from chartly.errors import ChartlyError, RunError
from chartly.load.sql import quoted
from chartly.plan.plan_check import view_types
from chartly.plan.runplan import RunPlan
from chartly.query.exact import exact_query
from chartly.query.rollup_query import CheckedQuery, check_query, read_template
from chartly_store.embedded import open_embedded
from chartly_store.engine_port import Engine
from chartly_store.engine_refusal import engine_refusal
from chartly_store.outputs import check_types

# Names, types, numbers of arguments, groups, aliases, unions, joins and values that are constant.
_OF_QUERIES = frozenset((
    6, 8, 10, 16, 27, 35, 36, 38, 41, 42, 43, 44, 46, 47, 48, 50, 52, 53, 62, 63, 69, 70, 72, 80,
    81, 130, 131, 153, 168, 169, 179, 184, 190, 207, 215, 258, 321, 349, 352, 386, 395, 403, 407,
    440, 457, 636, 639,
))  # fmt: skip
"""Codes of errors that a mistake in a query causes."""
_TYPE = re.compile(r"type (\w+).* function (\w+)", re.IGNORECASE)
_EDGES = {"window_start": "2026-01-01 00:00:00.000", "window_end": "2026-01-02 00:00:00.000"}


def check_explained(plan: RunPlan) -> None:
    """Raises unless every query of a plan runs over a dataset without events.

    An engine of its own is opened in a temporary folder; a plan without analytics opens none.

    Raises:
        SpecError: an engine refuses a query; names the profile, and the column where it is known.
    """
    if not plan.analytics:
        return
    streams = {stream.storage.dataset: stream for stream in plan.streams}
    with tempfile.TemporaryDirectory(prefix="chartly-explain-") as folder:
        engine = open_embedded(Path(folder))
        try:
            for query in plan.analytics:
                types = view_types(streams[query.spec.inputs.dataset])
                explain(engine, query.spec, types, query.text_place)
        finally:
            engine.close()


def explain(engine: Engine, spec: AnalyticsSpec, types: Mapping[str, str], where: Place) -> None:
    """Runs a query, as it is written and as it is computed, over no rows of these types.

    Raises:
        SpecError: the engine refuses it.
    """
    columns = ", ".join(f"{quoted(name)} {kind}" for name, kind in types.items())
    empty = "(SELECT * FROM null('" + columns.replace("'", "\\'") + "'))"
    try:
        written = engine.arrow(check_query(spec, where).sql(empty), _EDGES)
        engine.arrow(exact_query(spec, types, where).sql(empty), _EDGES)
    except RunError as error:
        raise of_query(error, check_query(spec, where), types, where) from None
    check_types(written, spec.outputs.columns, where)


def of_query(
    error: RunError, query: CheckedQuery, types: Mapping[str, str], where: Place
) -> ChartlyError:
    """The engine's refusal as a mistake in the query; any other error unchanged."""
    refusal = engine_refusal(error.message)
    if refusal is None or refusal.code not in _OF_QUERIES:
        return error
    columns = sorted(set(_arguments(refusal.sentence, query, types)))
    named = f"; column {', '.join(map(repr, columns))}" if columns else ""
    return where.refusal(f"the query cannot run: {refusal.sentence}{named}")


def _arguments(refusal: str, query: CheckedQuery, types: Mapping[str, str]) -> Iterator[str]:
    """The columns of the type that a refusal names, in calls of the function that it names."""
    mismatch = _TYPE.search(refusal)
    if mismatch is None:
        return
    kind, function = mismatch[1], mismatch[2].lower()
    tokens, depth = read_template(query.text).tokens, 0
    for before, token in zip((None, *tokens), tokens, strict=False):
        starts = before is not None and before.name.lower() == function
        depth += token.text == "(" and (depth > 0 or starts)
        depth -= token.text == ")" and depth > 0
        if depth and kind in types.get(token.name, ""):
            yield token.name
