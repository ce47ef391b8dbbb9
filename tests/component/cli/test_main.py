"""What becomes of failures that no command expects: one sentence and a code, never a trace."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time

import pytest

import chartly_cli.__main__
from chartly.errors import REASONS, Bug, Reason, RunError
from chartly_cli import local_launcher
from chartly_cli.interruption import resident
from support.command import chartly, chartly_json, sales_folder
from support.sales_api import Answer, in_order, pages_of, sale, serving


@pytest.fixture
def folder(tmp_path):
    return sales_folder(tmp_path / "sales")


def raising(error):
    def act(*_arguments, **_more):
        raise error

    return act


@pytest.mark.parametrize(
    ("error", "code", "says"),
    [
        (RunError(Reason.STORE_UNAVAILABLE, "it is away"), 11, "error: StoreUnavailable: it is away\n"),
        (PermissionError(13, "Permission denied", "profiles/a.yaml"), 3, "error: PrerequisiteMissing: profiles/a.yaml: Permission denied\n"),
        (OSError(5, "Input/output error"), 70, "error: InternalError: OSError: [Errno 5] Input/output error; this is a bug, please report it (CHARTLY_DEBUG=1 shows the trace)\n"),
        (Bug("two is one"), 70, "error: InternalError: two is one\n"),
        (KeyboardInterrupt(), 30, "error: Cancelled: the command was asked to stop\n"),
        (ZeroDivisionError("by zero\nmore"), 70, "error: InternalError: ZeroDivisionError: by zero; this is a bug, please report it (CHARTLY_DEBUG=1 shows the trace)\n"),
    ],
)  # fmt: skip
def test_a_failure_is_one_sentence_and_its_code(folder, monkeypatch, error, code, says):
    monkeypatch.delenv("CHARTLY_DEBUG", raising=False)
    monkeypatch.setattr("chartly_cli.commands.validate.validate", raising(error))
    outcome = chartly(folder, "validate")
    assert (outcome.code, outcome.err) == (code, says)


def test_the_trace_is_there_for_who_asks(folder, monkeypatch):
    monkeypatch.setenv("CHARTLY_DEBUG", "1")
    monkeypatch.setattr("chartly_cli.commands.validate.validate", raising(ZeroDivisionError()))
    with pytest.raises(ZeroDivisionError):
        chartly(folder, "validate")


def test_a_reader_that_has_enough_is_no_failure(folder):
    command = [sys.executable, "-m", "chartly_cli", "-C", str(folder), "doctor"]
    read, write = os.pipe()
    os.close(read)
    try:
        done = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, check=False)
    finally:
        os.close(write)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize(
    ("number", "code", "reason"),
    [(signal.SIGINT, 30, "Cancelled"), (signal.SIGTERM, 143, "Terminated")],
)
def test_a_run_that_is_asked_to_stop_ends_and_says_so(tmp_path, folder, number, code, reason):
    asked, go_on = threading.Event(), threading.Event()
    pages = in_order(pages_of([sale(n) for n in range(4)], 2))

    def script(count, one) -> Answer:
        if count == 1:
            asked.set()
            go_on.wait(30)
        return pages(count, one)

    with serving(tmp_path, script) as api:
        command = [
            sys.executable,
            "-m",
            "chartly_cli",
            "-C",
            str(folder),
            "--output",
            "json",
            "run",
        ]
        process = subprocess.Popen(
            [*command, "sales", *api.options], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        assert asked.wait(30)
        os.kill(process.pid, number)
        out, err = process.communicate(timeout=30)
        go_on.set()
    assert process.returncode == code, (out, err)
    document = json.loads(out)
    assert document["reason"] == reason
    assert document["counts"]["loaded"] in (0, 2), "pages are loaded whole or not at all"
    assert not list((folder / ".chartly" / "runs").glob("*/spool-*"))
    assert chartly(folder, "audit", "verify").code == 0
    with serving(tmp_path, pages) as api:
        assert chartly_json(folder, "run", "sales", *api.options)["counts"]["read"] == 4
    rows = chartly_json(folder, "query", "SELECT count() AS n FROM sales_events")
    assert rows == [{"n": 4}]


def test_a_run_ends_at_its_deadline_and_says_so(tmp_path):
    folder = sales_folder(tmp_path / "timed", {
        "workflows/sales-onboard@1.0.0.yaml": ("spec:\n", "spec:\n  deadlines:\n    run: 6\n"),
    })  # fmt: skip
    asked, over = threading.Event(), threading.Event()

    def script(_count, _one) -> Answer:
        asked.set()
        over.wait(30)
        return in_order(pages_of([sale(1)], 1))(0, _one)

    with serving(tmp_path, script) as api:
        done = chartly(folder, "run", "sales", *api.options)
        over.set()
    assert asked.is_set()
    assert done.code == 31
    assert "took longer than deadlines.run allows: 6 seconds" in done.err


def test_a_run_that_takes_more_memory_than_it_may_ends_and_says_so(folder, tmp_path):
    """The embedded engine alone takes more; the next run goes on where this one stopped."""
    pages = in_order(pages_of([sale(number) for number in range(4)], 2))
    with serving(tmp_path, pages) as api:
        options = ("run", "sales", *api.options, "--max-memory")
        command = [sys.executable, "-m", "chartly_cli", "-C", str(folder), *options, "100Mi"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 137
        assert re.search(
            r"error: OutOfMemory: the attempt took \d{3} MiB of memory; --max-memory allows 100 MiB",
            done.stderr,
        )
        assert chartly_json(folder, *options, "16Gi")["counts"]["read"] == 4


@pytest.mark.parametrize("text", ["0", "-1", "2G", "1.5Gi", "much", "99999999999999999"])
def test_memory_that_is_no_amount_is_refused(folder, text):
    done = chartly(folder, "run", "sales", "--max-memory", text)
    assert (done.code, done.err.count("\n")) == (REASONS[Reason.CONFIG_INVALID].exit_code, 1)
    assert "must be bytes, such as 1500Mi or 2Gi" in done.err


def test_a_system_that_does_not_tell_of_memory_is_told_of(folder, monkeypatch):
    monkeypatch.setattr("chartly_cli.commands.run.resident", lambda _process: 0)
    done = chartly(folder, "run", "sales", "--max-memory", "2Gi")
    assert (
        "--max-memory: cannot be enforced: this system does not report the memory of a process"
        in done.err
    )


def test_a_process_that_has_ended_has_no_memory():
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    assert resident(process.pid) == 0


def test_a_connector_that_dies_at_once_is_told_at_once(folder, monkeypatch):
    """A connector that never took its lock is not waited for."""
    started = local_launcher.subprocess.Popen

    def broken(command, **options):
        return started([sys.executable, "-c", "raise SystemExit(9)"], **options)

    monkeypatch.setattr(local_launcher.subprocess, "Popen", broken)
    before = time.monotonic()
    outcome = chartly(folder, "run", "sales")
    assert outcome.code == 12, outcome
    assert outcome.errors == [
        "error: PeerLost: the connector ended with code 9 and without saying how"
    ]
    assert time.monotonic() - before < 25


def test_a_connector_that_will_not_stop_is_killed(monkeypatch):
    monkeypatch.setattr(local_launcher, "_STOP_SECONDS", 0.2)
    script = (
        "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True)\n"
        "signal.pause()"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"1\n"
        local_launcher._stop(process)
        assert process.returncode == -signal.SIGKILL


def test_a_pipe_that_breaks_is_quiet_also_in_this_process(folder, monkeypatch, tmp_path):
    with (tmp_path / "out").open("w") as out:
        monkeypatch.setattr("sys.argv", ["chartly", "-C", str(folder), "validate"])
        monkeypatch.setattr("sys.stdout", out)
        monkeypatch.setattr("sys.stderr", out)
        monkeypatch.setattr(
            "chartly_cli.commands.validate.validate", raising(BrokenPipeError(32, "x"))
        )
        assert chartly_cli.__main__._run() == 0


def test_an_end_that_is_no_broken_pipe_goes_on(folder, monkeypatch):
    monkeypatch.setattr("chartly_cli.commands.validate.validate", raising(SystemExit(5)))
    with pytest.raises(SystemExit):
        chartly(folder, "validate")


def test_main_exits_with_the_code(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["chartly", "version"])
    monkeypatch.setattr("os._exit", sys.exit)
    with pytest.raises(SystemExit) as caught:
        chartly_cli.__main__.main()
    assert caught.value.code == 0
    assert capsys.readouterr().out.strip()
