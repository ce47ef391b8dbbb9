from datetime import UTC, datetime

import pytest

from chartly.errors import Reason
from chartly.slices import PullState, Slice, SliceState, slice_of
from chartly_store.attempts import Attempt, Attempts
from chartly_store.ledger import CommittedPage, Ledger, summed
from chartly_store.project_store import ProjectStore
from support.spooling import MAIN

NOW = datetime(2026, 2, 10, 6, tzinfo=UTC)


@pytest.fixture
def store(engine, project):
    made = ProjectStore(engine, project)
    made.create()
    return made


def _page(segment, **changes):
    made = {
        "dataset": "sales",
        "run_id": "run-1",
        "stream": "main",
        "segment": segment,
        "page": segment,
        "attempt": 1,
        "ordinal": 1,
        "page_sha256": f"{segment:064}",
        "bytes": 100,
        "read": 5,
        "loaded": 1,
        "rejected": 1,
        "duplicate": 1,
        "filtered": 1,
        "late": 1,
        "position": f'{{"token": "{segment + 1}"}}',
        "token_hash": f"hash-{segment}",
        "committed_at": NOW,
    }
    return CommittedPage(**{**made, **changes})


def test_a_run_without_pages_starts_at_the_beginning(store):
    assert Ledger(store).resume("run-1", [MAIN]) == PullState({MAIN: SliceState()}, 0)
    assert set(Ledger(store).totals("run-1").values()) == {0}


def test_a_run_goes_on_after_its_last_page(store):
    ledger = Ledger(store)
    ledger.commit([_page(0), _page(1)])
    ledger.commit([_page(7, run_id="run-2"), _page(9, stream="other")])
    state = ledger.resume("run-1", [MAIN])
    assert state.slices == {MAIN: SliceState(2, {"token": "2"}, ("hash-0", "hash-1"))}
    assert state.next_number == 10, "numbers are the run's, over all slices"


def test_after_the_last_page_nothing_is_left(store):
    ledger = Ledger(store)
    ledger.commit([_page(0, position="null")])
    assert ledger.resume("run-1", [MAIN]).slices == {
        MAIN: SliceState(1, None, ("hash-0",), complete=True)
    }


def test_a_page_that_is_entered_again_counts_once(store):
    """INV-4."""
    ledger = Ledger(store)
    ledger.commit([_page(0), _page(1)])
    ledger.commit([_page(0, ordinal=2, loaded=2, duplicate=0)])
    totals = ledger.totals("run-1")
    assert totals == {
        "pages": 2, "bytes": 200, "read": 10, "loaded": 3,
        "rejected": 2, "duplicate": 1, "filtered": 2, "late": 2,
    }  # fmt: skip


EU, US = (slice_of("main", {"site": site}) for site in ("eu", "us"))


def test_each_slice_goes_on_after_its_own_last_page(store):
    ledger = Ledger(store)
    ledger.commit(
        [
            _page(0, slice=EU.key, page=0),
            _page(1, slice=US.key, page=0, position="null"),
            _page(2, slice=EU.key, page=1),
            _page(3, stream="other", page=0),
        ]
    )
    other = Slice("other")
    assert ledger.resume("run-1", [EU, US, other, MAIN]) == PullState(
        {
            EU: SliceState(2, {"token": "3"}, ("hash-0", "hash-2")),
            US: SliceState(1, None, ("hash-1",), complete=True),
            other: SliceState(1, {"token": "4"}, ("hash-3",)),
            MAIN: SliceState(),
        },
        4,
    )


def test_a_page_behind_a_gap_is_pulled_again(store):
    """A process that was given up for dead may enter one late."""
    ledger = Ledger(store)
    ledger.commit([_page(0), _page(5, page=2)])
    state = ledger.resume("run-1", [MAIN])
    assert state == PullState({MAIN: SliceState(1, {"token": "1"}, ("hash-0",))}, 6)
    # Its own page 2 comes under another number of the run, and is the same page.
    ledger.commit([_page(6, page=1, ordinal=2), _page(7, page=2, ordinal=2, loaded=0, duplicate=2)])
    totals = ledger.totals("run-1")
    assert (totals["pages"], totals["read"], totals["loaded"], totals["duplicate"]) == (3, 15, 2, 4)
    assert [row[3] for row in ledger.pages("run-1")] == [0, 1, 2]


def test_inv_4_counts_are_kept_by_slice(store):
    ledger = Ledger(store)
    ledger.commit([_page(0, slice=EU.key, page=0), _page(1, page=0), _page(2, page=1)])
    totals = ledger.slice_totals("run-1")
    assert {of: (one["pages"], one["read"]) for of, one in totals.items()} == {
        MAIN: (2, 10), EU: (1, 5),
    }  # fmt: skip
    assert summed(totals.values()) == ledger.totals("run-1")
    assert ledger.slice_totals("run-2") == {}


def _attempt(number, run="run-1"):
    return Attempt(run, number, 0, "flow", "1.0.0", "sha256:x", NOW)


def test_attempts_are_numbered_over_the_whole_project(store):
    attempts = Attempts(store)
    begun = [attempts.begin(_attempt(1), NOW), attempts.begin(_attempt(1, "run-2"), NOW)]
    begun.append(attempts.begin(_attempt(2), NOW))
    assert [one.ordinal for one in begun] == [1, 2, 3]
    assert [one.attempt for one in attempts.of_run("run-1")] == [2, 1]
    assert [one.ordinal for one in attempts.of_workflow("flow")] == [3, 2, 1]
    assert attempts.of_workflow("other") == []


def test_an_attempt_is_started_until_it_says_how_it_ended(store):
    attempts = Attempts(store)
    begun = attempts.begin(_attempt(1), NOW)
    assert attempts.of_run("run-1")[0] == begun
    assert begun.state == "started"
    attempts.finish(begun, Reason.AUTH_REJECTED, "the API said 401", '{"a": 1}', "1:h", NOW)
    (ended,) = attempts.of_run("run-1")
    assert (ended.state, ended.reason, ended.message) == (
        "finished",
        "AuthRejected",
        "the API said 401",
    )
    assert (ended.outcome, ended.audit_head, ended.ordinal) == ({"a": 1}, "1:h", begun.ordinal)
    attempts.finish(begun, Reason.AUTH_REJECTED, "the API said 401", '{"a": 1}', "1:h", NOW)
    assert len(attempts.of_run("run-1")) == 1
