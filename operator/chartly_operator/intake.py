"""Where all that is seen of the cluster comes in: watches, lists, answers to our writes."""

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
    """Puts what is seen into the cache, and what that concerns into the queue.

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
        """When a watch last told anything."""

    def event(self, kind: str | None, found: dict[str, Any]) -> None:
        """Takes an event of a watch."""
        self.last_event = self._clock.now()
        if kind == "DELETED":
            self.drop(found)
        else:
            self.put(found)

    def told(self, event: WatchEvent[Trimmed]) -> None:
        """Takes what a stream tells."""
        self.last_event = self._clock.now()
        if event.object is None:
            return
        if event.type == "DELETED":
            self.drop(event.object)
        else:
            self.take(event.object)

    def put(self, found: Object) -> None:
        """Takes an object as it is, from whatever answer."""
        self.take(trim(found))

    def take(self, found: Trimmed) -> None:
        """Takes an object that was made small when it came."""
        self._notice(self._cache.put(found))

    def drop(self, found: Object) -> None:
        """Takes an object as deleted."""
        self._notice(self._cache.drop(found))

    def lost(self, key: Key) -> None:
        """Takes an address as empty, of which no deletion was seen."""
        found = self._cache.get(key)
        if found is not None:
            self.drop(found)

    def _notice(self, change: Change | None) -> None:
        if change is None or not self._leading():
            return
        for key in affected(self._cache, change, self._global):
            self._queue.add(key)
