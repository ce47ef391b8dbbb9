"""The loader's process against a server: arguments in; exit code, store, log, termination out."""

import json
import logging
import os
import signal
import threading
from dataclasses import replace

import pytest

from chartly.errors import REASONS, Reason
from chartly.evidence.hash_chain import verify
from chartly_loader import __main__ as entry
from chartly_loader.load_request import EVIDENCE, Progress
from chartly_loader.stop_signals import StopSignals
from chartly_spool.file_lock import Peer, peer
from chartly_spool.segment import STATE
from chartly_spool.spool_side import Side
from chartly_spool.spool_writer import SpoolWriter
from chartly_store.access import read_access
from chartly_store.audit_chains import AttemptChains
from chartly_store.project_store import ProjectStore
from chartly_store.server import Patience, ServerEngine
from support.loader_place import LOADER_USER, exact, lines, recorded
from support.loading import spool_pages
from support.profiles import HOME
from support.spooling import MAIN, ended
from support.two_pages import PAGES


@pytest.fixture
def engine(served):
    return served


@pytest.fixture
def place(place, monkeypatch):
    """Nobody waits there."""
    hasty = Patience(sleep=lambda _: None, attempts=2)
    monkeypatch.setattr(
        entry, "open_server", lambda folder: ServerEngine(read_access(folder), hasty)
    )
    return place


@pytest.fixture(autouse=True)
def loggers():
    """Loggers as they were, whatever ``main`` did to them."""
    names = ("chartly_loader", "chartly_store", "clickhouse_connect")
    before = [
        (one, one.handlers, one.propagate, one.level) for one in map(logging.getLogger, names)
    ]
    yield
    for one, handlers, propagate, level in before:
        one.handlers, one.propagate = handlers, propagate
        one.setLevel(level)


def called(place, capsys, *more):
    """The exit code of a call in this process, and its log."""
    before = signal.getsignal(signal.SIGTERM)
    code = entry.main(place.arguments(*more))
    assert signal.getsignal(signal.SIGTERM) is before
    err = capsys.readouterr().err
    place.without_secret(err)
    assert place.told["reason"] in (reason.value for reason in Reason)
    assert code == REASONS[Reason(place.told["reason"])].exit_code
    return code, lines(err)


def test_a_run_that_succeeds(place, engine, capsys):
    spool_pages(place.spool, PAGES)
    code, log = called(place, capsys)
    told = place.told
    assert (code, told["message"], told["audited"], told["recorded"]) == (0, "", True, False)
    exact(engine, place)
    [output] = told["outputs"]
    assert (output["dataset"], output["windows"], output["rows"]) == ("sales-rollup-daily", 2, 2)
    assert told["counters"]["requests"] == 2
    assert told["seconds"].keys() == {"load", "settle", "analytics"}
    assert recorded(engine, place) == [(1, "finished", "Succeeded")]
    assert {one["level"] for one in log} == {"info"}
    assert log[-1]["message"] == "Succeeded: everything is stored"
    assert peer(Side.LOADER.lock_file(place.spool)) is Peer.GONE


def test_the_loader_writes_its_own_chain_and_reports_its_head(place, engine, capsys):
    """INV-9: the project's chain is its leader's; this user could not reach it."""
    spool_pages(place.spool, PAGES)
    called(place, capsys)
    entries = AttemptChains(ProjectStore(engine, HOME)).of_attempt(place.run, 1)
    verdict = verify(entries)
    assert verdict.fault is None
    assert place.told["auditHead"] == f"{verdict.count}:{verdict.head}"
    started = next(one.event for one in entries if one.event["type"] == "workflow.run.started")
    assert started["data"]["configDigest"] == place.frozen.digest
    found = engine.rows("SELECT count() FROM system.databases WHERE name = 'chartly_system'")
    assert found == [(0,)]


def test_a_window_is_computed_instead_of_what_was_touched(place, engine, capsys):
    spool_pages(place.spool, PAGES)
    called(place, capsys, "--window", "2026-02-03T00:00:00+00:00", "2026-02-04T00:00:00Z")
    assert place.told["outputs"][0]["windows"] == 1
    view = ProjectStore(engine, HOME).view("sales-rollup-daily")
    assert engine.rows(f"SELECT orders FROM {view}") == [(1,)]


def test_inv_3_a_tampered_snapshot_is_told_before_anything_else_is_touched(place, server, capsys):
    """Not even the Secret is read; and the connector, which waits, learns it by the lock."""
    place.snapshot.write_bytes(place.frozen.content + b" ")
    (place.secret / "password").unlink()
    before = server.state["served"]
    code, log = called(place, capsys)
    assert (code, place.told["reason"]) == (6, "SnapshotTampered")
    assert "the frozen inputs have digest" in place.told["message"]
    assert log[-1]["level"] == "error"
    assert server.state["served"] == before
    assert not (place.spool / STATE).exists()
    assert peer(Side.LOADER.lock_file(place.spool)) is Peer.GONE


@pytest.mark.parametrize(
    ("spoil", "reason", "says"),
    [
        (lambda place: (place.secret / "password").unlink(), Reason.SECRET_MISSING, "secret 'chartly-store' key 'password': "),
        (lambda place: (place.secret / "password").write_text("wrong"), Reason.STORE_UNAVAILABLE, "the store refused: Code: 516."),
        (lambda place: place.server.shut(), Reason.STORE_UNAVAILABLE, ": connection refused"),
        (lambda place: place.snapshot.unlink(), Reason.CONFIG_INVALID, "snapshot.json: No such file or directory"),
        (lambda place: place.server.fault("drop-before", "__ledger", times=99), Reason.STORE_UNAVAILABLE, "the connection was lost"),
    ],
    ids=["no password", "wrong password", "no server", "no snapshot", "no server during the load"],
)  # fmt: skip
def test_each_failure_is_one_sentence_and_its_exit_code(place, capsys, spoil, reason, says):
    """INV-10, and the connector is told by the lock."""
    spoil(place)
    code, log = called(place, capsys)
    assert (code, place.told["reason"]) == (REASONS[reason].exit_code, reason.value)
    assert says in place.told["message"]
    assert log[-1]["message"] == f"{reason}: {place.told['message']}"
    assert set(place.told["counts"].values()) == {0}
    assert peer(Side.LOADER.lock_file(place.spool)) is Peer.GONE


def test_a_run_that_fails_is_recorded_and_told(place, engine, capsys):
    spool_pages(place.spool, PAGES, end=ended(2, Reason.AUTH_REJECTED, "status 401"))
    code, _ = called(place, capsys)
    assert (code, place.told["message"]) == (5, "status 401")
    assert place.told["counts"]["loaded"] == 3
    assert recorded(engine, place) == [(1, "finished", "AuthRejected")]


def test_a_bug_is_one_sentence_and_its_trace_is_in_the_log_alone(place, capsys, monkeypatch):
    def broken(*_):
        raise ZeroDivisionError(f"over {LOADER_USER.password}")

    monkeypatch.setattr(entry, "load", broken)
    code, log = called(place, capsys)
    assert (code, place.told["reason"]) == (70, "InternalError")
    assert place.told["message"] == "the loader met ZeroDivisionError; its log has the details"
    [trace] = [one["trace"] for one in log if "trace" in one]
    assert "ZeroDivisionError: over ***" in trace
    assert peer(Side.LOADER.lock_file(place.spool)) is Peer.GONE


def test_a_termination_log_that_cannot_be_written_hides_nothing(place, capsys):
    spool_pages(place.spool, PAGES)
    arguments = place.arguments("--termination-log", str(place.path / "none" / "log"))
    assert entry.main(arguments) == 0
    log = lines(capsys.readouterr().err)
    assert log[-1]["level"] == "warning"
    assert "none/log: No such file or directory" in log[-1]["message"]


def test_a_termination_message_is_optional(place, capsys):
    spool_pages(place.spool, PAGES)
    arguments = place.arguments()
    at = arguments.index("--termination-log")
    assert entry.main(arguments[:at] + arguments[at + 2 :]) == 0
    assert not (place.path / "termination-1").exists()


@pytest.mark.parametrize(
    ("argument", "says"),
    [
        (("--frozen-at", "2026-02-10T06:00:00"), "invalid instant value: '2026-02-10T06:00:00'"),
        (("--frozen-at", "soon"), "invalid instant value: 'soon'"),
        (("--window", "2026-02-10T06:00:00Z"), "expected 2 arguments"),
        (("--attempt", "first"), "invalid int value: 'first'"),
        (("--what",), "unrecognized arguments: --what"),
    ],
)
def test_arguments_that_are_none(place, capsys, argument, says):
    with pytest.raises(SystemExit) as caught:
        entry.main(place.arguments(*argument))
    assert caught.value.code == 2
    assert says in capsys.readouterr().err


def connecting(spool, seen):
    """A connector that pulls nothing where nothing is left."""
    with SpoolWriter(spool) as writer:
        seen.append(writer.wait_for_state(20).slices[MAIN].complete)
        writer.end(ended(0))


def test_a_run_that_is_recorded_as_succeeded_is_told_again_and_not_done_again(
    place, server, engine, capsys
):
    """The termination message of the first attempt was lost; its record decides."""
    spool_pages(place.spool, PAGES)
    called(place, capsys)
    again = place.next()
    before = server.state["served"]
    seen = []
    connector = threading.Thread(target=connecting, args=(again.spool, seen))
    connector.start()
    code, _ = called(again, capsys)
    connector.join()
    assert (code, seen) == (0, [True])
    assert again.told == {**place.told, "recorded": True}
    said = server.state["statements"][before - server.state["served"] :]
    assert [one for one in said if one.startswith(("INSERT", "ALTER", "CREATE OR"))] == []
    assert recorded(engine, again) == [(1, "finished", "Succeeded")]
    exact(engine, again)


def test_a_recorded_run_is_told_also_where_no_connector_comes(place, capsys):
    spool_pages(place.spool, PAGES)
    called(place, capsys)
    code, _ = called(place.next(), capsys, "--peer-grace", "0.1")
    assert (code, place.next().told["recorded"]) == (0, True)


def test_a_failed_run_is_gone_on_with(place, engine, capsys):
    end = ended(1, Reason.UPSTREAM_UNAVAILABLE, "status 500")
    spool_pages(place.spool, PAGES[:1], end=end, cut=True)
    assert called(place, capsys)[0] == 10
    again = place.next()
    spool_pages(again.spool, PAGES, first=1)
    assert called(again, capsys)[0] == 0
    assert json.loads((again.spool / STATE).read_text())["next_number"] == 1
    exact(engine, again)
    assert recorded(engine, again) == [(2, "finished", "Succeeded"), (1, "finished", "UpstreamUnavailable")]  # fmt: skip


def test_an_attempt_that_has_begun_before_is_not_begun_again(place, engine, capsys):
    """The fence: whoever comes late with an old number writes nothing."""
    spool_pages(place.spool, PAGES, end=ended(2, Reason.AUTH_REJECTED))
    called(place, capsys)
    late = replace(place, path=place.path / "late")
    spool_pages(late.spool, PAGES)
    code, _ = called(late, capsys)
    assert (code, late.told["reason"]) == (143, "Terminated")
    assert (
        late.told["message"]
        == f"attempt 1 of run '{place.run}' is over: attempt 1 has begun before"
    )
    assert recorded(engine, place) == [(1, "finished", "AuthRejected")]


def test_a_signal_whose_error_got_lost_is_found_at_the_next_step():
    with StopSignals() as stop:
        stop.check()
        with pytest.raises(Exception, match="told to stop"):
            os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(Exception, match="told to stop"):
            stop.check()
        stop.ignore()
        stop.check()


def test_a_signal_does_not_cut_off_the_record(place, engine, capsys, monkeypatch):
    real = entry.load

    def load(request, store, on_progress, now):
        def told(done: Progress):
            on_progress(done)
            if done.stage == EVIDENCE:
                os.kill(os.getpid(), signal.SIGTERM)

        return real(request, store, told, now)

    monkeypatch.setattr(entry, "load", load)
    spool_pages(place.spool, PAGES)
    assert called(place, capsys)[0] == 0
    assert recorded(engine, place) == [(1, "finished", "Succeeded")]
