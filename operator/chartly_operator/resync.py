"""Lists everything regularly, which finds the changes and deletions that no watch reported."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime

from chartly.reconcile.actions import Key, Object, Remove
from chartly.reconcile.objects import key_of, uid_of
from chartly_kube.kinds import OWN, WATCHED
from chartly_kube.kube_port import KubeError, KubePort, NotFound
from chartly_operator import indexes
from chartly_operator.cache import Cache
from chartly_operator.clock import Clock
from chartly_operator.intake import WatchIntake
from chartly_operator.perform import NotLeading, Performer
from chartly_operator.queue import WorkQueue
from chartly_operator.relevance import is_settled
from chartly_operator.trimming import Trimmed, trim

logger = logging.getLogger(__name__)
Sweep = Callable[[Iterable[Object], Iterable[Object], datetime], Sequence[Remove]]
"""Frozen inputs of one namespace that none of its runs uses, by ConfigMaps and runs."""
_SPREAD = 60.0
_RETRY = 5.0


class Resync:
    """Lists every kind, every ``period`` seconds and on request.

    Args:
        namespaces: the only ones to list; empty for all.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - everything that a list touches
        self,
        port: KubePort,
        cache: Cache,
        intake: WatchIntake,
        queue: WorkQueue,
        performer: Performer,
        clock: Clock,
        leading: Callable[[], bool],
        chance: Callable[[], float],
        sweep: Sweep,
        namespaces: Sequence[str],
        period: float,
    ) -> None:
        self._port, self._cache, self._intake, self._queue = port, cache, intake, queue
        self._performer, self._clock, self._leading = performer, clock, leading
        self._chance, self._sweep = chance, sweep
        self._namespaces, self._period = tuple(namespaces), period
        self._requested = asyncio.Event()
        self.warm = False
        """Whether everything has been listed once."""
        self.last_success = float("-inf")

    def ask(self) -> None:
        """Requests a list now."""
        self._requested.set()

    async def run(self) -> None:
        """Lists until it is cancelled."""
        while True:
            self._requested.clear()
            good = await self._tried()
            # Not every replica at the same instant.
            pause = self._period * (0.9 + self._chance() / 10) if good else _RETRY
            await self._clock.wait(self._requested, pause)

    async def _tried(self) -> bool:
        try:
            await self.once()
            if self._leading():
                self._queue.add_all(self.needy(), spread=_SPREAD)
                await self._swept()
        except NotLeading:
            return True
        except KubeError as error:
            logger.warning("cannot list everything: %s", error)
            return False
        return True

    async def once(self) -> None:
        """Makes the cache what the cluster is."""
        for kind in WATCHED:
            # Only what was cached before the list began and is not in it has been deleted.
            cached = self._cache.find(indexes.KIND, kind)
            listed = set()
            for resource in await self._listed(kind):
                listed.add(uid_of(resource))
                self._intake.take(resource)
            for absent in cached:
                if uid_of(absent) not in listed:
                    self._intake.drop(absent)
        self.warm = True
        self.last_success = self._clock.now()

    def needy(self) -> Iterator[Key]:
        """Every object to decide on; settled runs are left out."""
        for kind in OWN:
            for resource in self._cache.find(indexes.KIND, kind):
                if kind != "WorkflowRun" or not is_settled(self._cache, resource):
                    yield key_of(resource)

    async def _listed(self, kind: str) -> list[Trimmed]:
        if not self._namespaces:
            return await self._port.listed(kind, None, trim)
        if kind == "Namespace":
            spaces = [await self._namespace(name) for name in self._namespaces]
            return [space for space in spaces if space is not None]
        resources: list[Trimmed] = []
        for namespace in self._namespaces:
            resources += await self._port.listed(kind, namespace, trim)
        return resources

    async def _namespace(self, name: str) -> Trimmed | None:
        """One namespace: a Role of its own allows to get it, but not to list all."""
        try:
            return trim(await self._port.get(Key("Namespace", "", name)))
        except NotFound:
            return None

    async def _swept(self) -> None:
        by_place: dict[str, list[Object]] = {}
        for config in self._cache.find(indexes.KIND, "ConfigMap"):
            by_place.setdefault(key_of(config).namespace, []).append(config)
        for namespace, configs in by_place.items():
            runs = self._cache.find(indexes.PLACE, ("WorkflowRun", namespace))
            for action in self._sweep(configs, runs, self._clock.wall()):
                await self._performer.perform(action)
