"""Loaders as processes: stopped, killed, woken too late, and side by side."""

import os
import signal

import pytest

from chartly.evidence.hash_chain import verify
from chartly_spool.spool_writer import SpoolWriter
from chartly_store.attempts import Attempts
from chartly_store.audit_chains import AttemptChains
from chartly_store.project_store import ProjectStore
from support.loader_place import LOADER_USER, Place, exact, recorded, running, snapshot
from support.loading import page, sale, segment_meta, spool_pages
from support.profiles import HOME
from support.spooling import ended
from support.two_pages import EVENTS, PAGES


@pytest.fixture
def engine(served):
    return served


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_loader_that_is_told_to_stop_records_it(place, engine, number):
    """While it waits for a page: what is committed stays, and the attempt says Terminated."""
    with (
        SpoolWriter(place.spool) as writer,
        running("chartly_loader", place.arguments()) as process,
    ):
        writer.wait_for_state(30)
        writer.write(segment_meta(0, PAGES[0], last=False), PAGES[0])
        while (place.spool / "00000000.json").exists():
            assert process.poll() is None
        os.kill(process.pid, number)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 143
    assert (place.told["reason"], place.told["message"]) == ("Terminated", "the loader was told to stop")  # fmt: skip
    assert place.told["counts"]["pages"] == 1
    assert recorded(engine, place) == [(1, "finished", "Terminated")]
    assert "trace" not in err
    place.without_secret(err)
    again = place.next()
    spool_pages(again.spool, PAGES, first=1)
    with running("chartly_loader", again.arguments()) as process:
        process.communicate(timeout=30)
    assert process.returncode == 0
    exact(engine, again)


def test_a_loader_is_told_to_stop_while_the_store_makes_it_wait(place, server, engine):
    spool_pages(place.spool, PAGES)
    before = server.state["hit"]
    server.fault("delay", "DESCRIBE", seconds=60)
    with running("chartly_loader", place.arguments()) as process:
        while server.state["hit"] == before:
            assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)
    assert process.returncode == 143
    assert recorded(engine, place) == [(1, "finished", "Terminated")]


def test_a_loader_that_was_killed_is_gone_on_with(place, server, engine):
    """INV-4: SIGKILL with rows in the store that no ledger has."""
    spool_pages(place.spool, PAGES)
    before = server.state["hit"]
    server.fault("delay", "INSERT INTO .*__ledger", seconds=60)
    with running("chartly_loader", place.arguments()) as process:
        while server.state["hit"] == before:
            assert process.poll() is None
        process.kill()
        process.communicate(timeout=20)
    assert recorded(engine, place) == [(1, "started", "")]
    again = place.next()
    spool_pages(again.spool, PAGES)
    with running("chartly_loader", again.arguments()) as process:
        process.communicate(timeout=30)
    assert process.returncode == 0
    exact(engine, again)


def test_a_loader_that_wakes_up_after_its_successor_writes_nothing(place, engine):
    """INV-4: SIGSTOP stands for a node that nobody could reach for a while."""
    with SpoolWriter(place.spool) as writer, running("chartly_loader", place.arguments()) as old:
        writer.wait_for_state(30)
        old.send_signal(signal.SIGSTOP)
        stale = page([sale("a", "999"), sale("zombie")])
        writer.write(segment_meta(0, stale, last=True), stale)
        writer.end(ended(1))
        again = place.next()
        spool_pages(again.spool, PAGES)
        with running("chartly_loader", again.arguments()) as process:
            process.communicate(timeout=30)
        assert process.returncode == 0
        old.send_signal(signal.SIGCONT)
        old.communicate(timeout=30)
    assert old.returncode == 143
    assert place.told["message"] == f"attempt 1 of run '{place.run}' is over: attempt 2 has begun"
    exact(engine, again)


def test_a_run_that_wakes_up_after_the_next_turn_writes_nothing(place, server, engine):
    """INV-4: its Pod lives on after its cancel, and the next run of the workflow has begun."""
    other = Place(place.path / "next", server, LOADER_USER, run="sales-8x2k1.0a1b2c3d")
    with (
        SpoolWriter(place.spool) as writer,
        running("chartly_loader", place.arguments("--epoch", "5")) as old,
    ):
        writer.wait_for_state(30)
        old.send_signal(signal.SIGSTOP)
        stale = page([sale("a", "999"), sale("zombie")])
        writer.write(segment_meta(0, stale, last=True), stale)
        writer.end(ended(1))
        spool_pages(other.spool, PAGES)
        with running("chartly_loader", other.arguments("--epoch", "6")) as process:
            process.communicate(timeout=30)
        assert process.returncode == 0
        old.send_signal(signal.SIGCONT)
        old.communicate(timeout=30)
    assert old.returncode == 143
    assert place.told["message"] == (
        f"run '{place.run}' is over: its turn has epoch 5, and a run of epoch 6 has begun to "
        f"write its datasets"
    )
    exact(engine, other)


OTHER = {
    "storage": {"spec.dataset": "other-events"},
    "analytics": {"spec.inputs.dataset": "other-events", "spec.outputs.dataset": "other-rollup"},
}


@pytest.mark.parametrize("turn", range(2))
def test_two_workflows_of_a_new_project_load_side_by_side(place, server, engine, turn):
    """Tables are made, places given and datasets claimed by both at once."""
    other = Place(place.path / "other", server, LOADER_USER, snapshot(OTHER), "other-onboard", "other-1.0a1b2c3d")  # fmt: skip
    for match in ("INSERT INTO .*__attempts", "CREATE VIEW .*__claim", "INSERT INTO .*__datasets"):
        server.fault("delay", match, times=2, seconds=0.2 + 0.1 * turn)
    both = (place, other)
    for one in both:
        spool_pages(one.spool, PAGES)
    with (
        running("chartly_loader", place.arguments()) as first,
        running("chartly_loader", other.arguments()) as second,
    ):
        errs = [process.communicate(timeout=50)[1] for process in (first, second)]
    assert (first.returncode, second.returncode) == (0, 0), errs
    exact(engine, place)
    view = ProjectStore(engine, HOME).view("other-events")
    assert engine.rows(f"SELECT event_id, amount FROM {view} ORDER BY 1") == EVENTS
    fingerprints = {one.told["outputs"][0]["fingerprint"] for one in both}
    assert len(fingerprints) == 1
    found = [Attempts(ProjectStore(engine, HOME)).of_run(one.run) for one in both]
    assert len({one.ordinal for [one] in found}) == 2
    for one in both:
        entries = AttemptChains(ProjectStore(engine, HOME)).of_attempt(one.run, 1)
        assert verify(entries).fault is None


def test_two_workflows_that_want_one_dataset_at_once(place, server, engine):
    """One gets it; the other is told by whom."""
    other = Place(place.path / "other", server, LOADER_USER, workflow="other", run="other-1.0a1b2c3d")  # fmt: skip
    server.fault("delay", "INSERT INTO .*__datasets", times=2, seconds=0.5)
    for one in (place, other):
        spool_pages(one.spool, PAGES)
    with (
        running("chartly_loader", place.arguments()) as first,
        running("chartly_loader", other.arguments()) as second,
    ):
        for process in (first, second):
            process.communicate(timeout=50)
    assert sorted((first.returncode, second.returncode)) == [0, 3]
    won, lost = (place, other) if first.returncode == 0 else (other, place)
    assert lost.told["reason"] == "DatasetInUse"
    assert f"is written by workflow '{won.workflow}'" in lost.told["message"]
    exact(engine, won)
