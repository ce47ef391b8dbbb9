"""What expires, what that seals, and what is counted when pages come again."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from chartly.errors import Reason
from chartly.load.dataset_tables import data_table
from chartly.load.sql import qualified
from chartly_loader.load import load
from chartly_store.project_store import ProjectStore
from support.loading import (
    FROZEN_AT,
    CrashError,
    DyingEngine,
    clock,
    load_pages,
    nothing,
    page,
    request,
    sale,
    sales_plan,
    second_ledger,
    spool_pages,
)


def _later(engine, plan, spool, pages, days):
    """A run that is frozen some days after the first."""
    spool_pages(spool, pages)
    asked = replace(
        request(plan, spool, f"run-{days}"), ingested_at=FROZEN_AT + timedelta(days=days)
    )
    return load(asked, engine, nothing, clock)


def _stored(engine, plan):
    store = ProjectStore(engine, plan.project)
    table = qualified(store.database, data_table("sales-events"))
    return [row[0] for row in engine.rows(f"SELECT event_id FROM {table} ORDER BY event_id")]


def _rolled_up(engine, plan):
    view = ProjectStore(engine, plan.project).view("sales-rollup-daily")
    return engine.rows(f"SELECT toDayOfMonth(day), orders FROM {view} ORDER BY day")


OLD, NEW = "2026-02-01T00:00:00Z", "2026-02-03T00:00:00Z"


def test_rows_go_and_their_windows_are_sealed_when_retention_is_over(engine, project, tmp_path):
    plan = sales_plan(project)
    load_pages(engine, plan, tmp_path, [page([sale("a", "1", OLD), sale("b", "1", OLD)])])
    second = _later(engine, plan, tmp_path / "s2", [page([sale("c", "1", NEW)])], 31)
    assert second.reason is Reason.SUCCEEDED, second.message
    assert _stored(engine, plan) == ["c"], "the rows are gone from the table itself"
    assert _rolled_up(engine, plan) == [(1, 2), (3, 1)], "what was summed stays"
    row = ProjectStore(engine, project).dataset("sales-events")
    assert row.sealed_before == datetime(2026, 2, 2, tzinfo=UTC)
    third = _later(
        engine, plan, tmp_path / "s3", [page([sale("d", "9", OLD), sale("e", "1", NEW)])], 32
    )
    assert (third.counts["late"], third.counts["loaded"]) == (1, 1)
    assert _rolled_up(engine, plan) == [(1, 2), (3, 2)], "a sealed window is never computed again"


def test_a_crash_while_rows_expire_unseals_nothing(engine, project, tmp_path):
    plan = sales_plan(project)
    load_pages(engine, plan, tmp_path, [page([sale("a", "1", OLD), sale("b", "1", OLD)])])

    class Dying(DyingEngine):
        def command(self, sql, parameters=None):
            super().command(sql, parameters)
            if "DELETE" in sql:
                raise CrashError

    with pytest.raises(CrashError):
        _later(Dying(engine, lambda *_: None), plan, tmp_path / "s2", [page([])], 31)
    again = _later(engine, plan, tmp_path / "s3", [page([sale("c", "1", OLD)])], 32)
    assert again.counts["late"] == 1
    assert _rolled_up(engine, plan) == [(1, 2)]


def test_a_row_that_was_replaced_takes_no_window_with_it(engine, project, tmp_path):
    """The old row of an event is older than its retention, the event itself is not."""
    plan = sales_plan(project)
    load_pages(engine, plan, tmp_path, [page([sale("a", "1", OLD)])])
    second = _later(engine, plan, tmp_path / "s2", [page([sale("a", "2", OLD)])], 31)
    assert second.reason is Reason.SUCCEEDED, second.message
    assert ProjectStore(engine, project).dataset("sales-events").sealed_before is None
    third = _later(engine, plan, tmp_path / "s3", [page([sale("b", "1", OLD)])], 32)
    assert third.counts["late"] == 0
    assert _rolled_up(engine, plan) == [(1, 2)]


@pytest.mark.parametrize(
    "kept",
    [
        {"spec.retentionDays": 30},
        {"spec.retentionDays": None, "spec.retention": {"days": 30, "from": "occurred_at"}},
    ],
)
def test_rejects_are_kept_no_longer_than_events(engine, project, tmp_path, kept):
    plan = sales_plan(project, {"storage": kept})
    load_pages(engine, plan, tmp_path, [page([sale("bad", "null", NEW)])])
    rejects = (
        f"SELECT run_id FROM `{ProjectStore(engine, project).database}`.`sales_events__rejected`"
    )
    _later(engine, plan, tmp_path / "s2", [page([sale("worse", "null", NEW)])], 29)
    assert sorted(engine.rows(rejects)) == [("run-1",), ("run-29",)]
    _later(engine, plan, tmp_path / "s3", [page([])], 31)
    assert engine.rows(rejects) == [("run-29",)]


def test_without_retention_nothing_expires(engine, project, tmp_path):
    plan = sales_plan(project, {"storage": {"spec.retentionDays": None}})
    load_pages(engine, plan, tmp_path, [page([sale("a", "1", OLD)])])
    _later(engine, plan, tmp_path / "s2", [page([sale("b", "1", NEW)])], 3650)
    assert _stored(engine, plan) == ["a", "b"]


def test_events_older_than_the_time_they_are_kept_go(engine, project, tmp_path):
    by_time = {"spec.retentionDays": None, "spec.retention": {"days": 30, "from": "occurred_at"}}
    plan = sales_plan(project, {"storage": by_time})
    load_pages(engine, plan, tmp_path, [page([sale("a", "1", OLD), sale("b", "1", NEW)])])
    second = _later(engine, plan, tmp_path / "s2", [page([])], 22)
    assert second.reason is Reason.SUCCEEDED, second.message
    assert _stored(engine, plan) == ["b"]


def test_a_dataset_without_a_time_expires_and_seals_nothing(engine, project, tmp_path):
    plan = sales_plan(project)
    (stream,) = plan.streams
    storage = stream.storage.model_copy(update={"partitioning": None})
    plan = replace(plan, analytics=(), streams=(replace(stream, storage=storage),))
    load_pages(engine, plan, tmp_path, [page([sale("a", "1", OLD)])])
    second = _later(engine, plan, tmp_path / "s2", [page([sale("b", "1", NEW)])], 31)
    assert second.reason is Reason.SUCCEEDED, second.message
    assert _stored(engine, plan) == ["b"]
    assert ProjectStore(engine, project).dataset("sales-events").sealed_before is None


@pytest.mark.parametrize("merged", [False, True])
def test_a_page_that_comes_again_is_loaded_not_duplicate(
    engine, project, tmp_path, monkeypatch, merged
):
    """INV-4: rows of a page that is not in the ledger are not yet loaded, even if merged already."""
    monkeypatch.setattr("chartly_loader.page_intake.BATCH_ROWS", 1)
    monkeypatch.setattr("chartly_loader.load_batch.ROWS_A_PART", 1)
    plan = sales_plan(project)
    pages = [page([sale("a"), sale("b")]), page([sale("a", "5"), sale("c"), sale("d")])]
    with pytest.raises(CrashError):
        load_pages(DyingEngine(engine, second_ledger()), plan, tmp_path, pages)
    if merged:
        store = ProjectStore(engine, project)
        engine.command(
            f"OPTIMIZE TABLE {qualified(store.database, data_table('sales-events'))} FINAL"
        )
    result = load_pages(engine, plan, tmp_path, pages)
    assert (result.counts["loaded"], result.counts["duplicate"], result.counts["read"]) == (4, 1, 5)


def test_events_are_kept_for_longer_than_the_engine_has_dates(engine, project, tmp_path):
    """Their age is counted in milliseconds: 82 years before the run the engine's dates end."""
    by_time = {
        "spec.retentionDays": None,
        "spec.retention": {"days": 30_000, "from": "occurred_at"},
    }
    kept = FROZEN_AT - timedelta(days=30_000)
    plan = sales_plan(project, {"storage": by_time})
    moments = {"a": kept, "b": kept + timedelta(milliseconds=500), "c": FROZEN_AT}
    records = [sale(name, "1", one.isoformat()) for name, one in moments.items()]
    load_pages(engine, plan, tmp_path, [page(records)])
    second = _later(engine, plan, tmp_path / "s2", [page([])], 0)
    assert (second.reason, _stored(engine, plan)) == (Reason.SUCCEEDED, ["a", "b", "c"])
    moment = {"ingested_at": FROZEN_AT + timedelta(milliseconds=400)}
    spool_pages(tmp_path / "s3", [page([])])
    third = load(replace(request(plan, tmp_path / "s3", "run-3"), **moment), engine, nothing, clock)
    assert (third.reason, _stored(engine, plan)) == (Reason.SUCCEEDED, ["b", "c"]), third.message
