from contextlib import closing

import pytest

from chartly.names import database
from chartly_store.access import read_access
from chartly_store.server import Patience, ServerEngine
from support.clickhouse_process import clickhouse
from support.loader_place import LOADER_USER, Place
from support.profiles import HOME


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with clickhouse(tmp_path_factory.mktemp("clickhouse"), [LOADER_USER]) as found:
        yield found


@pytest.fixture
def place(server, tmp_path):
    """A place in a project that has no database yet."""
    yield Place(tmp_path, server, LOADER_USER)
    server.open()
    server.clear()
    with server.client() as admin:
        admin.command(f"DROP DATABASE IF EXISTS {database(HOME.tenant, HOME.project)} SYNC")


@pytest.fixture
def served(server, tmp_path):
    """What the server stores, as its administrator sees it."""
    with closing(ServerEngine(read_access(server.secret(tmp_path / "admin")), Patience())) as found:
        yield found
