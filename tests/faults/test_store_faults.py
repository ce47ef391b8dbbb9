"""A server that fails at one statement of a run: what the run says of it, and what is stored."""

from unittest.mock import ANY

import pytest

from chartly.errors import Reason
from faults.oracle import Sale, some_pages
from faults.points import OF_INSERTS, STATEMENTS, STORE_FAULTS, Statement
from faults.scale import FULL, chance
from faults.served import Course, Store
from faults.tally import TALLY

PAGES = 6
MOST = ("insert events", "insert into the ledger", "publish")
DEADLY = {
    "die-before": ("insert events",),
    "die-within": ("insert events", "insert an output", "publish"),
    "die-after": ("insert into the ledger",),
}
"""Where the server dies in the quick form: each time it has to be started again."""


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    found = Store(tmp_path_factory.mktemp("clickhouse"))
    yield found
    found.close()


@pytest.fixture
def course(store, tmp_path, monkeypatch):
    monkeypatch.setattr("chartly_loader.page_intake.BATCH_ROWS", 4)
    monkeypatch.setattr("chartly_loader.load_batch.ROWS_A_PART", 1)
    yield Course(store, tmp_path)
    store.come_back()
    store.server.clear()
    store.server.release()


@pytest.fixture
def pages():
    return some_pages(chance("store faults"), PAGES, keys=12)


def armed(store, kind, statement, times=1):
    def arm():
        TALLY.faults += 1
        more = {"skip": statement.skip, "times": times, "seconds": 0.002}
        store.server.fault(kind, f"(?s){statement.match}", **more)

    return arm


def cases():
    """All of them, or those that a fault has most to spoil at, and one for each other one."""
    for place, statement in enumerate(STATEMENTS):
        for number, kind in enumerate(STORE_FAULTS):
            if kind in OF_INSERTS and not statement.match.startswith("^INSERT"):
                continue
            slow = kind.startswith("die") and statement.name not in DEADLY.get(kind, ())
            first = statement.name in MOST or number == place % len(STORE_FAULTS)
            if FULL or (first and not slow):
                name = f"{kind}-{statement.name}".replace(" ", "-")
                yield pytest.param(kind, statement, id=name)


@pytest.mark.parametrize(("kind", "statement"), list(cases()))
def test_one_fault_at_one_statement(store, course, pages, kind, statement):
    """INV-4: whether it was done before the fault is not known, and does not matter."""
    course.oracle.expect(pages)
    if statement.name == "sweep":
        # Only a run that finds the output of another has something to sweep.
        course.finish(pages)
        course.run_id = "run-2"
        course.oracle.expect(pages)
    reason, message = course.attempt(pages, armed(store, kind, statement))
    if STORE_FAULTS[kind] == "sent again":
        assert reason is Reason.SUCCEEDED, message
        course.check(pages)
        return
    assert (reason, message) == (Reason.STORE_UNAVAILABLE, ANY), message
    course.finish(pages)
    # What nobody waited for is done now, after the next attempt has ended.
    store.server.release()
    course.check(pages)


@pytest.mark.parametrize("statement", STATEMENTS[:: 1 if FULL else 4], ids=lambda one: one.name)
def test_a_store_that_stays_away_ends_the_attempt(store, course, pages, statement):
    """INV-4 in the next one."""
    course.oracle.expect(pages)
    course.attempt(pages, armed(store, "refuse", statement), patient=False)
    course.finish(pages)


def test_what_lands_late_under_an_older_time_does_not_come_back(store, course, monkeypatch):
    """INV-4: the next attempt has cut its commits elsewhere, and never wrote the event's old time."""
    pages = [[Sale("k", 1, 100, 0.1)], [Sale("k", 2, 200, 0.2)]]
    course.oracle.expect(pages)
    monkeypatch.setattr("chartly_loader.page_intake.BATCH_ROWS", 1)
    monkeypatch.setattr("chartly_loader.load_batch.ROWS_A_PART", 1)
    held = Statement("insert events", "^INSERT INTO .*sales_events__data")
    course.attempt(pages, armed(store, "hold", held))
    monkeypatch.setattr("chartly_loader.page_intake.BATCH_ROWS", 100)
    monkeypatch.setattr("chartly_loader.load_batch.ROWS_A_PART", 1)
    course.finish(pages)
    store.server.release()
    course.check(pages)
