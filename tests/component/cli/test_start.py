"""How a run starts: its connector first, and what becomes of it when the store cannot be had."""

import contextlib
import os
import signal
import subprocess
import sys

import pytest

from chartly.errors import Reason
from chartly_cli import local_launcher, store_binding
from chartly_spool.file_lock import FileLock
from support.command import chartly, chartly_json, sales_folder
from support.sales_api import in_order, pages_of, sale, serving


@pytest.fixture
def folder(tmp_path):
    return sales_folder(tmp_path / "sales")


@pytest.fixture
def started(monkeypatch):
    """The connectors that were started."""
    processes = []
    start = local_launcher.subprocess.Popen

    def kept(*arguments, **options):
        processes.append(start(*arguments, **options))
        return processes[-1]

    monkeypatch.setattr(local_launcher.subprocess, "Popen", kept)
    return processes


def test_the_store_is_opened_while_the_connector_starts(tmp_path, folder, started, monkeypatch):
    there = []
    opened = store_binding.opened_store

    @contextlib.contextmanager
    def watched(state):
        there.append([one.poll() for one in started])
        with opened(state) as engine:
            yield engine

    monkeypatch.setattr(store_binding, "opened_store", watched)
    with serving(tmp_path, in_order(pages_of([sale(1)], 1))) as api:
        chartly_json(folder, "run", "sales", *api.options)
    assert there == [[None]]


def test_the_engine_s_packages_do_not_keep_the_connector_waiting():
    script = "import sys, chartly_cli.commands.run; print({'pyarrow', 'chdb'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert done.stdout == b"set()\n"


def test_inv_6_a_store_in_use_ends_the_connector_before_it_has_asked_for_anything(
    tmp_path, folder, started
):
    store = folder / ".chartly" / "store"
    store.mkdir()
    lock = FileLock(store / "owner.lock", "store", Reason.STORE_UNAVAILABLE)
    with lock, serving(tmp_path, in_order([])) as api:
        outcome = chartly(folder, "run", "sales", *api.options)
    said = f"store {store} is in use by process {os.getpid()}; wait for it or end it"
    assert (outcome.code, outcome.errors) == (11, [f"error: StoreUnavailable: {said}"])
    assert [one.returncode is None for one in started] == [False]
    assert api.asked == []
    assert not list((folder / ".chartly" / "runs").glob("*/spool-*"))


@pytest.mark.parametrize(
    ("number", "code", "reason"),
    [(signal.SIGINT, 30, "Cancelled"), (signal.SIGTERM, 143, "Terminated")],
)
def test_a_run_that_is_asked_to_stop_before_the_store_is_open(
    tmp_path, folder, started, monkeypatch, number, code, reason
):
    """The next run goes on with it."""

    @contextlib.contextmanager
    def interrupted(_state):
        os.kill(os.getpid(), number)
        yield pytest.fail("the run went on")

    before = signal.getsignal(number)
    with serving(tmp_path, in_order(pages_of([sale(1)], 1))) as api:
        with monkeypatch.context() as patched:
            patched.setattr(store_binding, "opened_store", interrupted)
            outcome = chartly(folder, "run", "sales", *api.options)
        assert outcome.code == code
        assert outcome.errors == [f"error: {reason}: the run was asked to stop"]
        assert [one.returncode is None for one in started] == [False]
        assert api.asked == []
        assert signal.getsignal(number) is before
        after = chartly_json(folder, "run", "sales", *api.options)
    assert after["continued"]
    assert after["attempt"] == 2
    assert after["counts"]["read"] == after["counts"]["loaded"] == 1
