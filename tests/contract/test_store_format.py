"""A server's store of format 1 becomes one of format 2 with the rights of a project's loader."""

from contextlib import closing
from dataclasses import replace

import pytest

from chartly.errors import Reason
from chartly.load.grants import create_users, loader_user, password_hash
from chartly_loader.load import load
from chartly_store.access import read_access
from chartly_store.project_store import ProjectStore
from chartly_store.server import Patience, ServerEngine, open_server
from support.clickhouse_access import User
from support.clickhouse_process import clickhouse
from support.loaded import events
from support.loading import clock, nothing, page, request, sale, sales_plan, spool_pages
from support.old_stores import format_1

PAYLOAD = "event_id, amount, occurred_at, event_key, run_id, raw_ref"


@pytest.fixture
def admin(tmp_path):
    with clickhouse(tmp_path / "clickhouse") as server:
        access = read_access(server.secret(tmp_path / "admin"))
        with closing(ServerEngine(access, Patience())) as engine:
            yield server, engine


def test_a_load_brings_it_to_the_format(admin, tmp_path):
    server, engine = admin
    plan = sales_plan(format_1(engine, "sales"), {"storage": {"spec.raw": {"enabled": True}}})
    before = events(engine, plan, PAYLOAD)
    database = ProjectStore(engine, plan.project).database
    for statement in create_users(database, *map(password_hash, ("loader-51", "analyst-52"))):
        engine.command(statement)
    spool = tmp_path / "spool"
    spool_pages(spool, [page([sale("z", "1", "2026-02-08T00:00:00Z")])])
    secret = server.secret(tmp_path / "loader", User(loader_user(database), "loader-51"))
    with closing(open_server(secret)) as loader:
        asked = replace(request(plan, spool, "run-4"), checkpoint=None)
        result = load(asked, loader, nothing, clock)
    assert (result.reason, result.message) == (Reason.SUCCEEDED, "")
    assert [row for row in events(engine, plan, PAYLOAD) if row[0] != "z"] == before
