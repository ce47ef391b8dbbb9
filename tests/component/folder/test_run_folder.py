"""Run folders: which there are, what each holds, and whether a process works on one."""

import json
import os
import subprocess
import sys

import pytest

from chartly.errors import Reason
from chartly_folder.durable_file import write_durably
from chartly_folder.run_folder import RunFolder, RunFolders
from chartly_spool.file_lock import FileLock
from chartly_spool.spool_side import Side
from support.recorded_runs import intent_of


def test_run_names_are_short_and_do_not_repeat(tmp_path):
    names = {RunFolders(tmp_path).new_id("x" * 60) for _ in range(100)}
    assert len(names) == 100
    assert {len(name) for name in names} == {52}
    assert RunFolders(tmp_path).new_id("sales-onboard").startswith("sales-onboard-")


def test_a_run_folder_without_an_intent_never_started(tmp_path):
    (tmp_path / "runs" / "half").mkdir(parents=True)
    assert RunFolders(tmp_path).all() == []
    intent = {
        "run_id": "a-1", "workflow": "a", "version": "1.0.0", "project": "t/p",
        "config_digest": "sha256:0", "run_digest": "sha256:1", "attempt": 1, "window": None,
        "frozen_at": "2026-02-02T12:00:00.000+00:00", "evidence": {},
    }  # fmt: skip
    write_durably(tmp_path / "runs" / "half" / "run.json", json.dumps(intent).encode())
    (folder,) = RunFolders(tmp_path).all()
    assert folder.intent.moment.isoformat() == "2026-02-02T12:00:00+00:00"
    assert folder.result is None
    assert folder.next_attempt({"cacert": "x"}).attempt == 2
    assert RunFolder(folder.path).intent.evidence == {"cacert": "x"}


@pytest.fixture
def run(tmp_path):
    folder = RunFolders(tmp_path).begin(intent_of("a-1"), b"{}")
    folder.spool(1).mkdir()
    return folder


def ended_process():
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    return process.pid


@pytest.mark.parametrize("side", Side)
def test_a_run_is_running_while_one_of_its_processes_holds_its_spool(run, side):
    with FileLock(side.lock_file(run.spool(1)), "spool", Reason.PEER_LOST):
        assert run.is_running() is True
    assert run.is_running() is False


@pytest.mark.parametrize(
    ("holder", "running", "because"),
    [
        (None, False, "no command has ever worked in the folder"),
        (ended_process, False, "the one that did has ended"),
        (os.getpid, None, "one works there: it may be this run's, or any other"),
        (lambda: 1, None, "one of another user"),
    ],
)
def test_without_a_held_spool_the_folder_s_holder_decides(tmp_path, run, holder, running, because):
    if holder is not None:
        (tmp_path / "lock").write_text(str(holder()))
    assert run.is_running() is running, because


def test_a_spool_that_is_gone_is_nobody_s(run):
    run.spool(1).rmdir()
    assert run.is_running() is False


def test_a_spool_that_goes_while_it_is_looked_at_is_nobody_s(run, monkeypatch):
    def gone(_path):
        raise FileNotFoundError

    monkeypatch.setattr("chartly_folder.run_folder.peer", gone)
    assert run.is_running() is False


def test_a_process_of_somebody_else_is_alive(tmp_path, run, monkeypatch):
    def refused(_process, _signal):
        raise PermissionError

    (tmp_path / "lock").write_text("1")
    monkeypatch.setattr("chartly_folder.run_folder.os.kill", refused)
    assert run.is_running() is None
