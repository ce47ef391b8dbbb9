"""Performs the actions of decisions in order, as long as this process leads."""

from collections.abc import Callable
from typing import assert_never

from chartly.names import ATTEMPT_LABEL
from chartly.reconcile.actions import (
    Action,
    ApplyData,
    ApplyStatus,
    Create,
    Key,
    Object,
    Post,
    Remove,
    SetTtl,
    TakeTurn,
)
from chartly.reconcile.objects import key_of, status_of
from chartly_kube.kube_port import AlreadyExists, Conflict, KubeError, KubePort, NotFound
from chartly_operator import indexes
from chartly_operator.cache import Cache
from chartly_operator.clock import Clock
from chartly_operator.events import EventRecorder
from chartly_operator.intake import WatchIntake
from chartly_operator.metrics import Metrics
from chartly_operator.turns import Turns


class NotLeading(Exception):  # noqa: N818 - it names what it is
    """This process does not hold the Lease, and may not act."""


class Occupied(Exception):  # noqa: N818 - it names what it is
    """An object of that name has another owner; it may be deleted later."""


class Performer:
    """Performs actions; each is safe to repeat, whether its answer arrived or not."""

    def __init__(  # noqa: PLR0913, PLR0917 - everything that an action touches
        self,
        port: KubePort,
        cache: Cache,
        intake: WatchIntake,
        announcer: EventRecorder,
        clock: Clock,
        leading: Callable[[], bool],
        metrics: Metrics,
    ) -> None:
        self._port, self._cache, self._intake = port, cache, intake
        self._announcer, self._clock, self._leading = announcer, clock, leading
        self._metrics = metrics
        self._turns = Turns(port, cache, intake, clock)

    async def perform(self, action: Action) -> None:
        """Performs one action.

        Raises:
            NotLeading: it was not begun.
            Occupied: an object of another owner has the name.
            KubeError: it was refused, or its result is unknown.
        """
        if not self._leading():
            raise NotLeading
        match action:
            case Create():
                await self._create(action)
            case ApplyStatus():
                await self._apply(action)
            case TakeTurn():
                await self._turns.take(action)
            case ApplyData():
                await self._add(action)
            case SetTtl():
                await self._set_ttl(action)
            case Remove():
                await self._remove(action)
            case Post():
                await self._announcer.post(action)
            case _:
                assert_never(action)

    async def _create(self, action: Create) -> None:
        key = key_of(action.document)
        if action.owner is None and self._cache.get(key) is not None:
            # Frozen inputs that many runs share; if they were just deleted, that enqueues the run.
            return
        try:
            made = await self._port.create(action.document)
        except AlreadyExists:
            await self._adopt(key, action.owner)
            return
        self._intake.put(made)
        self._count_start(made)

    async def _adopt(self, key: Key, owner: str | None) -> None:
        """Accepts an existing object of that name.

        Raises:
            Occupied: it has another owner.
        """
        try:
            resource = await self._port.get(key)
        except NotFound:
            raise Occupied(f"{key} was there and is gone") from None
        self._intake.put(resource)
        controller = indexes.controller_of(resource)
        if owner is not None and (controller is None or controller["uid"] != owner):
            raise Occupied(f"{key} belongs to another owner")

    async def _apply(self, action: ApplyStatus) -> None:
        before = self._cache.get(action.key)
        try:
            after = await self._port.apply_status(
                action.key, action.uid, action.resource_version, action.status
            )
        except (Conflict, NotFound):
            await self.refresh(action.key)
            raise
        self._intake.put(after)
        if before is not None and action.key.kind == "WorkflowRun":
            self._count_end(before, after)

    async def _add(self, action: ApplyData) -> None:
        try:
            resource = await self._port.add_data(action.key, action.labels, action.data)
        except Conflict:
            await self.refresh(action.key)
            raise
        self._intake.put(resource)

    async def _set_ttl(self, action: SetTtl) -> None:
        """Sets the TTL of a Job; one that is gone, or whose name another has, needs none."""
        patch = {"spec": {"ttlSecondsAfterFinished": action.seconds}}
        try:
            self._intake.put(await self._port.merge(action.key, action.uid, patch))
        except (NotFound, Conflict):
            await self.refresh(action.key)

    async def _remove(self, action: Remove) -> None:
        cached = self._cache.get(action.key)
        try:
            kept = await self._port.delete(action.key, action.uid)
        except (NotFound, Conflict):
            await self.refresh(action.key)
            return
        if kept is not None:
            self._intake.put(kept)
        elif cached is not None and action.uid in {None, cached["metadata"]["uid"]}:
            self._intake.drop(cached)

    async def refresh(self, key: Key) -> None:
        """Reads an object into the cache; on failure the watch brings it later."""
        try:
            self._intake.put(await self._port.get(key))
        except NotFound:
            self._intake.lost(key)
        except KubeError:
            return

    def _count_start(self, made: Object) -> None:
        if made["kind"] != "Job" or made["metadata"]["labels"].get(ATTEMPT_LABEL) != "1":
            return
        key = indexes.run_of_job(made)
        run = None if key is None else self._cache.get(key)
        if run is not None:
            self._metrics.started(run, self._clock.wall())

    def _count_end(self, before: Object, after: Object) -> None:
        """Counts a finished run where the outcome was written: once, however many operators."""
        if status_of(before).get("outcome") or not status_of(after).get("outcome"):
            return
        namespace = self._cache.get(Key("Namespace", "", after["metadata"]["namespace"]))
        project = None if namespace is None else indexes.project_labels(namespace)
        self._metrics.ended(after, project or ("", ""), self._clock.wall())
