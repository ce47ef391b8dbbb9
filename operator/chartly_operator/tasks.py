"""Tasks that run together: the end of one ends the process."""

import asyncio
from collections.abc import Coroutine
from typing import Any


class Ended(Exception):  # noqa: N818 - it names what it is
    """The operator cannot go on as it is; a new process can."""


class Tasks:
    """Tasks that run until cancelled; none may end by itself."""

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
        for task in [task for task in (*self._tasks, last) if task in done]:
            _raise_if_failed(task)
            if task is not last:
                raise Ended(f"{task.get_name()} ended, which it never should")

    async def cancel(self) -> None:
        """Ends all of them."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()


def _raise_if_failed(task: asyncio.Task[None]) -> None:
    error = task.exception()
    if isinstance(error, Ended):
        raise error
    if error is not None:
        raise Ended(f"{task.get_name()} failed: {type(error).__name__}") from error


async def finish_or_cancel(task: asyncio.Task[None], seconds: float) -> None:
    """Waits for a task to end, then cancels it; its result and exception are ignored."""
    await asyncio.wait([task], timeout=seconds)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
