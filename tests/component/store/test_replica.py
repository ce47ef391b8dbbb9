"""A replica that lost its Keeper: the server goes on, and accepts no rows."""

from contextlib import closing
from dataclasses import replace

import pytest

from chartly.api.reference import Project
from chartly.errors import Reason, RunError
from chartly.load.sql import qualified
from chartly.names import database
from chartly_loader.load import load
from chartly_store.project_store import ProjectStore
from chartly_store.server import open_server
from support.clickhouse_access import User
from support.clickhouse_process import Serving, clickhouse
from support.loading import clock, nothing, request, sales_plan, spool_pages
from support.two_pages import PAGES

PROJECT = Project("tenant-replica", "proj-sales")
DATABASE = database(PROJECT.tenant, PROJECT.project)
LOADER = User("loader", "canary-replica-77", (DATABASE,))
NO_KEEPER = (
    "<zookeeper><node><host>127.0.0.1</host><port>9</port></node>"
    "<session_timeout_ms>1000</session_timeout_ms>"
    "<operation_timeout_ms>1000</operation_timeout_ms></zookeeper>"
)
UUID = "11111111-2222-3333-4444-5555555555{number:02}"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("replica")
    with clickhouse(folder, [LOADER], Serving(config=NO_KEEPER)) as running:
        yield running


@pytest.fixture
def engine(server, tmp_path):
    with closing(open_server(server.secret(tmp_path / "secret", LOADER))) as opened:
        yield opened


def attach(server, name, number):
    """As a server does that starts with tables of which it finds no Keeper."""
    with server.client() as admin:
        admin.command(
            f"ATTACH TABLE {qualified(DATABASE, name)} UUID '{UUID.format(number=number)}' (a Int8) "
            f"ENGINE = ReplicatedMergeTree('/{name}', 'r1') ORDER BY a"
        )


def loaded(engine, spool, run):
    spool_pages(spool, PAGES)
    asked = request(sales_plan(PROJECT), spool, run)
    return load(replace(asked, checkpoint=None), engine, nothing, clock)


def test_a_read_only_replica_refuses_the_load(server, engine, tmp_path):
    """INV-4: the loader's own rights suffice to ask."""
    first = loaded(engine, tmp_path / "first", "run-1")
    assert first.reason is Reason.SUCCEEDED, first.message
    attach(server, "orders__data", 1)
    with pytest.raises(RunError) as caught:
        loaded(engine, tmp_path / "second", "run-2")
    assert caught.value.reason is Reason.STORE_UNAVAILABLE
    assert caught.value.message == (
        f"database '{DATABASE}': the replica of table 'orders__data' is read-only"
    )
    attach(server, "sales_events__copy", 2)
    with pytest.raises(RunError, match="'orders__data' is read-only, and of 1 more"):
        ProjectStore(engine, PROJECT).check_writable()
