"""Twenty runs of one workflow at once on a real API server, under operators that are killed."""

import asyncio
import json
import os
import random
import time
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

import pytest

from chartly.names import RUN_UID_LABEL
from chartly.reconcile.actions import Key
from chartly.reconcile.attempt_end import is_pod_over
from chartly.reconcile.objects import (
    condition_of,
    key_of,
    labels_of,
    name_of,
    status_of,
    uid_of,
    version_of,
)
from chartly_kube.connection import load_configuration
from chartly_kube.kube_client import KubeClient
from chartly_kube.kube_port import KubeError
from support.custom_resources import api_with_crds
from support.loops import settled
from support.operators import LEASE, OPTIONS, Operator

pytestmark = pytest.mark.timeout(3600)  # the first rig builds its programs where none are built
ROUNDS = int(os.environ.get("CHARTLY_TURN_ROUNDS", "1"))
"""The full form is 50."""
RUNS = {"Forbid": 20, "Queue": 20 if ROUNDS > 1 else 6}
LIMIT = 120.0
OPERATORS = 2


@pytest.fixture(scope="module")
def rig():
    with api_with_crds() as found:
        yield found


@asynccontextmanager
async def client(rig):
    port = KubeClient(await load_configuration({"KUBECONFIG": str(rig.kubeconfig)}))
    try:
        yield port
    finally:
        await port.close()
        await settled()


class Kubelet:
    """Ends each Pod after it was seen twice; and never sees two runs' Pods that go on."""

    def __init__(self, port, space, said):
        self._port, self._space, self._said = port, space, said
        self._seen = {}
        self.most = 0

    async def run(self):
        while True:
            with suppress(KubeError):
                await self._look()
            await asyncio.sleep(0.05)

    async def _look(self):
        pods = [
            one
            for one in await self._port.listed("Pod", self._space, lambda one: one)
            if not is_pod_over(one)
        ]
        self.most = max(self.most, len({labels_of(one)[RUN_UID_LABEL] for one in pods}))
        for one in pods:
            self._seen[uid_of(one)] = self._seen.get(uid_of(one), 0) + 1
            if self._seen[uid_of(one)] > 2:
                await self._end(one)

    async def _end(self, pod):
        rest = {"image": "x", "imageID": "", "ready": False, "restartCount": 0}
        states = zip(("loader", "connector"), self._said(), strict=True)
        ended = [{"name": name, "state": {"terminated": state}, **rest} for name, state in states]
        status = {"phase": "Succeeded", "containerStatuses": ended}
        key = key_of(pod)
        await self._port.apply_status(key, uid_of(pod), version_of(pod), status, "kubelet")


class Operators:
    """Two that run; now and then one is killed and another one begins."""

    def __init__(self, rig, lease):
        self._rig, self._lease, self._number = rig, lease, 0
        self._running = []

    async def __aenter__(self):
        self._running = [self._begun() for _ in range(OPERATORS)]
        await asyncio.gather(*(one.started.wait() for one in self._running))
        self._chaos = asyncio.create_task(self._kill())
        return self

    async def __aexit__(self, *_):
        self._chaos.cancel()
        await asyncio.gather(self._chaos, return_exceptions=True)
        for one in self._running:
            await one.stop()

    def _begun(self):
        self._number += 1
        options = replace(OPTIONS, identity=f"operator-{self._number}", lease=self._lease)
        return Operator(options, self._rig.kubeconfig)

    async def _kill(self):
        """Each is in the list as long as its thread may run, wherever this is cancelled."""
        while True:
            await asyncio.sleep(random.uniform(0.3, 2.5))
            place = random.randrange(OPERATORS)
            await self._running[place].kill()
            self._running[place] = self._begun()
            await self._running[place].started.wait()


def moved(documents, space, concurrency):
    text = json.dumps(documents).replace("tenant-demo-proj-sales", space)
    found = json.loads(text.replace("proj-sales", f"proj-{space}"))
    for one in found:
        if one["kind"] == "Workflow":
            one["spec"]["concurrency"] = concurrency
            one["spec"]["history"] = {"keepSucceeded": 50, "keepFailed": 50}
    return found


async def ready(port, space):
    key = Key("Workflow", space, "sales-onboard")
    while (condition_of(await port.get(key), "Ready") or {}).get("status") != "True":  # noqa: ASYNC110 - a server has no event
        await asyncio.sleep(0.2)


async def unfinished(port, space):
    """What each run that goes on says, for whoever has to find out why it does."""
    runs = await port.listed("WorkflowRun", space, lambda one: one)
    return {
        name_of(one): condition_of(one, "Succeeded")
        for one in runs
        if not status_of(one).get("outcome")
    }


@pytest.mark.parametrize("lease", [LEASE, None], ids=["lease", "no-lease"])
@pytest.mark.parametrize("concurrency", sorted(RUNS))
def test_one_of_many_runs_goes_on_at_a_time(rig, lease, concurrency, playbook, a_run, said):
    space = f"turns-{concurrency.lower()}-{'lease' if lease else 'none'}"
    for one in moved(playbook, space, concurrency):
        rig.apply(one, namespace=one["metadata"].get("namespace", "default"))

    async def scenario():
        async with client(rig) as port:
            kubelet = Kubelet(port, space, said)
            async with Operators(rig, lease):
                await asyncio.wait_for(ready(port, space), LIMIT)
                living = asyncio.create_task(kubelet.run())
                for number in range(ROUNDS):
                    began = time.monotonic()
                    try:
                        await asyncio.wait_for(one_round(port, number), LIMIT)
                    except TimeoutError:
                        raise AssertionError(
                            f"round {number}: {await unfinished(port, space)}"
                        ) from None
                    print(f"round {number}: {time.monotonic() - began:.1f} s")
                    assert kubelet.most == 1
                living.cancel()
                await asyncio.gather(living, return_exceptions=True)

    async def one_round(port, number):
        names = [f"sales-{number}-{place}" for place in range(RUNS[concurrency])]
        asked = [moved([a_run(name)], space, concurrency)[0] for name in names]
        await asyncio.gather(*(port.create(one) for one in asked))
        while True:
            runs = {
                name_of(one): one
                for one in await port.listed("WorkflowRun", space, lambda one: one)
                if name_of(one) in names
            }
            if all(status_of(one).get("outcome") for one in runs.values()):
                break
            await asyncio.sleep(0.1)
        check(list(runs.values()))

    def check(runs):
        assert len(runs) == RUNS[concurrency]
        reasons = [condition_of(one, "Succeeded")["reason"] for one in runs]
        attempts = [len(status_of(one).get("attempts", ())) for one in runs]
        if concurrency == "Queue":
            assert set(reasons) == {"Succeeded"}, reasons
            assert set(attempts) == {1}, [status_of(one)["attempts"] for one in runs]
        else:
            assert set(reasons) <= {"Succeeded", "ConcurrencyForbidden"}, reasons
            assert reasons.count("Succeeded") == attempts.count(1) >= 1

    asyncio.run(scenario())
