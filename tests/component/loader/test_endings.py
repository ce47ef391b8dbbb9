"""How runs end before all is done: the reason, what stays, and what the next attempt makes of it."""

from dataclasses import replace

import pytest

from chartly.errors import Reason, RunError
from chartly.warning import RunWarning, WarningReason
from chartly_loader.load import load
from chartly_loader.recorded_result import result_of
from chartly_spool.segment import STATE
from chartly_store.audit_chains import AttemptChains
from chartly_store.project_store import ProjectStore
from support.loaded import COUNTS, adds_up, events, sums, trail
from support.loading import (
    CrashError,
    DyingEngine,
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
from support.profiles import playbook_profile
from support.spooling import ended


def test_a_poison_page_fails_the_run_and_what_came_before_it_stays(engine, project, tmp_path):
    plan = sales_plan(project)
    pages = [page([sale("a")]), b'{"data": [', page([sale("b")])]
    result = load_pages(engine, plan, tmp_path, pages)
    assert result.reason is Reason.UPSTREAM_UNAVAILABLE
    assert "not JSON" in result.message
    assert [row[0] for row in events(engine, plan)] == ["a"]
    assert (result.counts["pages"], result.counts["loaded"]) == (1, 1)
    assert resume(engine, plan, "run-1").next_page == 1
    assert result.outputs == ()
    again = load_pages(engine, plan, tmp_path, [pages[0], page([sale("b")])])
    assert again.reason is Reason.SUCCEEDED, again.message
    assert again.counts["loaded"] == 2


@pytest.mark.parametrize(
    ("expression", "says", "because"),
    [
        ("sum(currency)", "Illegal type", "text is no number"),
        ("sum(amont)", "Unknown expression", "a column that is not there"),
    ],
)
def test_a_query_that_cannot_run_ends_the_run_before_it_begins(
    engine, project, tmp_path, expression, says, because
):
    """The connector waits for the state, so an API is asked for nothing."""
    text = playbook_profile("analytics").content["spec"]["queryTemplate"]["text"]
    wrong = text.replace("sum(amount)", expression)
    plan = sales_plan(project, {"analytics": {"spec.queryTemplate.text": wrong}})
    result = load_pages(engine, plan, tmp_path, [page([sale("a")])])
    assert result.reason is Reason.CONFIG_INVALID, because
    assert "analytics/sales-daily-rollup@1.0.0: spec.queryTemplate.text: " in result.message
    assert says in result.message
    assert not [*tmp_path.rglob(STATE)]
    assert events(engine, plan) == []


def test_a_value_that_fits_no_output_names_the_profile_and_the_window(engine, project, tmp_path):
    columns = {"day": "Timestamp", "currency": "String", "orders": "Int64"}
    declared = {**columns, "total_amount": "Decimal(4, 2)"}
    plan = sales_plan(project, {"analytics": {"spec.outputs.columns": declared}})
    result = load_pages(engine, plan, tmp_path, [page([sale("a", amount="1234.5")])])
    assert result.reason is Reason.OUTPUT_CONTRACT
    assert result.message.startswith("analytics/sales-daily-rollup@1.0.0: output 'sales-")
    assert "; window 20" in result.message
    assert "Decimal(4, 2)" in result.message


@pytest.mark.parametrize(
    ("stop", "keys", "warned"),
    [
        ({"total": "total"}, "aab", ["pagination.stop.total"]),
        ({"totalHeader": "X-Total"}, "aab", ["pagination.stop.totalHeader"]),
        ({"total": "total"}, "ab", []),
        ({}, "aab", []),
    ],
)
def test_what_came_twice_does_not_reach_a_total_in_silence(
    engine, project, tmp_path, stop, keys, warned
):
    """Pages that overlap count what they repeat, and what is missing looks as if it had come."""
    pagination = {"mode": "page", "stop": stop}
    plan = sales_plan(project, {"connector": {"spec.pagination": pagination}})
    result = load_pages(engine, plan, tmp_path, [page(map(sale, keys))])
    assert result.reason is Reason.SUCCEEDED, result.message
    assert [one.object for one in result.warnings] == warned
    assert {one.reason for one in result.warnings} <= {WarningReason.TOTAL_NOT_REACHED}


def test_a_poison_first_page_commits_nothing(engine, project, tmp_path):
    plan = sales_plan(project)
    result = load_pages(engine, plan, tmp_path, [b'{"a": 1}'])
    assert result.reason is Reason.UPSTREAM_UNAVAILABLE
    assert result.message == "the page holds no array: it has 'a'"
    assert result.counts["pages"] == 0


def test_a_connector_that_failed_ends_the_run_with_its_reason(engine, project, tmp_path):
    plan = sales_plan(project)
    spool = tmp_path / "spool"
    end = ended(1, Reason.AUTH_REJECTED, "the API said 401")
    spool_pages(spool, [page([sale("a")])], 0, end)
    result = load(request(plan, spool), engine, nothing, clock)
    assert (result.reason, result.message) == (Reason.AUTH_REJECTED, "the API said 401")
    assert [row[0] for row in events(engine, plan)] == ["a"]
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


def test_warnings_of_every_attempt_are_in_the_result_the_record_and_the_trail(
    engine, project, tmp_path
):
    plan = sales_plan(project)
    echoed = RunWarning(WarningReason.CREDENTIAL_ECHOED, "page", "the API sent it back")
    unseen = RunWarning(WarningReason.PAGING_FIELD_NEVER_SEEN, "pagination", "no page had it")
    failed = replace(ended(2, Reason.UPSTREAM_UNAVAILABLE, "500"), warnings=(echoed,))
    spool_pages(tmp_path / "1", [page([sale("a")]), page([sale("b")])], 0, failed, cut=True)
    first = load(request(plan, tmp_path / "1"), engine, nothing, clock)
    assert first.warnings == (echoed,)
    pages = [page([sale("a")]), page([sale("b")]), page([sale("c")])]
    done = replace(ended(1), warnings=(echoed, unseen))
    spool_pages(tmp_path / "2", pages, 2, done)
    second = load(request(plan, tmp_path / "2", attempt=2), engine, nothing, clock)
    assert second.reason is Reason.SUCCEEDED
    assert second.warnings == (replace(echoed, count=2), unseen)
    last = attempts(engine, plan, "run-1")[0]
    assert result_of(last).warnings == second.warnings
    entries = AttemptChains(ProjectStore(engine, project)).of_attempt("run-1", 2)
    assert entries[-1].event["type"] == "workflow.run.succeeded"
    assert entries[-1].event["data"]["warnings"] == {
        "CredentialEchoed": 2,
        "PagingFieldNeverSeen": 1,
    }


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
    assert trail(engine, plan)[-1] == said


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
    assert events(engine, plan) == []


def test_pages_that_come_just_before_the_end_are_not_missed(engine, project, tmp_path, monkeypatch):
    """INV-4: between two looks of the loader, a connector may write its last page and end."""
    from chartly_spool.spool_reader import SpoolReader

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
    said = trail(engine, plan)
    assert ("normalizer.run.succeeded" in said, "normalizer.run.failed" in said) == (ok, not ok)
    assert len(events(engine, plan)) == 2
    assert adds_up(result)


@pytest.mark.parametrize(
    ("threshold", "records", "reason", "because"),
    [
        (None, [sale("a", "null"), sale("b", "null")], Reason.REJECT_THRESHOLD, "nothing is left"),
        (None, [sale("a", "null")], Reason.REJECT_THRESHOLD, "one record is all of them"),
        (None, [sale("a", "null"), sale("b")], Reason.SUCCEEDED, "one is loaded"),
        (None, [], Reason.SUCCEEDED, "there was nothing to reject"),
        ({"percent": 100}, [sale("a", "null")], Reason.SUCCEEDED, "the profile takes it"),
        ({"count": 5}, [sale("a", "null")], Reason.SUCCEEDED, "the profile takes it"),
    ],
)
def test_a_run_of_nothing_but_rejects_is_no_success(
    engine, project, tmp_path, threshold, records, reason, because
):
    changes = {} if threshold is None else {"spec.rejectThreshold": threshold}
    plan = sales_plan(project, {"normalizer": changes})
    result = load_pages(engine, plan, tmp_path, [page(records), page(records)])
    assert result.reason is reason, because
    assert adds_up(result)
    if reason is Reason.REJECT_THRESHOLD:
        assert result.message.startswith(f"all {2 * len(records)} records were rejected")
        assert result.outputs == ()


def test_a_dataset_over_its_quota_takes_no_more(engine, project, tmp_path):
    plan = sales_plan(project, {"storage": {"spec.maxBytes": 1}})
    first = load_pages(engine, plan, tmp_path, [page([sale("a")])])
    assert first.reason is Reason.SUCCEEDED, first.message
    second = load_pages(engine, plan, tmp_path, [page([sale("b")])], "run-2")
    assert second.reason is Reason.STORAGE_QUOTA_EXCEEDED
    assert second.message == "dataset 'sales-events' is larger than its maxBytes 1"
    assert [row[0] for row in events(engine, plan)] == ["a"]


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
    assert sums(result) == dict(zip(COUNTS, (5, 3, 1, 1, 0, 0), strict=True))
    assert events(engine, plan, "event_id, amount") == [("a", 3), ("b", 2), ("c", 4)]
    assert [row[0] for row in events(engine, plan, "orders", "sales-rollup-daily")] == [1, 1, 1]
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
    ((total,),) = events(engine, plan, "sum(amount)")
    ((summed,),) = events(engine, plan, "sum(total_amount)", "sales-rollup-daily")
    assert summed == total == 3


def test_times_that_were_cut_are_a_warning_with_their_count(engine, project, tmp_path):
    cut = {"op": "toUtcTimestamp", "field": "occurred_at", "excess": "truncate"}
    plan = sales_plan(project, {"normalizer": {"spec.transforms.1": cut}})
    moments = ["00.5", "00.1234561", "00.1234567", "00.123456789", "00.9999999"]
    records = [sale(f"e{n}", "1", f"2026-02-02T10:15:{one}Z") for n, one in enumerate(moments)]
    records.append(sale("bad", "null", "2026-02-02T10:15:00.1234561Z"))
    result = load_pages(engine, plan, tmp_path, [page(records[:3]), page(records[3:])])
    assert result.reason is Reason.SUCCEEDED, result.message
    ((reason, field, count),) = [(one.reason, one.object, one.count) for one in result.warnings]
    assert (reason, field, count) == (WarningReason.TIMES_TRUNCATED, "occurred_at", 4)
    (attempt,) = attempts(engine, plan, "run-1")
    assert result_of(attempt).warnings == result.warnings


def test_times_that_are_finer_are_rejected_otherwise(engine, project, tmp_path):
    plan = sales_plan(project)
    records = [sale("a"), sale("b", "1", "2026-02-02T10:15:00.1234561Z")]
    result = load_pages(engine, plan, tmp_path, [page(records)])
    assert (result.counts["loaded"], result.counts["rejected"]) == (1, 1)
    assert result.warnings == ()


def failing_pages(spool):
    spool_pages(spool, [page([sale("a")])], 0, ended(1, Reason.AUTH_REJECTED, "the API said 401"))


def cancelling(spool):
    spool_pages(spool, [page([sale("a")])], 0, ended(1, Reason.CANCELLED, "stopped"))


def poisoned(spool):
    spool_pages(spool, [b"["])


@pytest.mark.parametrize("spooled", [failing_pages, cancelling, poisoned])
def test_a_run_that_did_not_succeed_has_whole_evidence_of_it(engine, project, tmp_path, spooled):
    plan = sales_plan(project)
    spooled(tmp_path / "spool")
    result = load(request(plan, tmp_path / "spool"), engine, nothing, clock)
    assert result.reason is not Reason.SUCCEEDED
    assert result.audited


@pytest.mark.parametrize(
    ("condition", "because"),
    [
        ("sequence = 1", "its start is gone"),
        ("type = 'workflow.run.started'", "a place in the middle is gone"),
        ("type = 'workflow.run.failed'", "its last word is gone"),
        ("1", "nothing is left"),
    ],
)
def test_evidence_with_a_gap_is_none_also_of_a_failure(
    engine, project, tmp_path, condition, because, monkeypatch
):
    plan = sales_plan(project)
    kept = AttemptChains.append

    def append(chains, run_id, attempt, entries):
        kept(chains, run_id, attempt, entries)
        if str(entries[-1].event["type"]) == "workflow.run.failed":
            engine.command(
                f"ALTER TABLE `{ProjectStore(engine, project).database}`.`__audit` "
                f"DELETE WHERE {condition} SETTINGS mutations_sync = 1"
            )

    monkeypatch.setattr(AttemptChains, "append", append)
    poisoned(tmp_path / "spool")
    result = load(request(plan, tmp_path / "spool"), engine, nothing, clock)
    assert result.reason is Reason.UPSTREAM_UNAVAILABLE
    assert not result.audited, because
