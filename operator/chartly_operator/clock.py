"""Time as the operator uses it; tests pass in their own."""

import asyncio
import contextlib
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Time, passed in."""

    def now(self) -> float:
        """Seconds that only grow."""
        ...

    def wall(self) -> datetime:
        """The time of day, in UTC."""
        ...

    async def sleep(self, seconds: float) -> None: ...

    async def wait(self, event: asyncio.Event, seconds: float | None) -> None:
        """Returns when the event is set, or after so many seconds."""
        ...


class SystemClock:
    """The machine's clocks."""

    def now(self) -> float:
        # A suspended machine's monotonic clock stands still, and a Lease runs out all the same.
        return time.clock_gettime(time.CLOCK_BOOTTIME)

    def wall(self) -> datetime:
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds))

    async def wait(self, event: asyncio.Event, seconds: float | None) -> None:
        # asyncio.wait_for would make a task, and kopf cancels tasks born after it.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(None if seconds is None else max(0.0, seconds)):
                await event.wait()
