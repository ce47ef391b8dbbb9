"""Follows Namespaces and what the operator creates: Jobs, Pods, ConfigMaps.

Kopf watches our own kinds. The kinds here change ten times in a run and most of their fields are
never read, while kopf decodes all of them and creates tasks for each object.
"""

import logging
from collections.abc import Callable

from chartly_kube.kube_port import Expired, KubeError, Unavailable, WatchPort
from chartly_operator.clock import Clock
from chartly_operator.intake import WatchIntake
from chartly_operator.trimming import reader

logger = logging.getLogger(__name__)
_FIRST, _LONGEST = 1.0, 30.0
_BETWEEN = 0.1
"""Seconds between a stream that ended and the next one."""


class Follower:
    """Follows kinds until cancelled; the regular list finds deletions between two streams."""

    def __init__(
        self, port: WatchPort, intake: WatchIntake, clock: Clock, chance: Callable[[], float]
    ) -> None:
        self._port, self._intake, self._clock, self._chance = port, intake, clock, chance

    async def follow(self, kind: str, namespace: str | None) -> None:
        """Receives the events of a kind, in one namespace or in all, until it is cancelled."""
        read, since, failures = reader(kind), "", 0
        while True:
            pause = _BETWEEN
            try:
                async for event in self._port.watched(kind, namespace, since, read):
                    since, failures = event.version or since, 0
                    self._intake.receive(event)
            except Expired:
                since = ""
            except KubeError as error:
                pause = self._wait(error, failures)
                failures += 1
                logger.warning("%s; again in %.1f s", error, pause)
            await self._clock.sleep(pause)

    def _wait(self, error: KubeError, failures: int) -> float:
        least = (error.retry_after or 0.0) if isinstance(error, Unavailable) else 0.0
        wait = min(_LONGEST, _FIRST * 2.0 ** min(failures, 10))
        return max(least, wait * (0.5 + self._chance() / 2))
