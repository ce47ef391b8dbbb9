"""Several operators with several workers each, stepped from one API call to the next.

Between any two calls of one of them, others act, watches lag, and it may die. The shell's own code
runs, over objects in memory.
"""

import copy
import types
from collections.abc import Coroutine, Generator, Mapping
from typing import Any

from chartly.names import FIELD_MANAGER, RUN_UID_LABEL
from chartly.reconcile.actions import Key, Object
from chartly.reconcile.attempt_end import is_pod_over
from chartly.reconcile.objects import is_being_deleted, labels_of, name_of, status_of, uid_of
from chartly.reconcile.profile_decision import decide_profile
from chartly.reconcile.run_decision import decide_run
from chartly.reconcile.workflow_decision import decide_workflow
from chartly_kube.kinds import WATCHED
from chartly_kube.kube_port import ANY, Kept, KubeError, Trim
from chartly_operator.cache import Cache
from chartly_operator.events import EventRecorder
from chartly_operator.gather import Decide, Gatherer
from chartly_operator.indexes import entries
from chartly_operator.intake import WatchIntake
from chartly_operator.metrics import Metrics
from chartly_operator.perform import Occupied, Performer
from chartly_operator.queue import WorkQueue
from support.fake_clock import FakeClock
from support.memory_port import MemoryPort
from support.small_cluster import GLOBAL, SETTINGS

DECIDERS: Mapping[str, Decide] = {
    "Profile": decide_profile,
    "Workflow": decide_workflow,
    "WorkflowRun": decide_run,
}
WORKERS = 3
GIVEN_UP = 5
"""Seconds after which a write is given up."""


@types.coroutine
def _pause() -> Generator[None, None, None]:
    yield


class Paused(MemoryPort):
    """Answers one call for each step."""

    async def listed(
        self,
        kind: str,
        namespace: str | None,
        trim: Trim[Kept],
        labels: Mapping[str, str] = ANY,
    ) -> list[Kept]:
        await _pause()
        return await super().listed(kind, namespace, trim, labels)

    async def get(self, key: Key) -> Object:
        await _pause()
        return await super().get(key)

    async def create(self, document: Object) -> Object:
        await _pause()
        return await super().create(document)

    async def apply_status(
        self,
        key: Key,
        uid: str,
        resource_version: str,
        status: Object,
        manager: str = FIELD_MANAGER,
    ) -> Object:
        await _pause()
        return await super().apply_status(key, uid, resource_version, status, manager)

    async def merge(self, key: Key, uid: str, patch: Object) -> Object:
        await _pause()
        return await super().merge(key, uid, patch)

    async def delete(self, key: Key, uid: str | None) -> Object | None:
        await _pause()
        return await super().delete(key, uid)


class Operator:
    """One operator: a view that lags, and workers that are each somewhere in a look."""

    def __init__(self, port: Paused, clock: FakeClock) -> None:
        self._port, self._clock = port, clock
        self.begin()

    def begin(self) -> None:
        """Starts anew: lists everything, and knows nothing else."""
        queue = WorkQueue(self._clock, lambda: 1.0)
        cache = Cache(entries)
        self.intake = WatchIntake(cache, queue, self._clock, lambda: True, GLOBAL)
        announcer = EventRecorder(self._port, self._clock, "me")
        self._gatherer = Gatherer(cache, self.intake, self._port, GLOBAL)
        self._performer = Performer(
            self._port, cache, self.intake, announcer, self._clock, lambda: True, Metrics()
        )
        self.looks: dict[Key, Coroutine[Any, Any, None]] = {}
        objects = self._port.objects
        for one in objects.by_key.values():
            if one["kind"] in WATCHED:
                self.intake.put(copy.deepcopy(one))
        self._seen = dict.fromkeys(WATCHED, len(objects.history))

    def die(self) -> None:
        for look in self.looks.values():
            look.close()
        self.begin()

    def watch(self, kind: str, count: int) -> None:
        """Is told the next changes of a kind."""
        history = self._port.objects.history
        for place in range(self._seen[kind], len(history)):
            if count == 0:
                return
            self._seen[kind] = place + 1
            if history[place].object["kind"] == kind:
                self.intake.event(history[place].type, copy.deepcopy(history[place].object))
                count -= 1

    def step(self, key: Key) -> None:
        """Goes on with the look at an object until just before the next call, or begins one."""
        if key not in self.looks:
            if len(self.looks) >= WORKERS:
                return
            self.looks[key] = self._look(key)
        try:
            self.looks[key].send(None)
        except StopIteration:
            del self.looks[key]

    async def _look(self, key: Key) -> None:
        try:
            world = await self._gatherer.world(key)
            if world is None:
                return
            for action in DECIDERS[key.kind](world, SETTINGS, self._clock.wall()).actions:
                await self._performer.perform(action)
        except (KubeError, Occupied):
            return


class Crowd:
    """Operators, one API server, and what a cluster does by itself."""

    def __init__(self, objects: list[Object], operators: int) -> None:
        self.clock = FakeClock()
        self.port = Paused()
        self.port.objects.now = self.clock.wall
        for one in objects:
            self.port.objects.create(dict(one))
        self.operators = [Operator(self.port, self.clock) for _ in range(operators)]

    def copied(self) -> "Crowd":
        """The same cluster, with operators that have just begun."""
        made = Crowd([], 0)
        made.port.objects = copy.deepcopy(self.port.objects)
        made.port.objects.now = made.clock.wall
        made.operators = [Operator(made.port, made.clock) for _ in self.operators]
        return made

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [one for key, one in self.port.objects.by_key.items() if key.kind == kind]

    def keys(self, *kinds: str) -> list[Key]:
        return sorted((key for key in self.port.objects.by_key if key.kind in kinds), key=str)

    def is_launching(self, key: Key) -> bool:
        """Whether some look at a run is under way."""
        return any(key in one.looks for one in self.operators)

    def settle(self) -> None:
        """Everybody learns everything and looks at everything until nothing changes."""
        for _ in range(60):
            before = self.port.objects.version
            for operator in self.operators:
                for kind in WATCHED:
                    operator.watch(kind, -1)
                for key in self.keys("Profile", "Workflow", "WorkflowRun"):
                    operator.step(key)
                    while key in operator.looks:
                        operator.step(key)
            if self.port.objects.version == before:
                return
        raise AssertionError("it never settles")

    def pass_time(self, seconds: float) -> None:
        """Time passes; what takes longer than a write may is given up."""
        self.clock.jump(seconds)
        if seconds >= GIVEN_UP:
            for operator in self.operators:
                for key in list(operator.looks):
                    operator.looks.pop(key).close()

    def start_pod(self, job: Object) -> None:
        """The Job's Pod; one is made once."""
        key = Key("Pod", job["metadata"]["namespace"], f"{name_of(job)}-pod")
        made = any(one.object["metadata"]["name"] == key.name and one.object["kind"] == "Pod"
                   and one.object["metadata"]["ownerReferences"][0]["uid"] == uid_of(job)
                   for one in self.port.objects.history)  # fmt: skip
        if made or is_being_deleted(job):
            return
        self.port.objects.create(
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {
                    "name": key.name,
                    "namespace": key.namespace,
                    "labels": labels_of(job),
                    # Removing its Job lets it go on for a while.
                    "finalizers": ["it/ends"],
                    "ownerReferences": [{"uid": uid_of(job), "kind": "Job", "controller": True}],
                },
                "status": {"phase": "Running"},
            }
        )

    def end_pod(self, pod: Object, loader: Object) -> None:
        states = {"loader": loader, "connector": {"exitCode": 0}}
        status = {
            "phase": "Succeeded" if loader.get("exitCode") == 0 else "Failed",
            "containerStatuses": [
                {"name": name, "state": {"terminated": dict(state)}}
                for name, state in states.items()
            ],
        }
        key = Key("Pod", pod["metadata"]["namespace"], name_of(pod))
        self.port.objects.update(key, lambda one: {**one, "status": status}, status=True)
        going = "deletionTimestamp" in pod["metadata"]
        self.port.objects.update(
            key, lambda one: {**one, "metadata": {**one["metadata"], "finalizers": []}}
        )
        if going and key in self.port.objects.by_key:
            self.port.objects.delete(key, None)

    def running(self) -> set[str]:
        """The uids of runs that have a Pod which is not over."""
        return {labels_of(one)[RUN_UID_LABEL] for one in self.of("Pod") if not is_pod_over(one)}

    def attempts(self, run: Object) -> list[dict[str, Any]]:
        return list(status_of(run).get("attempts") or ())
