"""A clock that a test moves."""

import asyncio
import contextlib
from datetime import UTC, datetime, timedelta

_START = datetime(2026, 2, 2, tzinfo=UTC)
_TURNS = 60


class FakeClock:
    """Time that passes only by ``advance``."""

    def __init__(self) -> None:
        self._now = 1000.0
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []

    def now(self) -> float:
        return self._now

    def wall(self) -> datetime:
        return _START + timedelta(seconds=self._now - 1000.0)

    def jump(self, seconds: float) -> None:
        """Lets time pass without waking anybody, as a busy event loop does."""
        self._now += seconds

    async def sleep(self, seconds: float) -> None:
        waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sleepers.append((self._now + max(0.0, seconds), waiting))
        await waiting

    async def wait(self, event: asyncio.Event, seconds: float | None) -> None:
        waits = [asyncio.ensure_future(event.wait())]
        if seconds is not None:
            waits.append(asyncio.ensure_future(self.sleep(seconds)))  # type: ignore[arg-type]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in waits:
                one.cancel()

    async def advance(self, seconds: float = 0.0) -> None:
        """Lets time pass; whoever sleeps wakes in turn, and does what it can."""
        until = self._now + seconds
        await settled()
        while self._due(until):
            due, waiting = min(self._due(until), key=lambda one: one[0])
            self._sleepers.remove((due, waiting))
            self._now = max(self._now, due)
            with contextlib.suppress(asyncio.InvalidStateError):
                waiting.set_result(None)
            await settled()
        self._now = until

    def _due(self, until: float) -> list[tuple[float, asyncio.Future[None]]]:
        self._sleepers = [one for one in self._sleepers if not one[1].cancelled()]
        return [one for one in self._sleepers if one[0] <= until]


async def settled() -> None:
    """Lets every task go on as far as it can."""
    for _ in range(_TURNS):
        await asyncio.sleep(0)
