"""Events that come again: which record stands, and which windows are computed anew."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from chartly.errors import Reason
from chartly_store.project_store import ProjectStore
from support.loaded import events
from support.loading import load_pages, page, sale, sales_plan


def test_repeating_pages_in_a_new_run_changes_no_payload(engine, project, tmp_path):
    """INV-5."""
    plan = sales_plan(project)
    pages = [page([sale("a", "1"), sale("b", "2")])]
    first = load_pages(engine, plan, tmp_path, pages)
    before = events(engine, plan)
    second = load_pages(engine, plan, tmp_path, pages, "run-2")
    assert events(engine, plan) == before
    assert second.outputs[0].fingerprint == first.outputs[0].fingerprint
    assert second.counts["loaded"] == 2


def test_an_event_whose_time_is_corrected_stands_once(engine, project, tmp_path):
    plan = sales_plan(project)
    old, new = "2026-02-01T00:00:00Z", "2026-02-02T00:00:00Z"
    load_pages(engine, plan, tmp_path, [page([sale("a", "1", old), sale("b", "5", old)])])
    second = load_pages(engine, plan, tmp_path, [page([sale("a", "2", new)])], "run-2")
    assert events(engine, plan, "event_id, amount") == [("a", 2), ("b", 5)]
    assert second.counts["corrected"] == 1
    assert second.outputs[0].windows == 2
    days = events(engine, plan, "day, orders, total_amount", "sales-rollup-daily")
    assert [row[1:] for row in days] == [(1, 5), (1, 2)]


def test_a_window_that_loses_its_last_event_vanishes_from_the_output(engine, project, tmp_path):
    plan = sales_plan(project)
    load_pages(engine, plan, tmp_path, [page([sale("a", "1", "2026-02-01T00:00:00Z")])])
    load_pages(engine, plan, tmp_path, [page([sale("a", "1", "2026-02-02T00:00:00Z")])], "run-2")
    days = events(engine, plan, "day", "sales-rollup-daily")
    assert [row[0].day for row in days] == [2]


def test_a_time_can_go_back_to_what_it_was(engine, project, tmp_path):
    plan = sales_plan(project)
    times = ["2026-02-01T00:00:00Z", "2026-02-02T00:00:00Z"] * 2
    for number, moment in enumerate(times):
        body = page([sale("a", str(number), moment)])
        load_pages(engine, plan, tmp_path, [body], f"run-{number}")
    assert events(engine, plan, "amount, toDayOfMonth(occurred_at)") == [(3, 2)]


@pytest.mark.parametrize("together", [True, False])
def test_a_correction_within_a_run_is_counted_once(
    engine, project, tmp_path, monkeypatch, together
):
    """In one commit or in two."""
    if not together:
        monkeypatch.setattr("chartly_loader.page_intake.BATCH_ROWS", 1)
        monkeypatch.setattr("chartly_loader.load_batch.ROWS_A_PART", 1)
    plan = sales_plan(project)
    pages = [
        page([sale("a", "1", "2026-02-01T00:00:00Z")]),
        page([sale("a", "2", "2026-02-02T00:00:00Z")]),
    ]
    result = load_pages(engine, plan, tmp_path, pages)
    assert events(engine, plan, "amount, toDayOfMonth(occurred_at)") == [(2, 2)]
    assert (result.counts["corrected"], result.counts["duplicate"]) == (1, 1)


@pytest.mark.parametrize(
    ("sent", "stays", "because"),
    [
        ([("1", 1), ("2", 1)], (2, 1), "equal versions: the page's order decides"),
        ([("1", 2), ("2", 1)], (2, 1), "also when the last one has the earlier time"),
        ([("1", 1), ("2", 2), ("3", 1)], (3, 1), "also when the time comes back"),
    ],
)
def test_of_one_event_in_a_page_the_last_record_stays(
    engine, project, tmp_path, sent, stays, because
):
    plan = sales_plan(project)
    records = [sale("a", amount, f"2026-02-0{day}T00:00:00Z") for amount, day in sent]
    result = load_pages(engine, plan, tmp_path, [page(records)])
    assert result.counts["duplicate"] == len(sent) - 1
    assert events(engine, plan, "amount, toDayOfMonth(occurred_at)") == [stays], because
    assert len(events(engine, plan, "day", "sales-rollup-daily")) == 1


VERSIONED = {
    "normalizer": {
        "spec.mapping.updated_at": "$.updated",
        "spec.transforms": [
            {"op": "toNumber", "field": "amount"},
            {"op": "toUtcTimestamp", "field": "occurred_at"},
            {"op": "toUtcTimestamp", "field": "updated_at"},
        ],
        "spec.versionField": "updated_at",
    }
}


def _versioned(key, amount, day, updated):
    body = json.loads(sale(key, amount, f"2026-02-0{day}T00:00:00Z"))
    return json.dumps({**body, "updated": f"2026-03-0{updated}T00:00:00Z"}).encode()


@pytest.mark.parametrize(
    ("sent", "stays", "because"),
    [
        ([(1, 1, 1), (2, 1, 2)], (2, 1), "the newer version wins"),
        ([(2, 1, 2), (1, 1, 1)], (2, 1), "an older version that comes late loses"),
        ([(1, 1, 1), (2, 2, 2)], (2, 2), "also when it moves the event"),
        ([(2, 2, 2), (1, 1, 1)], (2, 2), "also when the late one has another time"),
        ([(1, 1, 1), (2, 1, 1)], (2, 1), "of equal versions the last one stays"),
        ([(1, 1, 1), (2, 2, 1)], (2, 2), "of equal versions under two times the later time stays"),
        ([(2, 2, 1), (1, 1, 1)], (2, 2), "in whatever order they come"),
    ],
)
def test_the_version_field_decides(engine, project, tmp_path, sent, stays, because):
    plan = sales_plan(project, VERSIONED)
    for number, (amount, day, updated) in enumerate(sent):
        body = page([_versioned("a", str(amount), day, updated)])
        result = load_pages(engine, plan, tmp_path, [body], f"run-{number}")
        assert result.reason is Reason.SUCCEEDED, result.message
    assert events(engine, plan, "amount, toDayOfMonth(occurred_at)") == [stays], because


def test_a_version_before_1970_is_rejected(engine, project, tmp_path):
    """It would be the highest of all as an unsigned number."""
    plan = sales_plan(project, VERSIONED)
    old = {**json.loads(_versioned("b", "1", 1, 1)), "updated": "1969-12-31T23:59:59Z"}
    first = {**json.loads(_versioned("c", "1", 1, 1)), "updated": "1970-01-01T00:00:00Z"}
    records = [_versioned("a", "1", 1, 1), json.dumps(old).encode(), json.dumps(first).encode()]
    result = load_pages(engine, plan, tmp_path, [page(records)])
    assert (result.counts["loaded"], result.counts["rejected"]) == (2, 1)
    found = engine.rows(
        f"SELECT reason, field FROM `{ProjectStore(engine, project).database}`.`sales_events__rejected`"
    )
    assert found == [("VersionInvalid", "updated_at")]


@pytest.mark.parametrize(
    ("runs", "newest", "because"),
    [
        ([["2026-02-01T10:00:00Z", "2026-02-02T00:00:00Z"]], 2, "the last of what was loaded"),
        ([["2026-02-03T00:00:00Z"], ["2026-02-02T00:00:00Z"]], 3, "an older page ages nothing"),
        ([["2026-02-05T00:00:00Z"], ["2026-02-04T00:00:00Z"], []], 5, "nor does an empty one"),
    ],
)
def test_the_newest_event_is_that_of_the_dataset(engine, project, tmp_path, runs, newest, because):
    plan = sales_plan(project)
    for number, moments in enumerate(runs):
        body = page(
            [sale(f"{number}-{place}", "1", moment) for place, moment in enumerate(moments)]
        )
        result = load_pages(engine, plan, tmp_path, [body], f"run-{number}")
    assert result.reason is Reason.SUCCEEDED
    assert result.newest == {"sales-events": datetime(2026, 2, newest, tzinfo=UTC)}, because


def test_the_time_that_an_event_no_longer_has_is_not_its_newest(engine, project, tmp_path):
    plan = sales_plan(project)
    for number, day in enumerate((9, 2)):
        body = page([sale("a", "1", f"2026-02-{day:02}T00:00:00Z")])
        result = load_pages(engine, plan, tmp_path, [body], f"run-{number}")
    assert result.newest == {"sales-events": datetime(2026, 2, 2, tzinfo=UTC)}


def test_a_dataset_without_events_or_without_times_has_no_newest(engine, project, tmp_path):
    assert load_pages(engine, sales_plan(project), tmp_path, [page([])]).newest == {}
    plan = sales_plan(project)
    (stream,) = plan.streams
    storage = stream.storage.model_copy(update={"partitioning": None, "dataset": "other"})
    timeless = replace(plan, streams=(replace(stream, storage=storage),), analytics=())
    result = load_pages(engine, timeless, tmp_path, [page([sale("a")])], "run-2")
    assert (result.reason, result.message) == (Reason.SUCCEEDED, "")
    assert result.newest == {}
