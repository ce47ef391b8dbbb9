"""Leader election by a Lease: one process acts, and knows by its own clock that it still may.

The client library's election is not used: it waits up to five minutes for an answer while it
believes that it leads, dies of a refused connection without stopping what it started, compares
wall clocks, and gives nothing back when it ends.

Rules:

1. Who holds the Lease leads until ``renew_deadline`` after the *start* of its last renewal that was
   answered; that is before anybody else may take it (``duration``), by ``duration -
   renew_deadline`` seconds, so a request that it began in time must end within those.
2. Others take a Lease that has not changed for ``duration`` by their own clock. No clock is ever
   compared with another machine's.
3. Every write carries the resourceVersion that was read, so of two takers one is refused.
"""

import asyncio
import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from chartly.reconcile.actions import Key, Object
from chartly_kube.kube_port import Conflict, KubeError, KubePort, NotFound

logger = logging.getLogger(__name__)


class LeaseClock(Protocol):
    """Time, passed in."""

    def now(self) -> float:
        """Seconds that only grow."""
        ...

    def wall(self) -> datetime:
        """The time of day, in UTC."""
        ...

    async def sleep(self, seconds: float) -> None: ...


@dataclass(frozen=True)
class Terms:
    """Seconds."""

    duration: float = 15
    renew_deadline: float = 10
    retry: float = 2


class Election:
    """One process's part in the election."""

    def __init__(
        self,
        port: KubePort,
        key: Key,
        identity: str,
        clock: LeaseClock,
        terms: Terms = Terms(),
    ) -> None:
        self._port, self._key, self._identity = port, key, identity
        self._clock, self._terms = clock, terms
        self._until = float("-inf")
        self._held: Object | None = None
        self._seen: tuple[str, float] | None = None
        self._trouble = ""
        self.contact = float("-inf")
        """When the API server last answered about the Lease."""

    def leading(self) -> bool:
        """Whether this process may act at this instant."""
        return self._clock.now() < self._until

    async def acquire(self) -> None:
        """Returns as soon as this process leads."""
        while not await self._attempt():
            await self._clock.sleep(self._terms.retry)

    async def hold(self) -> None:
        """Keeps leading; returns when that has failed for too long, and nothing may be done."""
        while self.leading():
            await self._clock.sleep(min(self._terms.retry, self._until - self._clock.now()))
            if self.leading():
                await self._attempt()
        self._until = float("-inf")

    async def release(self) -> None:
        """Gives the Lease back, so that another takes it at once; does nothing without it."""
        if not self.leading() or self._held is None:
            return
        self._until = float("-inf")
        try:
            await self._give_back(self._held)
        except KubeError:
            return  # it runs out by itself

    async def _give_back(self, held: Object) -> None:
        try:
            await self._free_for_others(held)
        except Conflict:
            # A renewal that was given up before its answer came has made another version.
            found = await self._port.get(self._key)
            if found["spec"].get("holderIdentity") == self._identity:
                await self._free_for_others(found)

    async def _free_for_others(self, held: Object) -> None:
        spec = {**held["spec"], "holderIdentity": "", "leaseDurationSeconds": 1}
        await self._port.replace({**held, "spec": spec})

    async def _attempt(self) -> bool:
        started = self._clock.now()
        try:
            # A renewal may not hang longer than the leadership that it renews.
            async with asyncio.timeout(self._terms.renew_deadline / 2):
                return await self._take(started)
        except (KubeError, TimeoutError) as error:
            self._tell(error)
            return False

    def _tell(self, error: Exception) -> None:
        """Logs what is in the way, once as long as it stays the same."""
        trouble = str(error) or "no answer in time"
        if trouble != self._trouble and not isinstance(error, Conflict):
            logger.warning("the Lease cannot be had: %s", trouble)
        self._trouble = trouble

    async def _take(self, started: float) -> bool:
        try:
            found = await self._port.get(self._key)
        except NotFound:
            self.contact = self._clock.now()
            self._won(await self._port.create(self._lease(None)), started)
            return True
        self.contact = self._clock.now()
        if not self._free(found):
            self._until = float("-inf")
            return False
        self._won(await self._port.replace(self._lease(found)), started)
        return True

    def _won(self, held: Object, started: float) -> None:
        self._held = held
        self._trouble = ""
        self._until = started + self._terms.renew_deadline

    def _free(self, found: Object) -> bool:
        spec = found.get("spec") or {}
        if spec.get("holderIdentity") in {self._identity, "", None}:
            return True
        version = found["metadata"]["resourceVersion"]
        if self._seen is None or self._seen[0] != version:
            self._seen = (version, self._clock.now())
        return self._clock.now() - self._seen[1] >= self._terms.duration

    def _lease(self, found: Object | None) -> Object:
        now = self._clock.wall().strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        before: dict[str, Any] = dict((found or {}).get("spec") or {})
        mine = before.get("holderIdentity") == self._identity
        spec = {
            "holderIdentity": self._identity,
            "leaseDurationSeconds": int(self._terms.duration),
            "acquireTime": before.get("acquireTime", now) if mine else now,
            "renewTime": now,
            "leaseTransitions": int(before.get("leaseTransitions") or 0) + (not mine),
        }
        if found is not None:
            return {**found, "spec": spec}
        metadata = {"name": self._key.name, "namespace": self._key.namespace}
        return {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": metadata,
            "spec": spec,
        }


class Unopposed:
    """No election: this process always leads, and so does every other one that does without."""

    def __init__(self, clock: LeaseClock) -> None:
        self._clock = clock
        self._leads = False

    @property
    def contact(self) -> float:
        return self._clock.now()

    def leading(self) -> bool:
        return self._leads

    async def acquire(self) -> None:
        self._leads = True

    async def hold(self) -> None:
        await asyncio.Event().wait()

    async def release(self) -> None:
        self._leads = False
