"""INV-4 at the end of a run: what the ledger says against what the store has."""

from dataclasses import replace

import numpy as np
import pytest

from chartly.errors import Reason
from chartly.load.sql import qualified
from chartly_store.project_store import ProjectStore
from support.loading import (
    CrashError,
    DyingEngine,
    load_pages,
    page,
    sale,
    sales_plan,
    second_ledger,
)

DAYS = [f"2026-02-0{day}T00:00:00Z" for day in range(1, 5)]


def data(engine, plan):
    store = ProjectStore(engine, plan.project)
    return qualified(store.database, "sales_events__data")


class ForgetfulEngine(DyingEngine):
    """Loses a row of each insert of events, as no engine should."""

    def insert(self, database, table, rows):
        super().insert(database, table, rows.slice(1) if table == "sales_events__data" else rows)


@pytest.mark.parametrize("partitioned", [True, False])
def test_a_store_that_lost_rows_ends_the_run(engine, project, tmp_path, partitioned, monkeypatch):
    monkeypatch.setattr("chartly_store.run_rows.PARTITIONS_AT_ONCE", 1)
    plan = replace(sales_plan(project), analytics=())
    if not partitioned:
        stream = plan.streams[0]
        plan = replace(
            plan,
            streams=(
                replace(stream, storage=stream.storage.model_copy(update={"partitioning": None})),
            ),
        )
    forgetful = ForgetfulEngine(engine, lambda _table, _number: None)
    load_pages(engine, plan, tmp_path, [page([sale("z", moment=DAYS[3])])], "run-0")
    sales = [sale(key, moment=DAYS[place]) for place, key in enumerate("abc")]
    result = load_pages(forgetful, plan, tmp_path, [page(sales)])
    assert result.reason is Reason.INTERNAL_ERROR
    assert result.message == (
        "run 'run-1' has loaded 3 events into 'sales-events', and 2 of them are there"
    )


def test_a_run_of_many_partitions_is_counted_some_at_a_time(engine, project, tmp_path, monkeypatch):
    monkeypatch.setattr("chartly_store.run_rows.PARTITIONS_AT_ONCE", 3)
    plan = replace(sales_plan(project), analytics=())
    sales = [sale(day, moment=DAYS[day % 4]) for day in range(8)]
    for run in ("run-0", "run-1"):
        result = load_pages(engine, plan, tmp_path, [page(sales)], run)
        assert (result.reason, result.counts["loaded"]) == (Reason.SUCCEEDED, 8)


def test_counts_that_do_not_add_up_end_the_run(engine, project, tmp_path, monkeypatch):
    plan = sales_plan(project)
    monkeypatch.setattr(
        "chartly_loader.shaping.np.bincount", lambda _places, minlength: np.zeros(minlength, int)
    )
    result = load_pages(engine, plan, tmp_path, [page([sale("a"), sale("b", "null")])])
    assert result.reason is Reason.INTERNAL_ERROR
    assert "are not all accounted for" in result.message


@pytest.mark.parametrize("at_once", [1, 500_000])
def test_events_are_corrected_some_keys_at_a_time(engine, project, tmp_path, monkeypatch, at_once):
    monkeypatch.setattr("chartly_store.moved_events.KEYS_AT_ONCE", at_once)
    monkeypatch.setattr("chartly_store.moved_events.ROWS_AT_ONCE", at_once)
    plan = sales_plan(project)
    keys = [f"k{number}" for number in range(9)]
    load_pages(engine, plan, tmp_path, [page([sale(key, "1", DAYS[0]) for key in keys])], "run-0")
    moved = [page([sale(key, "2", DAYS[1]) for key in keys[:5]])]
    result = load_pages(engine, plan, tmp_path, moved)
    assert (result.counts["corrected"], result.counts["loaded"]) == (5, 5)
    store = ProjectStore(engine, project)
    days = f"SELECT toDayOfMonth(occurred_at), count() FROM {store.view('sales-events')} GROUP BY 1 ORDER BY 1"
    assert engine.rows(days) == [(1, 4), (2, 5)]
    rolled = f"SELECT toDayOfMonth(day), orders FROM {store.view('sales-rollup-daily')} ORDER BY 1"
    assert engine.rows(rolled) == [(1, 4), (2, 5)], "both windows were computed anew"


@pytest.mark.parametrize("merged", [False, True])
def test_an_event_whose_time_came_back_is_not_corrected(engine, project, tmp_path, merged):
    """Whatever the engine has merged away meanwhile."""
    plan = sales_plan(project)
    first = [
        page([sale("a", "1", DAYS[0]), sale("a", "2", DAYS[1])]),
        page([sale("a", "3", DAYS[0])]),
    ]

    def outputs(table, _number):
        return "before" if table == "sales_rollup_daily__data" else None

    with pytest.raises(CrashError):
        load_pages(DyingEngine(engine, outputs), plan, tmp_path, first)
    if merged:
        engine.command(f"OPTIMIZE TABLE {data(engine, plan)} FINAL")
    result = load_pages(engine, plan, tmp_path, first)
    assert result.reason is Reason.SUCCEEDED, result.message
    assert result.counts["corrected"] == 1, "day 2 was left; day 1 was left and come back to"
    store = ProjectStore(engine, project)
    rows = f"SELECT amount, toDayOfMonth(occurred_at) FROM {store.view('sales-events')}"
    assert engine.rows(rows) == [(3, 1)]


@pytest.mark.parametrize("at_once", [1, 3, 500_000])
def test_the_keys_of_a_run_come_some_at_a_time(engine, project, tmp_path, monkeypatch, at_once):
    """INV-4: a resumed run knows what is loaded; an uncommitted row that replaced one counts once."""
    monkeypatch.setattr("chartly_store.run_rows.KEYS_AT_ONCE", at_once)
    monkeypatch.setattr("chartly_loader.page_intake.BATCH_ROWS", 1)
    monkeypatch.setattr("chartly_loader.load_batch.ROWS_A_PART", 1)
    plan = sales_plan(project)
    pages = [
        page([sale(f"k{number}") for number in range(7)]),
        page([sale("k0", "5"), sale("new-1"), sale("new-2")]),
    ]
    with pytest.raises(CrashError):
        load_pages(DyingEngine(engine, second_ledger()), plan, tmp_path, pages)
    engine.command(f"OPTIMIZE TABLE {data(engine, plan)} FINAL")
    result = load_pages(engine, plan, tmp_path, pages)
    counts = result.counts
    assert (counts["read"], counts["loaded"], counts["duplicate"]) == (10, 9, 1)
