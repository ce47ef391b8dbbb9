"""Reconciles one object after the other: gathers, decides, acts, enqueues it again."""

import logging
import traceback
from collections.abc import Mapping

from chartly.reconcile.actions import Key
from chartly.reconcile.decision_failure import failure_actions
from chartly.reconcile.world import Settings
from chartly_kube.kube_port import Conflict, NotFound, Refused, Unavailable
from chartly_operator.breaker import Breaker
from chartly_operator.clock import Clock
from chartly_operator.gather import Decide, Gatherer
from chartly_operator.metrics import Metrics
from chartly_operator.perform import NotLeading, Occupied, Performer
from chartly_operator.queue import WorkQueue

logger = logging.getLogger(__name__)
_FAILURES: Mapping[type[Exception], tuple[str, float]] = {
    # The newest version is in the cache already.
    Conflict: ("conflict", 0.05),
    NotFound: ("gone", 1.0),
    Occupied: ("occupied", 1.0),
    Refused: ("refused", 1.0),
    Unavailable: ("unavailable", 1.0),
}
"""The outcome that a failure is counted as, and the seconds until the first retry."""


class Worker:
    """One of several that share a queue.

    Args:
        deciders: the decision of each kind.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - everything that a look touches
        self,
        queue: WorkQueue,
        gatherer: Gatherer,
        performer: Performer,
        deciders: Mapping[str, Decide],
        settings: Settings,
        clock: Clock,
        breaker: Breaker,
        metrics: Metrics,
    ) -> None:
        self._queue, self._gatherer, self._performer = queue, gatherer, performer
        self._deciders, self._settings = deciders, settings
        self._clock, self._breaker, self._metrics = clock, breaker, metrics

    async def run(self) -> None:
        """Works until it is cancelled."""
        while True:
            await self.look(await self._queue.get())

    async def look(self, key: Key) -> None:
        """Reconciles an object once, and gives its key back to the queue."""
        started = self._clock.now()
        wait = self._breaker.admit(key, started)
        if self._breaker.is_newly_slowed(key, slowed=wait > 0):
            logger.warning("%s changes too often; it is reconciled less often from now on", key)
        if wait > 0:
            outcome = "slowed"
            self._queue.done(key, wait)
        else:
            outcome = await self._tried(key)
        self._metrics.looked(key.kind, outcome, self._clock.now() - started)

    async def _tried(self, key: Key) -> str:
        """The outcome of one try; the key is given back to the queue accordingly."""
        try:
            outcome, again = await self._reconciled(key)
        except (Conflict, NotFound, Occupied, Refused, Unavailable) as error:
            outcome, first = _FAILURES[type(error)]
            wait = error.retry_after if isinstance(error, Unavailable) else None
            return self._again(key, outcome, error, first, wait or 0.0)
        except NotLeading:
            outcome, again = "stopped", None
        except Exception as error:  # noqa: BLE001 - one object's bug must not stop the others
            await self._report(key, error)
            return self._again(key, "bug", error)
        self._queue.done(key, again)
        return outcome

    async def _reconciled(self, key: Key) -> tuple[str, float | None]:
        world = await self._gatherer.world(key)
        if world is None:
            return "gone", None
        decision = self._deciders[key.kind](world, self._settings, self._clock.wall())
        for action in decision.actions:
            await self._performer.perform(action)
        if decision.actions:
            done = " ".join(type(action).__name__ for action in decision.actions)
            logger.info("%s: %s", key, done)
        return "acted" if decision.actions else "unchanged", decision.look_again

    async def _report(self, key: Key, error: Exception) -> None:
        """Writes the failure to the object's own status; a failure of that write is logged."""
        resource = self._gatherer.cached(key)
        if resource is None:
            return
        try:
            for action in failure_actions(resource, _where(error), self._clock.wall()):
                await self._performer.perform(action)
        except Exception as another:  # noqa: BLE001 - the first failure is what counts
            logger.info("%s: the failure cannot be reported: %s", key, _where(another))

    def _again(
        self, key: Key, outcome: str, error: Exception, first: float = 1.0, at_least: float = 0.0
    ) -> str:
        delay = self._queue.failed(key, first, at_least)
        cause = _where(error) if outcome == "bug" else str(error)
        level = logging.ERROR if outcome == "bug" else logging.INFO
        logger.log(level, "%s: %s: %s; again in %.1f s", key, outcome, cause, delay)
        return outcome


def _where(error: Exception) -> str:
    """File, line and kind; an unexpected error's own text may contain a secret, and is left out."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{frames[-1].filename.rpartition('/')[2]}:{frames[-1].lineno}" if frames else "nowhere"
    return f"{place}: {type(error).__name__}"
