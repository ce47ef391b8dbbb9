"""What reading one copy of each event costs: the roll-up of a window, a count, one event."""

import statistics
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from chartly.load.dataset_tables import data_table
from chartly.load.sql import qualified
from chartly_store.embedded import EmbeddedEngine, open_embedded
from chartly_store.project_store import ProjectStore
from support.loading import sales_plan

_ROUNDS = 5


def read_costs(place: str, events: int) -> dict[str, Any]:
    """Milliseconds of three queries and the number of parts, as loaded and after OPTIMIZE."""
    plan = sales_plan()
    dataset = plan.streams[0].storage.dataset
    with closing(open_embedded(Path(place) / "store")) as engine:
        store = ProjectStore(engine, plan.project)
        view, table = store.view(dataset), qualified(store.database, data_table(dataset))
        queries = {
            "window": _window(plan.analytics[0].spec.query_template.text, view),
            "count": f"SELECT count() FROM {view}",
            "event": f"SELECT * FROM {view} WHERE event_id = 'sale_{events // 2}'",
        }
        # What was loaded is read as it lies; a merge halfway would be neither.
        engine.command(f"SYSTEM STOP MERGES {table}")
        loaded = _costs(engine, queries, data_table(dataset))
        engine.command(f"SYSTEM START MERGES {table}")
        engine.command(f"OPTIMIZE TABLE {table} FINAL")
        return {"loaded": loaded, "optimized": _costs(engine, queries, data_table(dataset))}


def _window(text: str, view: str) -> str:
    filled = text.replace("{{dataset}}", view)
    filled = filled.replace("{{window_start}}", "toDateTime64('2026-02-14 00:00:00', 3, 'UTC')")
    return filled.replace("{{window_end}}", "toDateTime64('2026-02-15 00:00:00', 3, 'UTC')")


def _costs(engine: EmbeddedEngine, queries: dict[str, str], table: str) -> dict[str, float]:
    parts = engine.rows(
        "SELECT count() FROM system.parts WHERE active AND table = {table:String}",
        {"table": table},
    )[0][0]
    return {"parts": int(str(parts)), **{name: _cost(engine, one) for name, one in queries.items()}}


def _cost(engine: EmbeddedEngine, query: str) -> float:
    """The median of some rounds, in milliseconds, with everything warm."""
    engine.rows(query)
    passed = []
    for _ in range(_ROUNDS):
        started = time.perf_counter()
        engine.rows(query)
        passed.append(time.perf_counter() - started)
    return statistics.median(passed) * 1000
