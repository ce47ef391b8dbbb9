import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from chartly.api.reference import Project
from chartly.errors import Reason, RunError
from chartly_loader.run import load
from chartly_store.attempts import Attempts
from chartly_store.audit import AuditLog, Checkpoint
from chartly_store.project import ProjectStore
from chartly_store.teardown import drop_dataset, drop_output
from support.loading import (
    FROZEN_AT,
    WORKFLOW,
    CrashError,
    DyingEngine,
    attempts,
    clock,
    ended,
    load_pages,
    nothing,
    page,
    request,
    resume,
    sale,
    sales_plan,
    spool_pages,
)

COUNTS = ("read", "loaded", "rejected", "duplicate", "filtered", "late")


def _events(engine, plan, columns="event_id, amount, occurred_at", dataset="sales-events"):
    view = ProjectStore(engine, plan.project).view(dataset)
    return engine.rows(f"SELECT {columns} FROM {view} ORDER BY ALL")


def _said(engine, plan):
    """The types of the audit events of the first attempt."""
    store = ProjectStore(engine, plan.project)
    entries = AuditLog(store, Checkpoint(Path("unused"))).run_entries("run-1", 1)
    return [one.event["type"] for one in entries]


def _sums(result):
    return {name: result.counts[name] for name in COUNTS}


def _adds_up(result):
    """INV-4."""
    counts = result.counts
    parts = ("loaded", "rejected", "duplicate", "filtered", "late")
    return counts["read"] == sum(counts[name] for name in parts)


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
    assert _sums(result) == dict(zip(COUNTS, (4, 2, 1, 1, 0, 0), strict=True))
    assert _adds_up(result)
    assert result.counts["pages"] == 2
    moment = datetime(2026, 2, 2, 10, 15, tzinfo=UTC)
    assert _events(engine, plan) == [
        ("a", Decimal("3.3"), moment),
        ("b", Decimal("2.2"), moment),
    ]
    assert _events(engine, plan, "orders, total_amount", "sales-rollup-daily") == [
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
    (row,) = _events(engine, plan, names)
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
    ((amount,),) = _events(engine, plan, "amount")
    assert amount == Decimal(stored or sent), because
    ((total,),) = _events(engine, plan, "total_amount", "sales-rollup-daily")
    assert total == Decimal(stored or sent), because


def test_a_number_that_does_not_fit_is_rejected_not_rounded(engine, project, tmp_path):
    plan = sales_plan(project)
    sent = ["0.0000000001", "1" + "0" * 29, '"NaN"', "true", "null"]
    records = [sale(str(index), amount) for index, amount in enumerate(sent)]
    result = load_pages(engine, plan, tmp_path, [page(records)])
    assert result.counts["rejected"] == len(sent)
    assert _events(engine, plan) == []


def test_an_empty_answer_loads_nothing_and_succeeds(engine, project, tmp_path):
    plan = sales_plan(project)
    result = load_pages(engine, plan, tmp_path, [page([])])
    assert result.reason is Reason.SUCCEEDED, result.message
    assert result.counts["pages"] == 1
    assert result.outputs[0].rows == 0


def test_repeating_pages_in_a_new_run_changes_no_payload(engine, project, tmp_path):
    """INV-5."""
    plan = sales_plan(project)
    pages = [page([sale("a", "1"), sale("b", "2")])]
    first = load_pages(engine, plan, tmp_path, pages)
    before = _events(engine, plan)
    second = load_pages(engine, plan, tmp_path, pages, "run-2")
    assert _events(engine, plan) == before
    assert second.outputs[0].fingerprint == first.outputs[0].fingerprint
    assert second.counts["loaded"] == 2


def test_an_event_whose_time_is_corrected_stands_once(engine, project, tmp_path):
    plan = sales_plan(project)
    old, new = "2026-02-01T00:00:00Z", "2026-02-02T00:00:00Z"
    load_pages(engine, plan, tmp_path, [page([sale("a", "1", old), sale("b", "5", old)])])
    second = load_pages(engine, plan, tmp_path, [page([sale("a", "2", new)])], "run-2")
    assert _events(engine, plan, "event_id, amount") == [("a", 2), ("b", 5)]
    assert second.counts["corrected"] == 1
    assert second.outputs[0].windows == 2
    days = _events(engine, plan, "day, orders, total_amount", "sales-rollup-daily")
    assert [row[1:] for row in days] == [(1, 5), (1, 2)]


def test_a_window_that_loses_its_last_event_vanishes_from_the_output(engine, project, tmp_path):
    plan = sales_plan(project)
    load_pages(engine, plan, tmp_path, [page([sale("a", "1", "2026-02-01T00:00:00Z")])])
    load_pages(engine, plan, tmp_path, [page([sale("a", "1", "2026-02-02T00:00:00Z")])], "run-2")
    days = _events(engine, plan, "day", "sales-rollup-daily")
    assert [row[0].day for row in days] == [2]


def test_a_time_can_go_back_to_what_it_was(engine, project, tmp_path):
    plan = sales_plan(project)
    times = ["2026-02-01T00:00:00Z", "2026-02-02T00:00:00Z"] * 2
    for number, moment in enumerate(times):
        body = page([sale("a", str(number), moment)])
        load_pages(engine, plan, tmp_path, [body], f"run-{number}")
    assert _events(engine, plan, "amount, toDayOfMonth(occurred_at)") == [(3, 2)]


@pytest.mark.parametrize("together", [True, False])
def test_a_correction_within_a_run_is_counted_once(
    engine, project, tmp_path, monkeypatch, together
):
    """In one commit or in two."""
    if not together:
        monkeypatch.setattr("chartly_loader.intake.BATCH_ROWS", 1)
        monkeypatch.setattr("chartly_loader.batch.ROWS_A_PART", 1)
    plan = sales_plan(project)
    pages = [
        page([sale("a", "1", "2026-02-01T00:00:00Z")]),
        page([sale("a", "2", "2026-02-02T00:00:00Z")]),
    ]
    result = load_pages(engine, plan, tmp_path, pages)
    assert _events(engine, plan, "amount, toDayOfMonth(occurred_at)") == [(2, 2)]
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
    assert _events(engine, plan, "amount, toDayOfMonth(occurred_at)") == [stays], because
    assert len(_events(engine, plan, "day", "sales-rollup-daily")) == 1


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
    assert _events(engine, plan, "amount, toDayOfMonth(occurred_at)") == [stays], because


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


def test_a_poison_page_fails_the_run_and_what_came_before_it_stays(engine, project, tmp_path):
    plan = sales_plan(project)
    pages = [page([sale("a")]), b'{"data": [', page([sale("b")])]
    result = load_pages(engine, plan, tmp_path, pages)
    assert result.reason is Reason.UPSTREAM_UNAVAILABLE
    assert "not JSON" in result.message
    assert [row[0] for row in _events(engine, plan)] == ["a"]
    assert (result.counts["pages"], result.counts["loaded"]) == (1, 1)
    assert resume(engine, plan, "run-1").next_number == 1
    assert result.outputs == ()
    again = load_pages(engine, plan, tmp_path, [pages[0], page([sale("b")])])
    assert again.reason is Reason.SUCCEEDED, again.message
    assert again.counts["loaded"] == 2


def test_a_poison_first_page_commits_nothing(engine, project, tmp_path):
    plan = sales_plan(project)
    result = load_pages(engine, plan, tmp_path, [b'{"a": 1}'])
    assert result.reason is Reason.CONFIG_INVALID
    assert "set records.path" in result.message
    assert result.counts["pages"] == 0


def test_a_connector_that_failed_ends_the_run_with_its_reason(engine, project, tmp_path):
    plan = sales_plan(project)
    spool = tmp_path / "spool"
    end = ended(1, Reason.AUTH_REJECTED, "the API said 401")
    spool_pages(spool, [page([sale("a")])], 0, end)
    result = load(request(plan, spool), engine, nothing, clock)
    assert (result.reason, result.message) == (Reason.AUTH_REJECTED, "the API said 401")
    assert [row[0] for row in _events(engine, plan)] == ["a"]
    assert result.outputs == ()
    (attempt,) = attempts(engine, plan, "run-1")
    assert (attempt.state, attempt.reason, attempt.message) == (
        "finished",
        "AuthRejected",
        "the API said 401",
    )
    # What is loaded but was not rolled up is, as soon as a run succeeds.
    later = load_pages(
        engine, plan, tmp_path, [page([sale("b", "1", "2026-02-05T00:00:00Z")])], "r2"
    )
    assert later.outputs[0].windows == 2


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        (Reason.CANCELLED, "workflow.run.cancelled"),
        (Reason.LIMIT_REACHED, "workflow.run.failed"),
    ],
)
def test_the_trail_tells_who_was_stopped_from_what_failed(engine, project, tmp_path, reason, said):
    plan = sales_plan(project)
    spool = tmp_path / "spool"
    spool_pages(spool, [], 0, ended(0, reason, "stopped"))
    result = load(request(plan, spool), engine, nothing, clock)
    assert result.reason is reason
    assert _said(engine, plan)[-1] == said


def test_fewer_pages_than_the_connector_wrote_is_not_success(engine, project, tmp_path):
    """INV-4: a page that vanished from the spool is not passed over."""
    plan = sales_plan(project)
    spool = tmp_path / "spool"
    spool_pages(spool, [page([sale("a")]), page([sale("b")]), page([sale("c")])])
    (spool / "00000001.json").unlink()
    result = load(request(plan, spool), engine, nothing, clock)
    assert result.reason is Reason.PEER_LOST
    assert result.message == "the connector wrote 3 pages and 1 came"


def test_a_changed_page_is_refused(engine, project, tmp_path):
    plan = sales_plan(project)
    spool = tmp_path / "spool"
    spool_pages(spool, [page([sale("a")])])
    (spool / "00000000.page").write_bytes(page([sale("b")]))
    result = load(request(plan, spool), engine, nothing, clock)
    assert result.reason is Reason.PEER_LOST
    assert _events(engine, plan) == []


def test_pages_that_come_just_before_the_end_are_not_missed(engine, project, tmp_path, monkeypatch):
    """INV-4: between two looks of the loader, a connector may write its last page and end."""
    from chartly_spool.reader import SpoolReader

    plan = sales_plan(project)
    spool = tmp_path / "spool"
    spool.mkdir()
    looked = []
    original = SpoolReader.next_segments

    def slow(self, *limits):
        if not looked:
            looked.append(1)
            spool_pages(spool, [page([sale("a")])])
            return []
        return original(self, *limits)

    monkeypatch.setattr(SpoolReader, "next_segments", slow)
    result = load(request(plan, spool), engine, nothing, clock)
    assert result.reason is Reason.SUCCEEDED, result.message
    assert result.counts["loaded"] == 1


@pytest.mark.parametrize(
    ("threshold", "ok"),
    [
        ({"count": 1}, False),
        ({"count": 2}, True),
        ({"percent": 49}, False),
        ({"percent": 50}, True),
    ],
)
def test_the_reject_threshold_gates_analytics_not_rows(engine, project, tmp_path, threshold, ok):
    plan = sales_plan(project, {"normalizer": {"spec.rejectThreshold": threshold}})
    records = [sale("a"), sale("b"), sale("c", "null"), sale("d", "null")]
    result = load_pages(engine, plan, tmp_path, [page(records)])
    assert result.reason is (Reason.SUCCEEDED if ok else Reason.REJECT_THRESHOLD)
    if not ok:
        ((name, limit),) = threshold.items()
        assert (
            f"2 of 4 records were rejected; rejectThreshold.{name} allows {limit}" in result.message
        )
        assert result.outputs == ()
    said = _said(engine, plan)
    assert ("normalizer.run.succeeded" in said, "normalizer.run.failed" in said) == (ok, not ok)
    assert len(_events(engine, plan)) == 2
    assert _adds_up(result)


def test_a_dataset_over_its_quota_takes_no_more(engine, project, tmp_path):
    plan = sales_plan(project, {"storage": {"spec.maxBytes": 1}})
    first = load_pages(engine, plan, tmp_path, [page([sale("a")])])
    assert first.reason is Reason.SUCCEEDED, first.message
    second = load_pages(engine, plan, tmp_path, [page([sale("b")])], "run-2")
    assert second.reason is Reason.STORAGE_QUOTA_EXCEEDED
    assert second.message == "dataset 'sales-events' is larger than its maxBytes 1"
    assert [row[0] for row in _events(engine, plan)] == ["a"]


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
    assert _adds_up(result)
    assert [row[0] for row in _events(engine, plan)] == ["b"]


def test_more_days_than_one_insert_may_touch(engine, project, tmp_path):
    plan = sales_plan(project)
    days = [f"2025-{month:02}-{day:02}T12:00:00Z" for month in range(1, 5) for day in range(1, 29)]
    records = [sale(f"k{index}", "1", day) for index, day in enumerate(days)]
    result = load_pages(engine, plan, tmp_path, [page(records)])
    assert result.reason is Reason.SUCCEEDED, result.message
    assert len(_events(engine, plan)) == len(days)
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
    assert [row[0] for row in _events(engine, plans[1])] == ["only-1"]
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
    assert _said(engine, plan)[-1] == "workflow.run.succeeded"
    assert resume(engine, plan, "run-1").complete
    assert attempts(engine, plan, "run-1")[0].reason == "Succeeded"
    again = load_pages(engine, plan, tmp_path, [page([sale("b")])], "run-2")
    assert again.outputs[0].rows == 1
    assert [row[0] for row in _events(engine, plan)] == ["b"]


def test_another_workflow_may_not_write_the_dataset(engine, project, tmp_path):
    from dataclasses import replace

    plan = sales_plan(project)
    load_pages(engine, plan, tmp_path, [page([sale("a")])])
    spool = tmp_path / "other"
    spool_pages(spool, [page([sale("b")])])
    other = replace(request(plan, spool, "run-2"), workflow="other-onboard")
    result = load(other, engine, nothing, clock)
    assert result.reason is Reason.DATASET_IN_USE
    assert "'sales-events' is written by workflow 'sales-onboard'" in result.message


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


def test_an_engine_that_refuses_ends_the_run(engine, project, tmp_path):
    def refuse(table, _number):
        if table == "__ledger":
            raise RunError(Reason.STORE_UNAVAILABLE, "the store refused: no")

    plan = sales_plan(project)
    result = load_pages(DyingEngine(engine, refuse), plan, tmp_path, [page([sale("a")])])
    assert result.reason is Reason.STORE_UNAVAILABLE
    assert result.counts["pages"] == 0


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(
    "table", ["__attempts", "__audit", "sales_events__data", "sales_events__rejected", "__ledger", "__published", "sales_rollup_daily__data"],
)  # fmt: skip
def test_a_crash_at_any_insert_loses_and_doubles_nothing(engine, project, tmp_path, table, when):
    """INV-4."""
    plan = sales_plan(project)
    pages = [page([sale("a", "1"), sale("b", "2", "2026-02-03T00:00:00Z"), sale("x", "null")])]
    pages += [page([sale("a", "3"), sale("c", "4", "2026-02-04T00:00:00Z")])]
    dying = DyingEngine(engine, lambda name, _: when if name == table else None)
    with pytest.raises(CrashError):
        load_pages(dying, plan, tmp_path, pages)
    result = load_pages(engine, plan, tmp_path, pages)
    assert result.reason is Reason.SUCCEEDED, result.message
    assert _sums(result) == dict(zip(COUNTS, (5, 3, 1, 1, 0, 0), strict=True))
    assert _events(engine, plan, "event_id, amount") == [("a", 3), ("b", 2), ("c", 4)]
    assert [row[0] for row in _events(engine, plan, "orders", "sales-rollup-daily")] == [1, 1, 1]
    assert (
        len(
            engine.rows(
                f"SELECT * FROM `{ProjectStore(engine, project).database}`.`sales_events__rejected` FINAL"
            )
        )
        == 1
    )


def test_rows_of_a_page_that_was_never_committed_are_rolled_up_too(engine, project, tmp_path):
    """What can be read is what is summed, even if its run is never continued."""
    plan = sales_plan(project)
    load_pages(engine, plan, tmp_path, [page([])], "run-0")
    dying = DyingEngine(engine, lambda name, _: "before" if name == "__ledger" else None)
    with pytest.raises(CrashError):
        load_pages(dying, plan, tmp_path, [page([sale("a", "1", "2026-02-01T00:00:00Z")])])
    load_pages(engine, plan, tmp_path, [page([sale("b", "2", "2026-02-02T00:00:00Z")])], "run-2")
    ((total,),) = _events(engine, plan, "sum(amount)")
    ((summed,),) = _events(engine, plan, "sum(total_amount)", "sales-rollup-daily")
    assert summed == total == 3
