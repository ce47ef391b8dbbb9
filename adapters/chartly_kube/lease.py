"""Leader election by a Lease: one process leads, and decides by its own clock until when.

The client library's election is not used: it waits up to five minutes for a response while it
considers itself the leader, ends on a refused connection without stopping what it started,
compares wall clocks, and does not release the Lease at its end.

Rules:

1. The holder of the Lease leads until ``renew_deadline`` after the *start* of its last renewal that
   succeeded. Another process may take the Lease only after ``duration``: a request that the holder
   began in time must end within ``duration - renew_deadline`` seconds.
2. Others take a Lease that has not changed for ``duration`` by their own clock. No clock is
   compared with another machine's.
3. Every write carries the resourceVersion that was read, so one of two takers is refused.
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
    """The clock of an election."""

    def now(self) -> float:
        """Monotonic seconds."""
        ...

    def wall(self) -> datetime:
        """The time of day, in UTC."""
        ...

    async def sleep(self, seconds: float) -> None: ...


@dataclass(frozen=True)
class Terms:
    """The intervals of an election, in seconds."""

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
        self._last_failure = ""
        self.contact = float("-inf")
        """When the API server last responded to a read of the Lease."""

    def leading(self) -> bool:
        """Whether this process is the leader now."""
        return self._clock.now() < self._until

    async def acquire(self) -> None:
        """Waits until this process leads."""
        while not await self._attempt():
            await self._clock.sleep(self._terms.retry)

    async def hold(self) -> None:
        """Renews the Lease; returns once this process does not lead any more."""
        while self.leading():
            await self._clock.sleep(min(self._terms.retry, self._until - self._clock.now()))
            if self.leading():
                await self._attempt()
        self._until = float("-inf")

    async def release(self) -> None:
        """Frees the Lease, so that another process takes it at once; does nothing without it."""
        if not self.leading() or self._held is None:
            return
        self._until = float("-inf")
        try:
            await self._release(self._held)
        except KubeError:
            return  # it expires

    async def _release(self, held: Object) -> None:
        try:
            await self._clear_holder(held)
        except Conflict:
            # A renewal that timed out here has succeeded there.
            current = await self._port.get(self._key)
            if current["spec"].get("holderIdentity") == self._identity:
                await self._clear_holder(current)

    async def _clear_holder(self, held: Object) -> None:
        spec = {**held["spec"], "holderIdentity": "", "leaseDurationSeconds": 1}
        await self._port.replace({**held, "spec": spec})

    async def _attempt(self) -> bool:
        started = self._clock.now()
        try:
            # A renewal may not hang longer than the leadership that it renews.
            async with asyncio.timeout(self._terms.renew_deadline / 2):
                return await self._take(started)
        except (KubeError, TimeoutError) as error:
            self._log(error)
            return False

    def _log(self, error: Exception) -> None:
        """Logs a failure, unless the one before was the same."""
        message = str(error) or "no answer in time"
        if message != self._last_failure and not isinstance(error, Conflict):
            logger.warning("the Lease cannot be had: %s", message)
        self._last_failure = message

    async def _take(self, started: float) -> bool:
        try:
            current = await self._port.get(self._key)
        except NotFound:
            self.contact = self._clock.now()
            self._won(await self._port.create(self._lease(None)), started)
            return True
        self.contact = self._clock.now()
        if not self._is_free(current):
            self._until = float("-inf")
            return False
        self._won(await self._port.replace(self._lease(current)), started)
        return True

    def _won(self, held: Object, started: float) -> None:
        self._held = held
        self._last_failure = ""
        self._until = started + self._terms.renew_deadline

    def _is_free(self, current: Object) -> bool:
        spec = current.get("spec") or {}
        if spec.get("holderIdentity") in {self._identity, "", None}:
            return True
        version = current["metadata"]["resourceVersion"]
        if self._seen is None or self._seen[0] != version:
            self._seen = (version, self._clock.now())
        return self._clock.now() - self._seen[1] >= self._terms.duration

    def _lease(self, current: Object | None) -> Object:
        now = self._clock.wall().strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        before: dict[str, Any] = dict((current or {}).get("spec") or {})
        mine = before.get("holderIdentity") == self._identity
        spec = {
            "holderIdentity": self._identity,
            "leaseDurationSeconds": int(self._terms.duration),
            "acquireTime": before.get("acquireTime", now) if mine else now,
            "renewTime": now,
            "leaseTransitions": int(before.get("leaseTransitions") or 0) + (not mine),
        }
        if current is not None:
            return {**current, "spec": spec}
        metadata = {"name": self._key.name, "namespace": self._key.namespace}
        return {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": metadata,
            "spec": spec,
        }


class Unopposed:
    """No election: every process without one leads."""

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
