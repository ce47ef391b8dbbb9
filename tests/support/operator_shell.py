"""The operator's shell around a decision that the test makes, over objects in memory."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from chartly.names import ATTEMPT_LABEL, MANAGED_BY, OURS, PROJECT_LABEL, TENANT_LABEL
from chartly.reconcile.actions import ApplyStatus, Decision, Key, Object
from chartly.reconcile.objects import key_of, uid_of, version_of
from chartly.reconcile.world import Settings
from chartly_kube.kinds import WATCHED
from chartly_operator.breaker import Breaker
from chartly_operator.cache import Cache
from chartly_operator.events import EventRecorder
from chartly_operator.gather import Gatherer
from chartly_operator.indexes import entries
from chartly_operator.intake import WatchIntake
from chartly_operator.metrics import Metrics
from chartly_operator.perform import Performer
from chartly_operator.queue import WorkQueue
from chartly_operator.worker import Worker
from support.fake_clock import FakeClock
from support.memory_port import MemoryPort

SPACE: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Namespace",
    "metadata": {"name": "a", "labels": {TENANT_LABEL: "t", PROJECT_LABEL: "p"}},
}
RUN: dict[str, Any] = {
    "apiVersion": "chartly.io/v1alpha1",
    "kind": "WorkflowRun",
    "metadata": {"name": "r", "namespace": "a"},
    "spec": {"workflowRef": {"name": "w"}},
}
KEY = Key("WorkflowRun", "a", "r")
JOB = Key("Job", "a", "r-a1")


@dataclass
class Shell:
    """The shell around a decision that the test makes."""

    decide: Callable[[Any], Decision] | None = None
    port: MemoryPort = field(default_factory=MemoryPort)
    leads: bool = True
    worlds: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.clock, self.metrics = FakeClock(), Metrics()
        self.port.objects.now = self.clock.wall
        for one in (SPACE, RUN):
            self.port.objects.create(one)
        self.cache = Cache(entries)
        self.queue = WorkQueue(self.clock, lambda: 1.0)
        self.intake = WatchIntake(
            self.cache, self.queue, self.clock, lambda: self.leads, "chartly-global"
        )
        announcer = EventRecorder(self.port, self.clock, "me")
        leading = lambda: self.leads  # noqa: E731 - asked at the moment
        self.performer = Performer(
            self.port, self.cache, self.intake, announcer, self.clock, leading, self.metrics
        )
        gatherer = Gatherer(self.cache, self.intake, self.port, "chartly-global")
        self.worker = Worker(
            self.queue,
            gatherer,
            self.performer,
            dict.fromkeys(("Profile", "Workflow", "WorkflowRun"), self._decide),
            Settings(connector_image="c", loader_image="l"),
            self.clock,
            Breaker(),
            self.metrics,
        )
        self.see()

    def _decide(self, world: Any, settings: Settings, now: datetime) -> Decision:
        self.worlds.append(world)
        assert now == self.clock.wall(), now
        assert settings.loader_image == "l", settings
        return self.decide(world) if self.decide else Decision()

    def see(self) -> None:
        """What a watch tells."""
        for one in list(self.port.objects.by_key.values()):
            if one["kind"] in WATCHED:
                self.intake.put(one)

    @property
    def run(self) -> Object:
        return self.port.objects.by_key[KEY]

    async def look(self, key: Key = KEY) -> str:
        """One look; the outcome as it was counted."""
        self.queue.add(key)
        while (taken := self.queue.take()) not in {key, None}:
            self.queue.done(taken)
        before = self.counts()
        await self.worker.look(key)
        after = self.counts()
        (changed,) = [name for name in after if after[name] != before.get(name, 0)]
        return changed.partition('outcome="')[2].partition('"')[0]

    def counts(self) -> dict[str, float]:
        lines = self.metrics.text().decode().splitlines()
        return {
            one.rpartition(" ")[0]: float(one.rpartition(" ")[2])
            for one in lines
            if one.startswith("chartly_reconcile_total{")
        }

    def due_in(self) -> int | None:
        """Seconds until the run is due again; None if it is not."""
        for seconds in range(400):
            if self.queue.take() == KEY:
                return seconds
            self.clock.jump(1)
        return None


def play(scenario: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(scenario())


def told(run: Object, **status: Any) -> ApplyStatus:
    return ApplyStatus(key_of(run), uid_of(run), version_of(run), status)


def job_of(run: Object, owner: str | None = None) -> dict[str, Any]:
    """The Job of the run's first attempt; ``owner`` is the uid of another run that has it."""
    reference = {
        "kind": "WorkflowRun",
        "name": "r",
        "uid": owner or uid_of(run),
        "controller": True,
    }
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": "r-a1",
            "namespace": "a",
            "labels": {MANAGED_BY: OURS, ATTEMPT_LABEL: "1"},
            "ownerReferences": [reference],
        },
        "spec": {},
    }
