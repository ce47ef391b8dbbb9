"""The process: what it exits with and what it says, as its Pod's log shows it."""

import asyncio
import json
import logging
import os
import signal
import subprocess
import sys

import pytest

from chartly_operator.__main__ import DECIDERS, main
from chartly_operator.logs import JsonFormatter, set_up
from chartly_operator.tasks import Ended, Tasks, finish_or_cancel
from support.fake_api import TOKEN, fake_api, kubeconfig

COMMAND = (
    *(sys.executable, "-m", "chartly_operator"),
    *("--connector-image", "c:1", "--loader-image", "l:1"),
    *("--listen", "127.0.0.1:0", "--lease-namespace", "chartly-global"),
)


def lines(text):
    return [json.loads(one) for one in text.splitlines()]


async def started(fake, folder, *arguments):
    environment = {**os.environ, "KUBECONFIG": str(kubeconfig(fake, folder)), "POD_NAME": "pod-0"}
    return await asyncio.create_subprocess_exec(
        *COMMAND, *arguments, env=environment, stderr=subprocess.PIPE
    )


def space(name):
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def test_sigterm_ends_it_well_and_gives_the_lease_back(play, tmp_path):
    async def scenario():
        async with fake_api([space("chartly-global")]) as fake:
            process = await started(fake, tmp_path)
            await fake.until(lambda: fake.watches("WorkflowRun") == 1)
            (lease,) = [one for one in fake.objects.by_key.values() if one["kind"] == "Lease"]
            assert lease["spec"]["holderIdentity"].startswith("pod-0.")
            process.send_signal(signal.SIGTERM)
            _, said = await process.communicate()
            assert process.returncode == 0
            (lease,) = [one for one in fake.objects.by_key.values() if one["kind"] == "Lease"]
            assert lease["spec"]["holderIdentity"] == ""
            told = lines(said.decode())
            assert [one["level"] for one in told] == ["info"]
            assert told[0]["message"].endswith("leads now")
            assert TOKEN not in said.decode()

    play(scenario)


def test_a_watch_that_fails_ends_it_with_one_line_and_no_traceback(play, tmp_path):
    async def scenario():
        async with fake_api([space("chartly-global")]) as fake:
            process = await started(fake, tmp_path)
            await fake.until(lambda: fake.watches("Workflow") == 1)
            broken = {"type": "ERROR", "object": {"code": 500, "message": "etcd"}}
            fake.send("Workflow", broken)
            _, said = await process.communicate()
            assert process.returncode == 1
            told = lines(said.decode())
            last = told[-1]
            assert (last["level"], last["message"]) == (
                "critical",
                "the watch failed: WatchingError",
            )
            assert "Traceback" not in said.decode()

    play(scenario)


def test_without_an_api_server_to_ask_it_says_where_it_looked(tmp_path):
    environment = {**os.environ, "KUBECONFIG": str(tmp_path / "nothing")}
    done = subprocess.run(COMMAND, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 3
    (told,) = lines(done.stderr)
    assert told["level"] == "critical"
    assert told["message"].startswith("cannot tell where the API server is: ")


def test_bad_arguments_are_a_mistake_of_use(capsys):
    with pytest.raises(SystemExit) as raised:
        main(["--workers", "0"])
    assert raised.value.code == 2


def test_every_kind_of_ours_is_decided_on():
    assert set(DECIDERS) == {"Profile", "Workflow", "WorkflowRun"}


def test_a_record_is_one_line_of_json():
    error = (ValueError, ValueError("canary-secret"), None)
    record = logging.LogRecord("x", 40, "f", 1, "a\n%s", ("ü",), error)
    text = JsonFormatter().format(record)
    found = json.loads(text)
    assert "\n" not in text
    assert found.items() >= {"level": "error", "message": "a\nü", "error": "ValueError"}.items()
    assert "canary" not in text


def test_kopf_is_heard_from_warnings_on():
    root = logging.getLogger()
    before = root.handlers[:], root.level
    try:
        set_up("debug")
        assert root.level == logging.DEBUG
        assert logging.getLogger("kopf").level == logging.WARNING
        set_up("error")
        assert logging.getLogger("kopf.objects").level == logging.ERROR
    finally:
        root.handlers[:], root.level = before
        for name in ("kopf", "kopf.objects", "kopf.activities"):
            logging.getLogger(name).setLevel(logging.NOTSET)


def test_tasks_end_together():
    async def forever():
        await asyncio.Event().wait()

    async def brief():
        return

    async def bad():
        raise ValueError("canary-secret")

    async def refuses():
        raise Ended("why")

    async def scenario(work, last):
        tasks, stop = Tasks(), asyncio.Event()
        tasks.start("the work", work())
        task = asyncio.create_task(last(), name="the last")
        try:
            await tasks.until(stop, task)
        finally:
            await tasks.cancel()
            await finish_or_cancel(task, 0)

    asyncio.run(scenario(forever, brief))
    for work, last, sentence in (
        (brief, forever, "the work ended, which it never should"),
        (bad, forever, "the work failed: ValueError"),
        (forever, bad, "the last failed: ValueError"),
        (forever, refuses, "why"),
    ):
        with pytest.raises(Ended) as raised:
            asyncio.run(scenario(work, last))
        assert str(raised.value) == sentence
