"""The adapter for a server, against one that fails as it is told to."""

import base64
import itertools
import logging
import re
import socket
import threading
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pyarrow as pa
import pytest
from clickhouse_connect.driver.exceptions import ProgrammingError

from chartly.api.reference import Project
from chartly.errors import Reason, RunError
from chartly.load.sql import qualified
from chartly.names import database
from chartly_loader.load import load
from chartly_store.access import read_access
from chartly_store.driver import settings_of
from chartly_store.ledger import Ledger
from chartly_store.project_store import ProjectStore
from chartly_store.server import Patience, ServerEngine, _Direct, open_server
from support.clickhouse_access import User
from support.clickhouse_process import clickhouse
from support.loading import attempts, clock, load_pages, nothing, request, sales_plan, spool_pages
from support.store_refusals import ATTEMPTS, LOADER, PASSWORD, patience, said
from support.two_pages import COUNTS, DAYS, EVENTS, PAGES, stored

NUMBERS = itertools.count()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with clickhouse(tmp_path_factory.mktemp("clickhouse"), [LOADER]) as running:
        yield running


@pytest.fixture
def access(server, tmp_path):
    found = read_access(server.secret(tmp_path / "secret", LOADER))
    yield found
    server.open()
    server.clear()


@pytest.fixture
def engine(access):
    """An engine that waits for nobody."""
    with closing(ServerEngine(access, patience())) as opened:
        yield opened


@pytest.fixture
def project():
    return Project("tenant-server", f"p-{next(NUMBERS)}")


def exact(engine, project, result):
    """INV-4: every row once, whatever went wrong on the way."""
    store = ProjectStore(engine, project)
    assert (result.reason, result.message, result.audited) == (Reason.SUCCEEDED, "", True)
    assert {name: result.counts[name] for name in COUNTS} == COUNTS
    totals = Ledger(store).totals("run-1")
    assert {name: totals[name] for name in COUNTS} == COUNTS
    assert stored(engine, project) == (EVENTS, DAYS)
    rejects = f"`{store.database}`.`sales_events__rejected`"
    assert engine.rows(f"SELECT count() FROM {rejects} FINAL") == [(1,)]


WORK = [
    "CREATE DATABASE", "CREATE TABLE .*__attempts", "CREATE TABLE .*sales_events__data", "CREATE VIEW .*__claim",
    "CREATE OR REPLACE VIEW", "SELECT max.ordinal", "FROM .*__ledger. FINAL", "DESCRIBE", "AS _window_start FROM",
    "INSERT INTO .*__attempts", "INSERT INTO .*__audit", "INSERT INTO .*sales_events__data", "INSERT INTO .*__rejected",
    "INSERT INTO .*__ledger", "INSERT INTO .*sales_rollup_daily__data", "INSERT INTO .*__published", "INSERT INTO .*__datasets",
]  # fmt: skip
LOSSES = ["drop-before", "drop-after", "unavailable", "truncate"]


@pytest.mark.parametrize("kind", LOSSES)
def test_work_that_is_sent_again_is_done_once(server, access, project, tmp_path, kind):
    """INV-4: every kind of statement loses its answer twice; the load does not notice."""
    for match in WORK:
        server.fault(kind, match, times=2)
    with closing(ServerEngine(access, patience(attempts=2 * ATTEMPTS))) as engine:
        result = load_pages(engine, sales_plan(project), tmp_path, PAGES)
        assert server.state["left"] == 0, "a fault never came"
        exact(engine, project, result)


REBUILD = [
    "CREATE TABLE .*__rebuild",
    "INSERT INTO .*__rebuild",
    "EXCHANGE",
    "DROP TABLE .*__rebuild",
]


@pytest.mark.parametrize("kind", LOSSES)
@pytest.mark.parametrize("match", REBUILD)
def test_rows_move_to_another_layout_once_whatever_is_lost(
    server, engine, project, tmp_path, kind, match
):
    """INV-4: also what is not idempotent of itself."""
    load_pages(engine, sales_plan(project), tmp_path, PAGES)
    server.fault(kind, match, times=1)
    changes = {
        "storage": {
            "spec.partitioning.granularity": "month",
            "spec.columns": {"amount": "Decimal(18,2)"},
        }
    }
    load_pages(engine, sales_plan(project, changes), tmp_path, PAGES, "run-2")
    assert server.state["left"] == 0, "the fault never came"
    store = ProjectStore(engine, project)
    assert store.columns("sales_events__data")["amount"] == "Decimal(18, 2)"
    assert store.columns("sales_events__data__rebuild") == {}
    found = engine.rows(f"SELECT event_id, amount FROM {store.view('sales-events')} ORDER BY 1")
    assert found == EVENTS


def test_inserts_travel_compressed(engine, project, monkeypatch):
    sent = []
    post = _Direct.urlopen

    def urlopen(pool, method, url, redirect=True, **kw):
        sent.append(len(kw["body"]))
        return post(pool, method, url, redirect, **kw)

    store = ProjectStore(engine, project)
    store.create()
    rows = pa.table({"dataset": ["the same, again and again"] * 10_000})
    monkeypatch.setattr(_Direct, "urlopen", urlopen)
    engine.insert(store.database, "__ledger", rows)
    assert sent[-1] < rows.nbytes / 3


@pytest.mark.parametrize(
    ("kind", "match"),
    [
        ("drop-after", "INSERT INTO .*sales_events__data"),
        ("drop-before", "INSERT INTO .*__ledger"),
        ("unavailable", "AS _window_start FROM"),
        ("drop-after", "INSERT INTO .*sales_rollup_daily__data"),
        ("truncate", "INSERT INTO .*__published"),
    ],
)
def test_a_server_that_stays_away_ends_the_attempt_and_the_next_one_is_exact(
    server, engine, project, tmp_path, kind, match
):
    """INV-4, after a run that StoreUnavailable ended."""
    server.fault(kind, match, times=99)
    first = load_pages(engine, sales_plan(project), tmp_path, PAGES)
    assert first.reason is Reason.STORE_UNAVAILABLE
    assert first.message.startswith(f"store {server.url}: ")
    server.clear()
    result = load_pages(engine, sales_plan(project), tmp_path, PAGES)
    exact(engine, project, result)
    recorded = attempts(engine, sales_plan(project), "run-1")
    assert [one.reason for one in recorded] == ["Succeeded", "StoreUnavailable"]


INSERTED = [
    "__attempts", "__audit", "sales_events__data", "__rejected", "__ledger",
    "sales_rollup_daily__data", "__published", "__datasets",
]  # fmt: skip


@pytest.mark.parametrize("table", INSERTED)
def test_rows_that_are_taken_and_not_written_end_the_attempt_and_the_next_one_is_exact(
    server, engine, project, tmp_path, table
):
    """INV-4: a read-only replica may answer so; every table's inserts are counted."""
    server.fault("swallow", f"INSERT INTO .*{table}")
    try:
        first = load_pages(engine, sales_plan(project), tmp_path, PAGES)
        reason, message = first.reason, first.message
    except RunError as error:
        reason, message = error.reason, error.message
    assert reason is Reason.STORE_UNAVAILABLE
    assert re.search(rf"the store wrote 0 of \d+ rows to table '\w*{table}'", message), message
    assert server.state["left"] == 0
    exact(engine, project, load_pages(engine, sales_plan(project), tmp_path, PAGES))


def test_a_view_that_somebody_attached_counts_its_rows_too(engine, project, tmp_path):
    """More rows than were sent are no fault."""
    store = ProjectStore(engine, project)
    store.create()
    engine.command(
        f"CREATE MATERIALIZED VIEW {qualified(store.database, 'theirs')} ENGINE = MergeTree "
        f"ORDER BY run_id AS SELECT run_id FROM {qualified(store.database, '__ledger')}"
    )
    exact(engine, project, load_pages(engine, sales_plan(project), tmp_path, PAGES))


def test_a_server_that_restarts_during_a_load_is_waited_for(server, access, project, tmp_path):
    """INV-4: connections are refused until the third attempt."""
    waits = []

    def sleep(seconds):
        waits.append(seconds)
        if len(waits) == 2:
            server.open()

    with closing(ServerEngine(access, patience(sleep))) as engine:
        plan = sales_plan(project)
        shut = iter([True])

        def insert(database, table, rows, real=engine.insert):
            if table == "__ledger" and next(shut, False):
                server.shut()
            real(database, table, rows)

        engine.insert = insert
        exact(engine, project, load_pages(engine, plan, tmp_path, PAGES))
    assert waits == [0.125, 0.25]


def test_waits_grow_to_a_limit_and_half_of_each_is_chance():
    calm = Patience(chance=lambda: 0.0)
    assert [calm.seconds(number) for number in range(1, 8)] == [0.125, 0.25, 0.5, 1, 2, 4, 4]
    wild = Patience(chance=lambda: 0.5)
    assert [wild.seconds(number) for number in (1, 7)] == [0.1875, 6]


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("drop-before", "the connection was lost before the answer was whole"),
        ("drop-after", "the connection was lost before the answer was whole"),
        ("truncate", "the connection was lost before the answer was whole"),
        ("unavailable", "it answered with status 503, server response: upstream connect error or disconnect/reset before headers"),
    ],
)  # fmt: skip
def test_each_loss_is_one_sentence(server, engine, kind, says):
    """INV-10."""
    for act in (
        lambda: engine.command("CREATE DATABASE IF NOT EXISTS sentences"),
        lambda: engine.rows("SELECT 1"),
        lambda: engine.arrow("SELECT 1 AS x"),
        lambda: engine.insert("sentences", "t", pa.table({"a": [1]})),
    ):
        server.fault(kind, times=99)
        assert said(act) == f"store {server.url}: {says}"
        server.clear()


def test_a_server_that_is_not_there_is_one_sentence(server, engine, access):
    server.shut()
    assert said(lambda: engine.rows("SELECT 1")) == f"store {server.url}: connection refused"
    waits = []
    assert said(lambda: ServerEngine(access, patience(waits.append))).endswith("connection refused")
    assert len(waits) == ATTEMPTS - 1


def test_a_name_that_nobody_knows_is_one_sentence(access, monkeypatch):
    def nobody(*_args, **_more):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", nobody)
    nowhere = replace(access, host="store.invalid")
    assert said(lambda: ServerEngine(nowhere, patience())) == (
        f"store http://store.invalid:{access.port}: its name cannot be resolved"
    )


def test_an_answer_that_takes_too_long_is_not_waited_for_twice(server, access):
    with closing(ServerEngine(access, patience(answer_seconds=1))) as engine:
        server.fault("delay", "SELECT 17", seconds=20)
        before = server.state["hit"]
        assert said(lambda: engine.rows("SELECT 17")) == (
            f"store {server.url}: it did not answer in time"
        )
        assert server.state["hit"] == before + 1


def test_what_the_server_refuses_is_not_asked_again(server, engine):
    before = server.state["served"]
    assert "UNKNOWN_DATABASE" in said(lambda: engine.rows("SELECT * FROM nowhere.nothing"))
    assert server.state["served"] == before + 1


def test_what_the_driver_refuses_by_itself_is_told_in_its_words(server, engine, monkeypatch):
    """A profile of the server may forbid a setting, which the driver finds out before it asks."""

    def forbidden(*_args, **_more):
        raise ProgrammingError("Setting async_insert is unknown\nor readonly")

    monkeypatch.setattr(engine._client, "command", forbidden)
    assert said(lambda: engine.command("SELECT 1")) == (
        f"store {server.url}: the driver refused: Setting async_insert is unknown or readonly"
    )


def test_a_delay_is_only_slow(server, engine):
    server.fault("delay", "SELECT 18", seconds=0.2)
    assert engine.rows("SELECT 18") == [(18,)]


HIDDEN = [PASSWORD, base64.b64encode(f"loader:{PASSWORD}".encode()).decode()]


def everything_stored(engine, project):
    home = database(project.tenant, project.project)
    sql = "SELECT name FROM system.tables WHERE database = {x:String} AND engine != 'View'"
    names = [str(row[0]) for row in engine.rows(sql, {"x": home})]
    assert "__audit" in names
    return [str(engine.rows(f"SELECT * FROM `{home}`.`{name}`")) for name in names]


def test_no_credential_in_any_text(server, engine, access, project, tmp_path, caplog):
    """INV-6: not in errors, logs, representations, or anything that is stored."""
    caplog.set_level(logging.DEBUG)
    wrong = replace(access, password="canary-wrong-11")
    texts = [said(lambda: ServerEngine(wrong, patience())), repr(access), repr(engine)]
    assert "AUTHENTICATION_FAILED" in texts[0]
    for kind in LOSSES:
        server.fault(kind, times=99)
        texts += [
            said(lambda: engine.rows(f"SELECT '{PASSWORD}'")),
            said(lambda: engine.command("X")),
        ]
        server.clear()
    # A server may echo what it was sent: the value is taken out wherever it comes from.
    for secret in HIDDEN:
        for sql in (f"SELECT * FROM `{secret}`.t", f"SELECT throwIf(1, '{secret}')"):
            texts.append(said(partial(engine.rows, sql)))
    load_pages(engine, sales_plan(project), tmp_path, PAGES)
    texts += everything_stored(engine, project)
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("chartly")]
    assert any("trying again in 0.12 s" in line for line in ours)
    for secret in (*HIDDEN, "canary-wrong-11"):
        assert [text for text in (*texts, *ours) if secret in text] == []


def test_proxies_of_the_environment_are_not_asked(server, access, monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
        monkeypatch.setenv(name.upper(), "http://127.0.0.1:9")
    with closing(ServerEngine(access, patience())) as engine:
        assert engine.rows("SELECT 1") == [(1,)]


def test_threads_share_an_engine(engine):
    """The loader shapes in one thread and commits in another."""
    found = []
    threads = [
        threading.Thread(
            target=lambda number=number: found.append(engine.rows(f"SELECT {number}")[0][0])
        )
        for number in range(16)
    ]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(found) == list(range(16))


def test_a_user_of_one_project_cannot_touch_another_s(server, engine, project, tmp_path):
    """INV-8: with grants for its own database, the loader does all that a run needs."""
    own, other = project, Project("tenant-server", f"p-{next(NUMBERS)}")
    load_pages(engine, sales_plan(other), tmp_path / "other", PAGES)
    name = database(own.tenant, own.project)
    member = User("member", "canary-member-20", (name,))
    server.add(member)
    with closing(open_server(server.secret(tmp_path / "member", member))) as limited:
        theirs = ProjectStore(limited, other)
        for act in (
            lambda: limited.rows(f"SELECT * FROM {theirs.view('sales-events')}"),
            lambda: limited.insert(theirs.database, "__ledger", pa.table({"run_id": ["x"]})),
            lambda: limited.command(f"DROP DATABASE `{theirs.database}`"),
            lambda: limited.rows("SELECT * FROM chartly_system.__audit"),
            lambda: limited.rows("SELECT * FROM {d:Identifier}.__ledger", {"d": theirs.database}),
        ):
            assert "ACCESS_DENIED" in said(act)
        spool_pages(tmp_path / "own", PAGES)
        asked = replace(request(sales_plan(own), tmp_path / "own"), checkpoint=None)
        exact(limited, own, load(asked, limited, nothing, clock))


def test_a_redirect_is_not_followed(server, access):
    """INV-6: the credential and the rows go to the server that was named, and nowhere else."""

    class Elsewhere(BaseHTTPRequestHandler):
        def do_POST(self):
            self.send_response(307)
            self.send_header("Location", server.url)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere) as other:
        thread = threading.Thread(target=other.serve_forever, args=(0.02,))
        thread.start()
        before = server.state["served"]
        away = replace(access, port=other.server_address[1])
        assert said(lambda: ServerEngine(away, patience())).endswith("it answered with status 307")
        assert server.state["served"] == before
        other.shutdown()
        thread.join()


def test_older_servers_call_deduplication_by_its_old_name():
    new = settings_of({"deduplicate_insert"})
    assert new["deduplicate_insert"] == "disable"
    assert "insert_deduplicate" not in new
    old = settings_of(set())
    assert old["insert_deduplicate"] == 0
    assert "deduplicate_insert" not in old
    assert new["async_insert"] == old["async_insert"] == 0


def test_instants_of_the_server_s_own_zone_come_in_utc(engine):
    moment = datetime(2026, 2, 2, 10, 15, tzinfo=UTC)
    assert engine.rows("SELECT toDateTime64('2026-02-02 10:15:00', 3, 'UTC')") == [(moment,)]
