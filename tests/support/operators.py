"""Operators against the fake API server: whole ones, each in a thread with a loop of its own.

They need loops of their own because kopf, when it ends, cancels whatever is younger in its loop.
"""

import asyncio
import contextlib
import random
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from chartly.reconcile.actions import Key, Object
from chartly.reconcile.sweep import unused_snapshots
from chartly.reconcile.world import Settings
from chartly_kube.connection import credentials, load_configuration
from chartly_kube.kube_client import KubeClient
from chartly_kube.lease import Terms
from chartly_operator.__main__ import DECIDERS
from chartly_operator.clock import SystemClock
from chartly_operator.gather import Decide
from chartly_operator.metrics import Metrics
from chartly_operator.operator_process import Dependencies, OperatorProcess
from chartly_operator.settings import OperatorOptions
from chartly_operator.tasks import Ended
from support.fake_api import FakeApi, kubeconfig
from support.loops import settled

QUICK = Terms(duration=1.5, renew_deadline=1.0, retry=0.2)
OPTIONS = OperatorOptions(
    decisions=Settings(connector_image="connector:1", loader_image="loader:1"),
    identity="operator-a",
    lease=None,
    terms=QUICK,
    workers=4,
    listen=("127.0.0.1", 0),
)
LEASE = ("chartly-global", "chartly-operator")


class _Client(KubeClient):
    """A client whose process can die: from then on nothing leaves it."""

    severed = False

    async def _exchange(self, *arguments: Any) -> Any:
        if self.severed:
            raise ConnectionResetError
        return await super()._exchange(*arguments)


@dataclass
class Operator:
    """One operator that runs."""

    options: OperatorOptions
    config: Path
    deciders: Mapping[str, Decide] = field(default_factory=lambda: DECIDERS)
    error: BaseException | None = None

    def __post_init__(self) -> None:
        self._home = asyncio.get_running_loop()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._client: _Client | None = None
        self.started, self.ended = asyncio.Event(), asyncio.Event()
        self.app: OperatorProcess | None = None
        self._thread = threading.Thread(target=self._main, name=self.options.identity)
        self._thread.start()

    @property
    def running(self) -> OperatorProcess:
        assert self.app is not None
        return self.app

    @property
    def health(self) -> str:
        return f"http://127.0.0.1:{self.running.health_port}"

    @property
    def metrics(self) -> str:
        return self.running.metrics.text().decode()

    def resync(self) -> None:
        """Makes it list everything now."""
        self._call(self.running.resync.ask)

    async def stop(self) -> None:
        """Ends it as SIGTERM does."""
        if self._stop is not None:
            self._call(self._stop.set)
        await self.ended.wait()
        self._thread.join()

    async def kill(self) -> None:
        """Ends it as SIGKILL does, as far as anybody outside can tell."""
        if self._client is not None:
            self._client.severed = True
        await self.stop()

    def _call(self, function: Callable[[], object]) -> None:
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # it has ended by itself
                self._loop.call_soon_threadsafe(function)

    def _main(self) -> None:
        try:
            asyncio.run(self._run())
        except Ended as error:
            self.error = error
        finally:
            self._home.call_soon_threadsafe(self.ended.set)

    async def _run(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        configuration = await load_configuration({"KUBECONFIG": str(self.config)})
        metrics = Metrics()
        self._client = _Client(configuration, metrics.called)
        given = Dependencies(
            port=self._client,
            streams=self._client,
            metrics=metrics,
            credentials=lambda: credentials(configuration),
            deciders=self.deciders,
            sweep=unused_snapshots,
            clock=SystemClock(),
            chance=random.random,
            signals=lambda: None,
        )
        self.app = OperatorProcess(self.options, given)
        self._home.call_soon_threadsafe(self.started.set)
        try:
            await self.app.run(self._stop)
        finally:
            await self._client.close()
            await settled()


@contextlib.asynccontextmanager
async def operating(fake: FakeApi, folder: Path, **changes: Any) -> AsyncIterator[Operator]:
    """An operator until the block ends; ``changes`` are fields of OperatorOptions, and ``deciders``."""
    deciders = changes.pop("deciders", DECIDERS)
    operator = Operator(replace(OPTIONS, **changes), kubeconfig(fake, folder), deciders)
    await operator.started.wait()
    try:
        yield operator
    finally:
        await operator.stop()


@dataclass
class Kubelet:
    """What a cluster does about Jobs: a Pod that runs and ends, then the Job's end.

    Attributes:
        ends: the terminated states of loader and connector, by the Job's name.
    """

    fake: FakeApi
    ends: Callable[[str], tuple[Object, Object]]
    pause: float = 0.02

    def __post_init__(self) -> None:
        self.fake.hooks.append(self._changed)

    def _changed(self, kind: str, found: dict[str, Any]) -> None:
        if kind == "ADDED" and found["kind"] == "Job":
            asyncio.get_running_loop().call_later(self.pause, self._start, found)

    def _start(self, job: dict[str, Any]) -> None:
        metadata = job["metadata"]
        if Key("Job", metadata["namespace"], metadata["name"]) not in self.fake.objects.by_key:
            return
        owner = {"kind": "Job", "name": metadata["name"], "uid": metadata["uid"]}
        name = f"{metadata['name']}-pod"
        self.fake.add(
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {
                    "name": name,
                    "namespace": metadata["namespace"],
                    "labels": job["spec"]["template"]["metadata"]["labels"],
                    "ownerReferences": [{**owner, "apiVersion": "batch/v1", "controller": True}],
                },
                "status": {"phase": "Pending"},
            }
        )
        loader, connector = self.ends(metadata["name"])
        states = {"loader": loader, "connector": connector}
        good = all(one.get("exitCode") == 0 for one in states.values())
        ended = {
            "phase": "Succeeded" if good else "Failed",
            "containerStatuses": [
                {"name": name, "state": {"terminated": state}} for name, state in states.items()
            ],
        }
        over = {"type": "Complete" if good else "Failed", "status": "True"}
        pod = Key("Pod", metadata["namespace"], name)
        steps: list[tuple[Key, Object]] = [
            (pod, {"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "True"}]}),
            (pod, {"phase": "Running"}),
            (pod, ended),
            (Key("Job", metadata["namespace"], metadata["name"]), {"conditions": [over]}),
        ]
        for number, (key, status) in enumerate(steps, 1):
            step = partial(self._set, key, dict(status))
            asyncio.get_running_loop().call_later(self.pause * number, step)

    def _set(self, key: Key, status: dict[str, Any]) -> None:
        if key in self.fake.objects.by_key:
            self.fake.set_status(key, status)
