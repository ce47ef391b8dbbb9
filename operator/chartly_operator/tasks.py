"""Tasks that live and end together."""

import asyncio
from collections.abc import Coroutine
from typing import Any


class Ended(Exception):  # noqa: N818 - it names what it is
    """The operator cannot go on as it is; a new process can."""


class Tasks:
    """Tasks that run for ever, as long as all of them do."""

    def __init__(self) -> None:
        self._tasks: list[asyncio.Task[None]] = []

    def start(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        self._tasks.append(asyncio.create_task(work, name=name))

    async def until(self, stop: asyncio.Event, last: asyncio.Task[None]) -> None:
        """Returns when ``stop`` is set or ``last`` has returned.

        Raises:
            Ended: ``last`` failed, or one of these ended; in one sentence.
        """
        stopped = asyncio.create_task(stop.wait(), name="stop")
        try:
            done, _ = await asyncio.wait(
                [*self._tasks, last, stopped], return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            stopped.cancel()
        for one in [one for one in (*self._tasks, last) if one in done]:
            _raise_if_failed(one)
            if one is not last:
                raise Ended(f"{one.get_name()} ended, which it never should")

    async def cancel(self) -> None:
        """Ends all of them."""
        for one in self._tasks:
            one.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()


def _raise_if_failed(task: asyncio.Task[None]) -> None:
    error = task.exception()
    if isinstance(error, Ended):
        raise error
    if error is not None:
        raise Ended(f"{task.get_name()} failed: {type(error).__name__}") from error


async def finish_or_cancel(task: asyncio.Task[None], seconds: float) -> None:
    """Lets a task end by itself for a while, then ends it; how it ended does not matter."""
    await asyncio.wait([task], timeout=seconds)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
