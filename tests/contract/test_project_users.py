"""INV-8: what the users of chartly project create may do, as a real server enforces it."""

import threading
from contextlib import closing
from dataclasses import replace

import pyarrow as pa
import pytest
from clickhouse_connect.driver.exceptions import DatabaseError

from chartly.api.event_schema import event_schema
from chartly.api.reference import Project
from chartly.errors import Reason, RunError
from chartly.load.grants import (
    ANALYST_LIMITS,
    LOADER_LIMITS,
    analyst_user,
    create_users,
    loader_user,
    password_hash,
)
from chartly.names import database
from chartly_loader.load import load
from chartly_service.audit import events
from chartly_service.query import query
from chartly_service.rejects import rejects
from chartly_store.access import read_access
from chartly_store.command_trail import CommandTrail
from chartly_store.project_store import ProjectStore
from chartly_store.server import Patience, ServerEngine, open_server
from chartly_store.stored_project import EngineProject, of_server
from support.clickhouse_access import User
from support.clickhouse_process import clickhouse
from support.loading import clock, nothing, request, sales_plan, spool_pages
from support.two_pages import PAGES

OURS, THEIRS = Project("tenant-demo", "proj-ours"), Project("tenant-demo", "proj-theirs")
SMALL, EARLIER = "tenant_demo__proj_small", "tenant_demo__proj_earlier"
PASSWORDS = {"loader": "canary-loader-51", "analyst": "canary-analyst-52"}
NAMES = {"loader": loader_user, "analyst": analyst_user}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with clickhouse(tmp_path_factory.mktemp("clickhouse")) as running:
        yield running


@pytest.fixture(scope="module")
def users(server, tmp_path_factory):
    """The users of both projects, made by the statements of project create, sent twice."""
    folder = tmp_path_factory.mktemp("secrets")
    with closing(ServerEngine(read_access(server.secret(folder / "admin")), Patience())) as admin:
        for project in (OURS, THEIRS):
            hashes = map(password_hash, PASSWORDS.values())
            for statement in create_users(home(project), *hashes) * 2:
                admin.command(statement)
    return {
        (project, role): User(NAMES[role](home(project)), password)
        for project in (OURS, THEIRS)
        for role, password in PASSWORDS.items()
    }


@pytest.fixture(scope="module")
def clients(server, users, tmp_path_factory):
    """An ordinary client of each user; each loader has loaded a run, which takes all its rights."""
    for project in (OURS, THEIRS):
        folder = tmp_path_factory.mktemp(project.project)
        spool_pages(folder, PAGES)
        asked = replace(request(sales_plan(project), folder), checkpoint=None)
        secret = server.secret(tmp_path_factory.mktemp("secret"), users[project, "loader"])
        with closing(open_server(secret)) as engine:
            result = load(asked, engine, nothing, clock)
        assert (result.reason, result.message) == (Reason.SUCCEEDED, "")
        assert result.audited
    opened = {key: server.client(user) for key, user in users.items()}
    yield opened
    for client in opened.values():
        client.close()


def home(project=OURS):
    return database(project.tenant, project.project)


OF_OTHERS = [
    f"SELECT * FROM {home(THEIRS)}.sales_events",
    f"SELECT * FROM {home(THEIRS)}.__ledger",
    f"INSERT INTO {home(THEIRS)}.__ledger (run_id) VALUES ('x')",
    f"DROP DATABASE {home(THEIRS)}",
    f"CREATE VIEW {home()}.spy AS SELECT * FROM {home(THEIRS)}.__ledger",
    "SELECT * FROM file('/etc/passwd', 'LineAsString')",
    "SELECT * FROM url('http://127.0.0.1:9/', 'LineAsString')",
    "SELECT * FROM remote('127.0.0.1', system.one)",
    "SELECT demangle('x')",
    "SELECT addressToSymbol(1)",
    "CREATE DATABASE mine",
    "CREATE TEMPORARY TABLE t (a Int8)",
    "CREATE USER x",
    "SYSTEM SHUTDOWN",
]
OF_THE_TRAIL = [
    f"ALTER TABLE {home()}.__audit DELETE WHERE 1",
    f"DROP TABLE {home()}.__audit",
    f"TRUNCATE TABLE {home()}.__audit",
]
WRITES = [
    f"INSERT INTO {home()}.__ledger (run_id) VALUES ('x')",
    f"CREATE TABLE {home()}.t (a Int8) ENGINE = ReplacingMergeTree ORDER BY a",
    f"ALTER TABLE {home()}.sales_events__data DELETE WHERE 1",
    f"DROP TABLE {home()}.sales_events__data",
]


def refusal(client, statement):
    """What the server says; it looks at the whole result before it begins its answer."""
    with pytest.raises(DatabaseError) as caught:
        client.command(statement, settings={"wait_end_of_query": "1"})
    return str(caught.value)


@pytest.mark.parametrize("statement", [*OF_OTHERS, *OF_THE_TRAIL])
def test_the_loader_reaches_nothing_but_its_own_rows(clients, statement):
    """INV-8, INV-9."""
    assert "ACCESS_DENIED" in refusal(clients[OURS, "loader"], statement)


@pytest.mark.parametrize("statement", [*OF_OTHERS, *OF_THE_TRAIL, *WRITES])
def test_the_analyst_reads_and_does_nothing_else(clients, statement):
    """INV-8."""
    said = refusal(clients[OURS, "analyst"], statement)
    assert "ACCESS_DENIED" in said or "READONLY" in said


def test_the_analyst_reads_what_its_loader_wrote(clients):
    for project in (OURS, THEIRS):
        count = f"SELECT count() FROM {home(project)}.sales_events"
        counts = {role: clients[project, role].command(count) for role in PASSWORDS}
        assert counts["analyst"] == counts["loader"] > 0


def test_chartly_reads_as_the_analyst(clients, server, users, tmp_path):
    """As ``project create`` does at its end; that user may change none of an engine's settings."""
    assert clients
    with closing(open_server(server.secret(tmp_path, users[OURS, "analyst"]))) as engine:
        count = f"SELECT count() FROM {home()}.sales_events"
        assert engine.rows(count) == [tuple(engine.arrow(count).to_pylist()[0].values())] != [(0,)]
        with pytest.raises(RunError, match="READONLY|ACCESS_DENIED"):
            engine.insert(home(), "__ledger", pa.table({"run_id": ["x"]}))


def test_every_question_of_the_command_line_can_be_asked_as_the_analyst(
    clients, server, users, tmp_path
):
    """Its profile spells values as ``chartly query`` reads them, since a query may set nothing."""
    assert clients
    secret = server.secret(tmp_path, users[OURS, "analyst"])
    plan = sales_plan(OURS)
    storage, normalizer = plan.streams[0].storage, plan.streams[0].normalizer
    with closing(open_server(secret)) as engine:
        project = of_server(engine, OURS, server.url, "analyst")
        result = query(
            project, "SELECT min(occurred_at) AS t, toUInt64(1) AS n FROM sales_events", 1
        )
        assert result.rows[0][0].endswith("Z")
        assert result.rows[0][1] == 1
        attempt = project.attempts("sales-onboard")[0]
        rejected = rejects(project, "sales-onboard", [storage.dataset], 10)
        assert (rejected.run, len(rejected.records)) == (attempt.run_id, rejected.recorded)
        assert [one.verdict.fault for one in project.verify_chains()] == [None]
        assert events(project, None)
        parts = project.policy(event_schema(normalizer, storage), storage, attempt.ingested_at)
        assert [str(one) for one in parts if not one.holds] == []
        assert project.fingerprint("sales-rollup-daily") is not None


def test_a_reader_of_an_earlier_version_is_told_what_its_profile_lacks(server, tmp_path):
    """INV-10: it may set nothing, and nothing sets how values are written."""
    reader = User(analyst_user(EARLIER), PASSWORDS["analyst"])
    with closing(ServerEngine(read_access(server.secret(tmp_path / "admin")), Patience())) as admin:
        for statement in create_users(EARLIER, *map(password_hash, PASSWORDS.values())):
            admin.command(statement.partition(", date_time_output_format")[0])
    with closing(open_server(server.secret(tmp_path, reader))) as engine:
        store = ProjectStore(engine, Project("tenant-demo", "proj-earlier"))
        project = EngineProject(store, CommandTrail(store), server.url)
        with pytest.raises(RunError) as caught:
            query(project, "SELECT 1", 1)
    assert caught.value.reason is Reason.PREREQUISITE_MISSING
    assert caught.value.message == (
        f"{server.url}: the user may not set date_time_output_format, and its profile does not set "
        "it to iso; repeat `chartly project create --apply`, which makes it so, or take a user that may"
    )


@pytest.mark.parametrize("role", PASSWORDS)
def test_tables_that_are_named_by_a_pattern_are_the_own_ones(clients, server, role):
    """INV-8."""
    pattern = "SELECT groupUniqArray(_database) FROM merge(REGEXP('.*'), '^__ledger$')"
    assert clients[OURS, role].query(pattern).result_rows == [([home()],)]
    with server.client() as admin:
        assert {home(), home(THEIRS)} <= {*admin.query(pattern).result_rows[0][0]}


@pytest.mark.parametrize("limit", ANALYST_LIMITS)
def test_the_analyst_cannot_raise_its_own_limits(clients, limit):
    said = refusal(clients[OURS, "analyst"], f"SELECT 1 SETTINGS {limit} = 0")
    assert "READONLY" in said


def test_the_analyst_s_queries_are_limited(clients):
    analyst = clients[OURS, "analyst"]
    numbers = f"SELECT number FROM numbers({ANALYST_LIMITS['max_result_rows'] + 1})"
    assert "TOO_MANY_ROWS_OR_BYTES" in refusal(analyst, numbers)
    memory = "SELECT length(groupArray(number)) FROM numbers(1000000000)"
    assert "MEMORY_LIMIT_EXCEEDED" in refusal(analyst, memory)


def test_the_analyst_s_threads_are_limited(clients):
    sql = "SELECT value FROM system.settings WHERE name = 'max_threads'"
    assert int(clients[OURS, "analyst"].command(sql)) == ANALYST_LIMITS["max_threads"]


@pytest.mark.parametrize("limit", LOADER_LIMITS)
@pytest.mark.parametrize("value", [0, 1 << 40])
def test_the_loader_cannot_raise_its_own_limits(clients, limit, value):
    """INV-8."""
    said = refusal(clients[OURS, "loader"], f"SELECT 1 SETTINGS {limit} = {value}")
    assert "SETTING_CONSTRAINT_VIOLATION" in said


@pytest.fixture(scope="module")
def small(server, tmp_path_factory):
    """A loader of a third project, by the same statements with limits that a test may reach."""
    folder = tmp_path_factory.mktemp("small")
    smaller = {"max_memory_usage_for_user": 256 * 1024**2, "max_concurrent_queries_for_user": 4}
    with closing(ServerEngine(read_access(server.secret(folder)), Patience())) as admin:
        for statement in create_users(SMALL, *map(password_hash, PASSWORDS.values())):
            admin.command(made_smaller(statement, smaller))
    return User(loader_user(SMALL), PASSWORDS["loader"])


def made_smaller(statement, limits):
    if f"PROFILE `{loader_user(SMALL)}` SETTINGS" not in statement:
        return statement
    for name, value in limits.items():
        before, _, after = statement.partition(f"{name} = {LOADER_LIMITS[name]} CONST")
        assert before != statement, name
        statement = f"{before}{name} = {value} CONST{after}"
    return statement


def test_the_loader_s_memory_is_limited_whatever_a_statement_asks_for(server, small):
    """INV-8."""
    with server.client(small) as loader:
        memory = "SELECT length(groupArray(number)) FROM numbers(100000000)"
        said = refusal(loader, f"{memory} SETTINGS max_memory_usage = 0")
    assert "MEMORY_LIMIT_EXCEEDED" in said
    assert "User memory limit exceeded" in said, "of all its statements, not of this one"


def test_the_loader_s_concurrent_queries_are_limited(clients, server, small):
    """INV-8: a project that loads too much does not keep another from working."""
    refused = asked_at_once(server, small, 8, lambda: clients[OURS, "loader"].command("SELECT 1"))
    assert 0 < len(refused) <= 4
    assert all("TOO_MANY_SIMULTANEOUS_QUERIES" in said for said in refused)


def test_the_analyst_s_concurrent_queries_are_limited(clients, server, users):
    """A project whose analyst asks too much does not keep its loader from working."""
    limit = ANALYST_LIMITS["max_concurrent_queries_for_user"]
    refused = asked_at_once(
        server,
        users[OURS, "analyst"],
        2 * limit,
        lambda: clients[OURS, "loader"].command("SELECT 1"),
    )
    assert 0 < len(refused) <= limit
    assert all("TOO_MANY_SIMULTANEOUS_QUERIES" in said for said in refused)


def asked_at_once(server, user, count, meanwhile):
    """What the server says to those of ``count`` queries at once that it refuses."""
    refused = []
    opened = [server.client(user) for _ in range(count)]

    def ask(client):
        try:
            client.command("SELECT count() FROM numbers(4) WHERE sleepEachRow(0.5) = 0")
        except DatabaseError as error:
            refused.append(str(error))

    threads = [threading.Thread(target=ask, args=(client,)) for client in opened]
    for thread in threads:
        thread.start()
    assert meanwhile() == 1
    for thread in threads:
        thread.join()
    for client in opened:
        client.close()
    return refused


def test_a_wrong_password_is_refused(server, users, tmp_path):
    wrong = replace(users[OURS, "loader"], password="canary-wrong")
    secret = read_access(server.secret(tmp_path, wrong))
    with pytest.raises(RunError) as caught:
        ServerEngine(secret, Patience(attempts=1))
    assert "AUTHENTICATION_FAILED" in caught.value.message
    assert "canary-wrong" not in caught.value.message


def test_an_administrator_is_let_through_where_they_are_not(clients, server):
    """The statements above are refused for who sends them, and not for what they are."""
    assert clients
    with server.client() as admin:
        assert admin.command(f"SELECT count() FROM {home(THEIRS)}.__ledger") > 0
        assert "root" in admin.command("SELECT * FROM file('/etc/passwd', 'LineAsString') LIMIT 1")
