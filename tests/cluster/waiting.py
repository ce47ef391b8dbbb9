"""Waiting for what another process does."""

import os
import select
import time
from collections.abc import Callable
from pathlib import Path


def wait_for(what: str, check: Callable[[], bool], seconds: float = 120) -> None:
    """Returns once ``check`` holds.

    Raises:
        TimeoutError: it did not within ``seconds``.
    """
    deadline = time.monotonic() + seconds
    while not check():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {seconds:.0f} s")
        time.sleep(0.05)


def wait_for_end(pid: int, seconds: float = 60) -> None:
    """Returns once process ``pid`` is gone; one that never was is gone.

    Raises:
        TimeoutError: it still runs after ``seconds``.
    """
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        # Not select(): it takes no descriptor above 1023, and a test process may have so many.
        poll = select.poll()
        poll.register(handle, select.POLLIN)
        if not poll.poll(seconds * 1000):
            raise TimeoutError(f"process {pid}: still runs after {seconds:.0f} s")
    finally:
        os.close(handle)


def children(pid: int) -> list[int]:
    """The processes that ``pid`` started or was left with; none when it is gone."""
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    except OSError:
        return []
    return [int(word) for word in text.split()]
