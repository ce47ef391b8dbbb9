"""A loader that is stopped, given up for dead, replaced, and then wakes up."""

import signal

import pytest

from chartly.load.sql import qualified
from chartly_store.attempts import Attempts
from chartly_store.project_store import ProjectStore
from faults.harness import connecting, outcome, spawn, stopped
from faults.mortal import Moment
from faults.oracle import bodies_of, some_pages
from faults.points import PAUSES
from faults.scale import FULL, chance
from faults.served import Course, Store
from faults.tally import TALLY

PAGES = 12
READ = {
    "sales_events": "SELECT * FROM {} ORDER BY event_id, occurred_at",
    "sales_rollup_daily": "SELECT * FROM {} ORDER BY ALL",
    "sales_events__rejected": "SELECT * FROM {} FINAL ORDER BY run_id, raw_ref",
    "__ledger": "SELECT * FROM {} FINAL ORDER BY run_id, segment",
    "__published": "SELECT * FROM {} FINAL ORDER BY dataset, window_start",
}


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    found = Store(tmp_path_factory.mktemp("clickhouse"))
    yield found
    found.close()


def everything(store, course):
    """All that anybody reads, and how the last attempt of the run is recorded."""
    with store.engine(lambda _: None) as engine:
        tables = ProjectStore(engine, course.project)
        rows = {
            name: engine.rows(sql.format(qualified(tables.database, name)))
            for name, sql in READ.items()
        }
        last = max(Attempts(tables).of_run(course.run_id), key=lambda one: one.attempt)
    return rows, last


def woken(course, folder, pages, moment):
    """What an attempt says that was stopped, replaced by one that ended, and continued."""
    store = course.store
    spool = folder / "paused"
    spool.mkdir()
    secret = store.server.secret(folder / "secret")
    course.number += 1
    asked = (secret, spool, course.run_id, course.number, "--server", "--project", course.project)
    words = ("--plan", course.plan_name, "--moment", *moment.words)
    process = spawn(*asked, *words)
    with connecting(spool, bodies_of(pages)):
        try:
            assert stopped(process), process.communicate()
            TALLY.stops += 1
            course.finish(pages)
            before = everything(store, course)
            process.send_signal(signal.SIGCONT)
            said = outcome(process, TALLY)
        finally:
            process.kill()
    assert everything(store, course) == before
    course.check(pages)
    return said


@pytest.mark.parametrize("pause", PAUSES if FULL else PAUSES[::2], ids=lambda one: one.name)
def test_a_loader_that_was_replaced_changes_nothing(store, tmp_path, pause):
    """INV-4 and INV-2: the later attempt has finished, and stays the one that did."""
    course = Course(store, tmp_path)
    pages = some_pages(chance("stops"), PAGES, keys=20)
    course.oracle.expect(pages)
    said = woken(course, tmp_path, pages, Moment("stop", *pause.moment))
    assert said["reason"] == pause.outcome, said


@pytest.mark.parametrize("match", ["^EXCHANGE TABLES", "^INSERT INTO .*__rebuild"])
def test_a_rebuild_that_was_replaced_changes_nothing(store, tmp_path, match):
    """INV-4: what it would put in the table's place is gone, or is the later attempt's."""
    course = Course(store, tmp_path)
    pages = some_pages(chance("stops"), PAGES, keys=20)
    course.oracle.expect(pages)
    course.finish(pages)
    course.run_id, course.plan_name, course.number = "run-2", "monthly", 0
    course.oracle.expect(pages)
    said = woken(course, tmp_path, pages, Moment("stop", match, 1, "before"))
    assert said["reason"] in ("StoreUnavailable", "Terminated"), said
