"""Two pages with every kind of record, and what a load of them stores: each row once."""

from decimal import Decimal

from chartly.api.reference import Project
from chartly_store.engine_port import Engine
from chartly_store.project_store import ProjectStore
from support.loading import page, sale

PAGES = [
    page([sale("a", "1.10"), sale("b", "2.20", "2026-02-03T10:00:00Z")]),
    page([sale("a", "3.30"), sale("c", "4.40"), b'{"id": "bad"}']),
]
COUNTS = {
    "pages": 2,
    "read": 5,
    "loaded": 3,
    "rejected": 1,
    "duplicate": 1,
    "filtered": 0,
    "late": 0,
}
EVENTS = [("a", Decimal("3.3")), ("b", Decimal("2.2")), ("c", Decimal("4.4"))]
DAYS = [(1, Decimal("2.2")), (2, Decimal("7.7"))]

Rows = list[tuple[object, ...]]


def stored(engine: Engine, project: Project) -> tuple[Rows, Rows]:
    """What there is where ``EVENTS`` and ``DAYS`` should be."""
    store = ProjectStore(engine, project)
    sql = f"SELECT event_id, amount FROM {store.view('sales-events')} ORDER BY 1"
    events = engine.rows(sql)
    sql = f"SELECT orders, total_amount FROM {store.view('sales-rollup-daily')} ORDER BY 1"
    return events, engine.rows(sql)
