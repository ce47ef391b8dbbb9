"""``make test-clickhouse`` tells in one sentence why a server cannot be tested, before any test."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from support.clickhouse_process import ADMIN, clickhouse

TESTS = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with clickhouse(tmp_path_factory.mktemp("clickhouse")) as running:
        yield running


def tried(url):
    done = subprocess.run(
        [sys.executable, "-m", "support.clickhouse_given"],
        env={**os.environ, "PYTHONPATH": str(TESTS), "CHARTLY_TEST_CLICKHOUSE": url},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.stdout == ""
    assert "canary" not in done.stderr
    return done.returncode, done.stderr


def test_a_server_that_lets_its_user_in_is_tested(server):
    assert tried(f"http://{ADMIN.name}:{ADMIN.password}@127.0.0.1:{server.port}") == (0, "")


CASES = [
    ("http://admin:canary-wrong@127.0.0.1:{port}", "store http://127.0.0.1:{port}: it refused user 'admin' or its password"),
    ("http://admin:canary@127.0.0.1:1", "store http://127.0.0.1:1: connection refused"),
    ("http://127.0.0.1:port", "CHARTLY_TEST_CLICKHOUSE: must be http://user:password@host:port"),
    ("ftp://admin:canary@127.0.0.1", "CHARTLY_TEST_CLICKHOUSE: must be http://user:password@host:port"),
    ("", "CHARTLY_TEST_CLICKHOUSE: is empty"),
]  # fmt: skip


@pytest.mark.parametrize(("url", "says"), CASES)
def test_another_one_is_told_of_in_one_sentence(server, url, says):
    """INV-6, INV-10."""
    code, said = tried(url.format(port=server.port))
    assert (code, len(said.splitlines())) == (1, 1)
    assert said.startswith(f"no tests were run: {says.format(port=server.port)}")
