"""Loads of several slices and streams: the scheduler, the spool, the loader and a real engine."""

import itertools
import json
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from chartly.api.reference import Project
from chartly.errors import Bug, Reason
from chartly.slices import Slice, slice_of
from chartly_loader.count_checks import check_sums
from chartly_loader.load import load
from chartly_loader.run_metrics import run_metrics, write_metrics
from chartly_spool.segment import END, SliceEnd, dump_end
from chartly_store.audit_chains import AttemptChains
from chartly_store.ledger import Ledger
from chartly_store.project_store import ProjectStore
from support.loading import FROZEN_AT, CrashError, DyingEngine, clock, nothing, page, request, sale
from support.sliced import load_slices, sliced_plan, spool_slices, state_of

EU = slice_of("sales", {"site": "eu"}, ("2026-02-01", "2026-02-07"))
US = slice_of("sales", {"site": "us"}, ("2026-02-01", "2026-02-07"))
NEXT = slice_of("sales", {"site": "eu"}, ("2026-02-08", "2026-02-14"))
RETURNS = Slice("returns")
SLICES = (EU, US, NEXT, RETURNS)
PARTS = ("loaded", "rejected", "duplicate", "filtered", "late")

EXAMPLES = itertools.count()
RECORDS = st.tuples(
    st.sampled_from("abcd"), st.integers(1, 3), st.one_of(st.integers(1, 99), st.none())
)
PAGES = st.lists(st.lists(RECORDS, max_size=3), min_size=1, max_size=4)
CRASHES = st.lists(st.tuples(st.integers(0, 16), st.sampled_from(["before", "after"])), max_size=3)


def body(slice_, records):
    """A page whose keys are those of its slice."""
    return page(
        [
            sale(f"{slice_} {key}", "null" if amount is None else str(amount), f"2026-02-0{day}T00:00:00Z")
            for key, day, amount in records
        ]
    )  # fmt: skip


def named(slice_):
    return f"slice {str(slice_)!r}"


@pytest.mark.slow
@pytest.mark.timeout(600)
@given(
    pages=st.fixed_dictionaries(dict.fromkeys(SLICES, PAGES)),
    crashes=CRASHES,
    failing=st.lists(st.sampled_from(SLICES), max_size=2),
    together=st.integers(1, 4),
)
@settings(
    max_examples=10,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_inv_4_of_each_slice_and_of_the_run_whenever_a_load_dies(
    engine, tmp_path, monkeypatch, pages, crashes, failing, together
):
    monkeypatch.setattr("chartly_loader.page_intake.BATCH_ROWS", together)
    monkeypatch.setattr("chartly_loader.load_batch.ROWS_A_PART", 1)
    number = next(EXAMPLES)
    plan = sliced_plan(Project("tenant-sliced", f"p-{number}"), SLICES)
    bodies = {slice_: [body(slice_, records) for records in pages[slice_]] for slice_ in SLICES}
    spool = tmp_path / str(number)
    for place, when in crashes:
        dying = DyingEngine(
            engine, lambda _, index, at=place, how=when: how if index == at else None
        )
        with suppress(CrashError):
            if load_slices(dying, plan, spool, bodies, failing).reason is Reason.SUCCEEDED:
                break
            event("ended")
    result = load_slices(engine, plan, spool, bodies)
    assert result.reason is Reason.SUCCEEDED, result.message

    store = ProjectStore(engine, plan.project)
    ledger = Ledger(store)
    totals = ledger.slice_totals("run-1")
    wanted = {slice_: counted(pages[slice_]) for slice_ in SLICES}
    assert {
        slice_: {name: one[name] for name in wanted[slice_]} for slice_, one in totals.items()
    } == wanted
    assert all(one["read"] == sum(one[name] for name in PARTS) for one in totals.values())
    assert {name: result.counts[name] for name in wanted[EU]} == {
        name: sum(one[name] for one in wanted.values()) for name in wanted[EU]
    }
    for stream in ("sales", "returns"):
        rows = f"SELECT event_id, amount FROM {store.view(f'{stream}-events')}"
        assert dict(engine.rows(rows)) == {
            f"{slice_} {key}": Decimal(amount)
            for slice_ in SLICES
            if slice_.stream == stream
            for records in pages[slice_]
            for key, _, amount in records
            if amount is not None
        }
    state = ledger.resume("run-1", SLICES)
    assert all(one.complete for one in state.slices.values())
    assert [one.next_page for one in state.slices.values()] == [
        len(pages[slice_]) for slice_ in SLICES
    ]


def counted(pages):
    records = [record for page in pages for record in page]
    good = [key for key, _, amount in records if amount is not None]
    return {
        "pages": len(pages),
        "read": len(records),
        "loaded": len(set(good)),
        "rejected": len(records) - len(good),
        "duplicate": len(good) - len(set(good)),
    }


BODIES = {
    EU: [page([sale("eu-1")]), page([sale("eu-2"), sale("eu-1")])],
    US: [page([sale("us-1")]), page([sale("us-2")]), page([sale("us-3", "null")])],
    NEXT: [page([sale("eu-3")])],
    RETURNS: [page([sale("r-1")]), page([sale("r-2")])],
}


def test_a_failed_slice_leaves_the_others_loaded_and_is_pulled_alone_afterwards(
    engine, project, tmp_path
):
    plan = sliced_plan(project, SLICES)
    first = load_slices(engine, plan, tmp_path, BODIES, {US})
    assert first.reason is Reason.UPSTREAM_UNAVAILABLE
    assert first.message == f"{US}: status 500 (1 of 4 slices failed)"
    assert (first.counts["pages"], first.counts["read"]) == (7, 8)
    state = state_of(engine, plan)
    assert [slice_ for slice_, one in state.slices.items() if not one.complete] == [US]
    assert (state.slices[US].next_page, state.next_number) == (2, 7)

    second = load_slices(engine, plan, tmp_path, BODIES)
    assert (second.reason, second.counters.pages) == (Reason.SUCCEEDED, 1)
    assert (second.counts["pages"], second.counts["read"], second.counts["rejected"]) == (8, 9, 1)


def test_one_key_in_two_slices_of_a_stream_is_a_duplicate_in_one_of_them(engine, project, tmp_path):
    plan = sliced_plan(project, [EU, US, RETURNS])
    same = [page([sale("a")]), page([sale("b")])]
    result = load_slices(engine, plan, tmp_path, {EU: same, US: same, RETURNS: same})
    assert (result.counts["loaded"], result.counts["duplicate"]) == (4, 2)
    totals = Ledger(ProjectStore(engine, project)).slice_totals("run-1")
    assert totals[EU]["loaded"] + totals[US]["loaded"] == 2
    assert totals[RETURNS]["loaded"] == 2, "another stream's dataset has keys of its own"


def test_the_audit_trail_names_slices_where_they_are_not_plain(engine, project, tmp_path):
    plan = sliced_plan(project, SLICES)
    load_slices(engine, plan, tmp_path, BODIES, {US})
    load_slices(engine, plan, tmp_path, BODIES)
    chains = AttemptChains(ProjectStore(engine, project))

    def said(attempt, kind):
        entries = chains.of_attempt("run-1", attempt)
        return [entry.event["data"] for entry in entries if entry.event["type"] == kind]

    (failed,) = said(1, "connector.run.failed")
    assert failed["slices"][0] == {
        "stream": "sales", "slice": US.key, "pages": 2, "reason": "UpstreamUnavailable",
    }  # fmt: skip
    assert {one["reason"] for one in failed["slices"][1:]} == {"Succeeded"}
    sales, returns = [one for one in said(2, "dataset.updated") if "stream" in one]
    assert (sales["stream"], sales["read"]) == ("sales", 7)
    assert {one["slice"]: one["read"] for one in sales["slices"]} == {
        EU.key: 3, US.key: 3, NEXT.key: 1,
    }  # fmt: skip
    assert (returns["dataset"], returns["slices"][0]["slice"]) == ("returns-events", "")
    assert [one["stream"] for one in said(2, "normalizer.run.succeeded")] == ["sales", "returns"]


def test_an_event_names_a_hundred_slices_and_counts_the_others(engine, project, tmp_path):
    slices = [slice_of("sales", {"n": f"{number:03}"}) for number in range(102)]
    plan = replace(sliced_plan(project, slices), analytics=())
    load_slices(engine, plan, tmp_path, {slice_: [page([])] for slice_ in slices})
    entries = AttemptChains(ProjectStore(engine, project)).of_attempt("run-1", 1)
    (data,) = [one.event["data"] for one in entries if one.event["type"] == "dataset.updated"]
    assert (len(data["slices"]), data["slicesLeftOut"]) == (100, 2)


def test_a_metric_counts_the_records_of_each_dataset(engine, project, tmp_path):
    plan = sliced_plan(project, SLICES)
    result = load_slices(engine, plan, tmp_path, BODIES)
    path = tmp_path / "metrics.prom"
    write_metrics(run_metrics(result, plan, "flow", 1.0, FROZEN_AT), path)
    loaded = {
        sample.labels["dataset"]: sample.value
        for family in text_string_to_metric_families(path.read_text(encoding="utf-8"))
        for sample in family.samples
        if sample.name == "chartly_records_total" and sample.labels["outcome"] == "loaded"
    }
    assert loaded == {"sales-events": 5, "returns-events": 2}


def test_what_streams_hold_back_together_is_no_more_than_one_may(
    engine, project, tmp_path, monkeypatch
):
    """Rows that are scattered over partitions wait for more, and memory has an end."""
    monkeypatch.setattr("chartly_loader.page_intake.BATCH_ROWS", 1)
    monkeypatch.setattr("chartly_loader.page_intake.LARGEST_ROWS", 2)
    committed = []
    commit = Ledger.commit
    monkeypatch.setattr(
        Ledger, "commit", lambda own, pages: (committed.append(len(pages)), commit(own, pages))
    )
    plan = replace(sliced_plan(project, [EU, RETURNS]), analytics=())
    many = [page([sale(f"k{number}")]) for number in range(4)]
    result = load_slices(engine, plan, tmp_path, {EU: many, RETURNS: many})
    assert (result.reason, result.counts["loaded"]) == (Reason.SUCCEEDED, 8)
    assert max(committed) <= 3


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            lambda end: replace(end, slices=(replace(end.slices[0], pages=1), *end.slices[1:])),
            f"the connector wrote 1 pages of {named(EU)} and 2 came",
        ),
        (
            lambda end: replace(end, slices=end.slices[1:]),
            f"the connector says that it succeeded, and of {named(EU)} it says nothing",
        ),
        (
            lambda end: replace(
                end, slices=(SliceEnd(EU, 2, Reason.LIMIT_REACHED, ""), *end.slices[1:])
            ),
            (
                f"the connector says that it succeeded, and of {named(EU)} it says that it ended "
                "with LimitReached"
            ),
        ),
    ],
)
def test_the_connectors_end_is_held_against_each_slice(engine, project, tmp_path, change, says):
    plan = sliced_plan(project, SLICES)
    end = spool_slices(tmp_path / "spool", state_of(engine, plan), BODIES)
    (tmp_path / "spool" / END).write_bytes(dump_end(change(end)))
    result = load(request(plan, tmp_path / "spool"), engine, nothing, clock)
    assert (result.reason, result.message) == (Reason.PEER_LOST, says)


def test_a_slice_whose_records_are_not_accounted_for_is_a_bug_although_the_run_adds_up():
    """INV-4."""
    zero = dict.fromkeys(("pages", "bytes", "read", *PARTS), 0)
    slices = {EU: {**zero, "read": 2, "loaded": 1}, US: {**zero, "read": 1, "loaded": 2}}
    with pytest.raises(Bug, match="not all accounted for") as caught:
        check_sums(slices)
    assert caught.value.message.startswith(f"{named(EU)}: ")
    check_sums({EU: {**zero, "read": 1, "late": 1}})


def test_a_run_of_one_plain_slice_says_nothing_of_slices(engine, project, tmp_path):
    """No digest of a chain moves because there are slices."""
    plan = sliced_plan(project, [Slice("sales")])
    load_slices(engine, plan, tmp_path, {Slice("sales"): [page([sale("a")])]})
    entries = AttemptChains(ProjectStore(engine, project)).of_attempt("run-1", 1)
    assert all("slice" not in json.dumps(entry.event) for entry in entries)
    (updated, *_) = [one.event["data"] for one in entries if one.event["type"] == "dataset.updated"]
    assert "stream" not in updated
