"""Pages that a run loads: exact rows, their envelope, roll-up, progress and evidence."""

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from chartly.api.reference import Project
from chartly.errors import Reason
from chartly_loader.load import load
from chartly_store.attempts import Attempts
from chartly_store.dataset_removal import drop_dataset, drop_output
from chartly_store.project_store import ProjectStore
from support.loaded import COUNTS, adds_up, events, sums, trail
from support.loading import (
    FROZEN_AT,
    WORKFLOW,
    attempts,
    clock,
    load_pages,
    nothing,
    page,
    request,
    resume,
    sale,
    sales_plan,
    spool_pages,
)


def test_pages_become_events_rejects_a_rollup_and_evidence(engine, project, tmp_path):
    plan = sales_plan(project)
    bad = b'{"id": "bad", "timestamp": "yesterday", "totals": {"amount": 1, "currency": "EUR"}}'
    result = load_pages(
        engine,
        plan,
        tmp_path,
        [page([sale("a", "1.10"), sale("b", "2.20")]), page([bad, sale("a", "3.30")])],
    )
    assert (result.reason, result.message, result.audited) == (Reason.SUCCEEDED, "", True)
    assert sums(result) == dict(zip(COUNTS, (4, 2, 1, 1, 0, 0), strict=True))
    assert adds_up(result)
    assert result.counts["pages"] == 2
    moment = datetime(2026, 2, 2, 10, 15, tzinfo=UTC)
    assert events(engine, plan) == [
        ("a", Decimal("3.3"), moment),
        ("b", Decimal("2.2"), moment),
    ]
    assert events(engine, plan, "orders, total_amount", "sales-rollup-daily") == [
        (2, Decimal("5.5"))
    ]
    (output,) = result.outputs
    assert (output.dataset, output.windows, output.rows) == ("sales-rollup-daily", 1, 1)
    rejected = engine.rows(
        f"SELECT segment, reason, field, path, record, raw_ref, run_id, ingested_at "
        f"FROM `{ProjectStore(engine, project).database}`.`sales_events__rejected`"
    )
    assert len(rejected) == 1
    assert rejected[0][:4] == (1, "NotATimestamp", "occurred_at", "$.timestamp")
    assert json.loads(rejected[0][4])["id"] == "bad"
    assert rejected[0][5].endswith("#0")
    assert rejected[0][6:] == ("run-1", FROZEN_AT)


def test_events_carry_their_envelope(engine, project, tmp_path):
    plan = sales_plan(project)
    load_pages(engine, plan, tmp_path, [page([sale("a")])])
    names = "type, tenant_id, project_id, ingested_at, run_id, profile_digest, event_key, raw_ref"
    (row,) = events(engine, plan, names)
    assert row[:5] == ("sales.event", project.tenant, project.project, FROZEN_AT, "run-1")
    assert row[5] == plan.streams[0].normalizer_digest
    assert row[6] == "a"
    assert row[7].startswith("sha256:")
    assert row[7].endswith("#0")


@pytest.mark.parametrize(
    ("sent", "stored", "because"),
    [
        ("100000000000000.01", "100000000000000.01", "a float of 64 bits would say .016"),
        ("12345678901234567890123456789.123456789", None, "38 digits are exact"),
        ("-0.000000001", None, "the last digit counts"),
        ("0", None, "zero is an amount"),
        ('"19.99"', "19.99", "a number as text is a number"),
        ("1e2", "100", "an exponent is spelling"),
    ],
)  # fmt: skip
def test_money_is_exact(engine, project, tmp_path, sent, stored, because):
    plan = sales_plan(project)
    result = load_pages(engine, plan, tmp_path, [page([sale("a", sent)])])
    assert result.reason is Reason.SUCCEEDED, result.message
    ((amount,),) = events(engine, plan, "amount")
    assert amount == Decimal(stored or sent), because
    ((total,),) = events(engine, plan, "total_amount", "sales-rollup-daily")
    assert total == Decimal(stored or sent), because


def test_a_number_that_does_not_fit_is_rejected_not_rounded(engine, project, tmp_path):
    plan = sales_plan(project)
    sent = ["0.0000000001", "1" + "0" * 29, '"NaN"', "true", "null"]
    records = [sale(str(index), amount) for index, amount in enumerate(sent)]
    result = load_pages(engine, plan, tmp_path, [page(records)])
    assert result.counts["rejected"] == len(sent)
    assert events(engine, plan) == []


def test_an_empty_answer_loads_nothing_and_succeeds(engine, project, tmp_path):
    plan = sales_plan(project)
    result = load_pages(engine, plan, tmp_path, [page([])])
    assert result.reason is Reason.SUCCEEDED, result.message
    assert result.counts["pages"] == 1
    assert result.outputs[0].rows == 0


def test_events_older_than_their_retention_are_late(engine, project, tmp_path):
    changes = {
        "storage": {
            "spec.retentionDays": None,
            "spec.retention": {"days": 5, "from": "occurred_at"},
        }
    }
    plan = sales_plan(project, changes)
    records = [sale("a", "1", "2026-02-05T05:59:59.999Z"), sale("b", "1", "2026-02-05T06:00:00Z")]
    result = load_pages(engine, plan, tmp_path, [page(records)])
    assert (result.counts["late"], result.counts["loaded"]) == (1, 1)
    assert adds_up(result)
    assert [row[0] for row in events(engine, plan)] == ["b"]


def test_more_days_than_one_insert_may_touch(engine, project, tmp_path):
    plan = sales_plan(project)
    days = [f"2025-{month:02}-{day:02}T12:00:00Z" for month in range(1, 5) for day in range(1, 29)]
    records = [sale(f"k{index}", "1", day) for index, day in enumerate(days)]
    result = load_pages(engine, plan, tmp_path, [page(records)])
    assert result.reason is Reason.SUCCEEDED, result.message
    assert len(events(engine, plan)) == len(days)
    assert result.outputs[0].windows == len(days)


def test_a_window_given_by_hand_is_computed_and_nothing_else(engine, project, tmp_path):
    from dataclasses import replace

    plan = sales_plan(project)
    spool = tmp_path / "spool"
    spool_pages(spool, [page([sale("a", "1", f"2026-02-0{day}T00:00:00Z") for day in (1, 2, 3)])])
    asked = (datetime(2026, 2, 2, tzinfo=UTC), datetime(2026, 2, 4, tzinfo=UTC))
    result = load(replace(request(plan, spool), window=asked), engine, nothing, clock)
    assert result.outputs[0].windows == 2


def test_projects_share_a_store_and_no_row(engine, project, tmp_path):
    """INV-8."""
    plans = [sales_plan(project), sales_plan(Project("tenant-other", project.project))]
    for number, plan in enumerate(plans):
        load_pages(engine, plan, tmp_path / str(number), [page([sale(f"only-{number}")])])
    drop_dataset(ProjectStore(engine, plans[0].project), "sales-events")
    assert [row[0] for row in events(engine, plans[1])] == ["only-1"]
    assert [one.ordinal for one in attempts(engine, plans[1], "run-1")] == [1]


def test_teardown_keeps_the_evidence(engine, project, tmp_path):
    """INV-9."""
    plan = sales_plan(project)
    load_pages(engine, plan, tmp_path, [page([sale("a")])])
    store = ProjectStore(engine, project)
    for _ in range(2):
        drop_output(store, "sales-rollup-daily")
        drop_dataset(store, "sales-events")
    assert store.columns("sales_events") == store.columns("sales_rollup_daily") == {}
    assert trail(engine, plan)[-1] == "workflow.run.succeeded"
    assert resume(engine, plan, "run-1").complete
    assert attempts(engine, plan, "run-1")[0].reason == "Succeeded"
    again = load_pages(engine, plan, tmp_path, [page([sale("b")])], "run-2")
    assert again.outputs[0].rows == 1
    assert [row[0] for row in events(engine, plan)] == ["b"]


def test_progress_tells_pages_as_they_are_committed(engine, project, tmp_path):
    plan = sales_plan(project)
    spool = tmp_path / "spool"
    spool_pages(spool, [page([sale("a")]), page([sale("b"), sale("c", "null")])])
    told = []
    load(request(plan, spool), engine, told.append, clock)
    assert {one.stage for one in told} == {"loading", "analytics", "evidence"}
    last = told[-1]
    assert (last.pages, last.read, last.loaded, last.rejected) == (2, 3, 2, 1)


def test_ordinals_grow_over_runs_and_attempts(engine, project, tmp_path):
    plan = sales_plan(project)
    for run in ("run-1", "run-2"):
        load_pages(engine, plan, tmp_path, [page([sale("a")])], run)
    found = Attempts(ProjectStore(engine, project)).of_workflow(WORKFLOW)
    assert [(one.run_id, one.ordinal) for one in found] == [("run-2", 2), ("run-1", 1)]
    assert found[0].outcome["counts"]["loaded"] == 1
    assert found[0].audit_head
