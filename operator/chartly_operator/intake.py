"""The entrance of everything seen of the cluster: watch events, lists, answers to our writes."""

from collections.abc import Callable
from typing import Any

from chartly.reconcile.actions import Key, Object
from chartly_kube.kube_port import WatchEvent
from chartly_operator.cache import Cache, Change
from chartly_operator.clock import Clock
from chartly_operator.queue import WorkQueue
from chartly_operator.relevance import affected
from chartly_operator.trimming import Trimmed, trim


class WatchIntake:
    """Stores objects in the cache, and enqueues the objects that a change affects.

    Args:
        leading: whether this process may act; others only keep their cache warm.
    """

    def __init__(
        self,
        cache: Cache,
        queue: WorkQueue,
        clock: Clock,
        leading: Callable[[], bool],
        global_namespace: str,
    ) -> None:
        self._cache, self._queue, self._clock, self._leading = cache, queue, clock, leading
        self._global = global_namespace
        self.last_event = float("-inf")
        """The time of the last watch event."""

    def event(self, kind: str | None, resource: dict[str, Any]) -> None:
        """Receives an event of a kopf watch."""
        self.last_event = self._clock.now()
        if kind == "DELETED":
            self.drop(resource)
        else:
            self.put(resource)

    def receive(self, event: WatchEvent[Trimmed]) -> None:
        """Receives an event of a stream."""
        self.last_event = self._clock.now()
        if event.object is None:
            return
        if event.type == "DELETED":
            self.drop(event.object)
        else:
            self.take(event.object)

    def put(self, resource: Object) -> None:
        """Stores an object from an answer or event, trimmed."""
        self.take(trim(resource))

    def take(self, resource: Trimmed) -> None:
        """Stores an object that is trimmed already."""
        self._notice(self._cache.put(resource))

    def drop(self, resource: Object) -> None:
        """Removes a deleted object."""
        self._notice(self._cache.drop(resource))

    def lost(self, key: Key) -> None:
        """Removes whatever object was at an address that turned out to be empty."""
        resource = self._cache.get(key)
        if resource is not None:
            self.drop(resource)

    def _notice(self, change: Change | None) -> None:
        if change is None or not self._leading():
            return
        for key in affected(self._cache, change, self._global):
            self._queue.add(key)
