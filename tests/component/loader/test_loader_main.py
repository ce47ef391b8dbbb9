"""The loader's process against a server: arguments in; exit code, store, log, termination out."""

import json
import logging
import os
import signal
import threading
from contextlib import closing
from dataclasses import replace
from decimal import Decimal

import pytest

from chartly.errors import REASONS, Reason
from chartly.evidence.chain import verify
from chartly.names import database
from chartly_loader import __main__ as entry
from chartly_loader.request import EVIDENCE, Progress
from chartly_loader.stop import Stop
from chartly_spool.lock import LOADER, Peer, peer
from chartly_spool.segment import STATE
from chartly_spool.writer import SpoolWriter
from chartly_store.access import read_access
from chartly_store.attempts import Attempts
from chartly_store.chains import AttemptChains
from chartly_store.project import ProjectStore
from chartly_store.server import Patience, ServerEngine
from support.clickhouse_access import User
from support.clickhouse_process import clickhouse
from support.loader_place import Place, lines, running, snapshot
from support.loading import ended, page, sale, segment_meta, spool_pages
from support.profiles import HOME

HOME_DATABASE = database(HOME.tenant, HOME.project)
LOADER_USER = User("loader", "canary-loader-83aa", (HOME_DATABASE,))
PAGES = [
    page([sale("a", "1.10"), sale("b", "2.20", "2026-02-03T10:00:00Z")]),
    page([sale("a", "3.30"), sale("c", "4.40"), b'{"id": "bad"}']),
]
COUNTS = {
    "pages": 2,
    "read": 5,
    "loaded": 3,
    "rejected": 1,
    "duplicate": 1,
    "filtered": 0,
    "late": 0,
}
EVENTS = [("a", Decimal("3.3")), ("b", Decimal("2.2")), ("c", Decimal("4.4"))]
DAYS = [(1, Decimal("2.2")), (2, Decimal("7.7"))]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with clickhouse(tmp_path_factory.mktemp("clickhouse"), [LOADER_USER]) as found:
        yield found


@pytest.fixture
def place(server, tmp_path, monkeypatch):
    """A place in a project that has no database yet; nobody waits there."""
    hasty = Patience(sleep=lambda _: None, attempts=2)
    monkeypatch.setattr(
        entry, "open_server", lambda folder: ServerEngine(read_access(folder), hasty)
    )
    yield Place(tmp_path, server, LOADER_USER)
    server.open()
    server.clear()
    with server.client() as admin:
        admin.command(f"DROP DATABASE IF EXISTS {HOME_DATABASE} SYNC")


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


@pytest.fixture
def engine(server, tmp_path):
    with closing(ServerEngine(read_access(server.secret(tmp_path / "admin")), Patience())) as found:
        yield found


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


def exact(engine, place):
    """INV-4: every row once."""
    store = ProjectStore(engine, HOME)
    assert {name: place.told["counts"][name] for name in COUNTS} == COUNTS
    sql = f"SELECT event_id, amount FROM {store.view('sales-events')} ORDER BY 1"
    assert engine.rows(sql) == EVENTS
    sql = f"SELECT orders, total_amount FROM {store.view('sales-rollup-daily')} ORDER BY 1"
    assert engine.rows(sql) == DAYS


def recorded(engine, place):
    found = Attempts(ProjectStore(engine, HOME)).of_run(place.run)
    return [(one.attempt, one.state, one.reason) for one in found]


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
    assert peer(place.spool / LOADER) is Peer.GONE


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
    assert peer(place.spool / LOADER) is Peer.GONE


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
    assert peer(place.spool / LOADER) is Peer.GONE


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
    assert peer(place.spool / LOADER) is Peer.GONE


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
        seen.append(writer.wait_for_state(20).streams["main"].complete)
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
    spool_pages(place.spool, PAGES[:1], end=ended(1, Reason.UPSTREAM_UNAVAILABLE, "status 500"))
    meta = segment_meta(0, PAGES[0], last=False)
    (place.spool / "00000000.json").write_text(json.dumps(meta.__dict__))
    assert called(place, capsys)[0] == 10
    again = place.next()
    spool_pages(again.spool, PAGES, first=1)
    assert called(again, capsys)[0] == 0
    assert json.loads((again.spool / STATE).read_text())["streams"]["main"]["next_number"] == 1
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


def test_a_signal_whose_error_got_lost_is_found_at_the_next_step():
    with Stop() as stop:
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
