"""What ends an attempt on this machine from outside: a signal, its deadline, its memory."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from chartly.errors import Reason, RunError

_LOOK_SECONDS = 0.1
_MEBIBYTE = 1024 * 1024
_REASONS: dict[int, Reason] = {
    signal.SIGINT: Reason.CANCELLED,
    signal.SIGTERM: Reason.TERMINATED,
    signal.SIGALRM: Reason.TERMINATED,
}


@dataclass(frozen=True)
class AttemptLimits:
    """What an attempt may take; None is as much as there is.

    Attributes:
        seconds: ``deadlines.run``.
        memory: bytes of this process, the engine's included, and the connector's together.
    """

    seconds: int | None = None
    memory: int | None = None


@contextmanager
def interruptible(connector: subprocess.Popen[bytes], limits: AttemptLimits) -> Iterator[None]:
    """Ctrl-C, SIGTERM and limits end the connector first; the loader then records the end.

    Raises:
        RunError: in the block, with the reason.
    """
    watch = _Watch(connector.pid, limits)

    def end(number: int, _frame: FrameType | None) -> None:
        connector.terminate()
        raise watch.excess or RunError(_REASONS[number], "the run was asked to stop")

    before: dict[int, Callable[..., Any] | int | None] = {
        number: signal.signal(number, end) for number in _REASONS
    }
    watch.start()
    try:
        yield
    finally:
        # A signal of the watch comes too late.
        signal.signal(signal.SIGALRM, signal.SIG_IGN)
        watch.stop()
        for number, handler in before.items():
            signal.signal(number, handler)


class _Watch:
    """Signals this process when it takes too much: nothing else interrupts its main thread.

    Not by the process's own alarm: there is only one, which may have another use.

    Attributes:
        excess: what was too much.
    """

    def __init__(self, connector: int, limits: AttemptLimits) -> None:
        self.excess: RunError | None = None
        self._processes = (os.getpid(), connector)
        self._limits = limits
        self._until = time.monotonic() + (limits.seconds or 0)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def start(self) -> None:
        if self._limits != AttemptLimits():
            self._thread.start()

    def stop(self) -> None:
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()

    def _look(self) -> None:
        while self.excess is None and not self._over.wait(_LOOK_SECONDS):
            self.excess = self._too_much()
        if self.excess is not None:
            os.kill(os.getpid(), signal.SIGALRM)

    def _too_much(self) -> RunError | None:
        seconds, memory = self._limits.seconds, self._limits.memory
        if seconds is not None and time.monotonic() >= self._until:
            return RunError(
                Reason.DEADLINE_EXCEEDED,
                f"the attempt took longer than deadlines.run allows: {seconds} seconds",
            )
        if memory is not None and (taken := sum(map(resident, self._processes))) > memory:
            return RunError(
                Reason.OUT_OF_MEMORY,
                f"the attempt took {taken // _MEBIBYTE} MiB of memory; --max-memory allows "
                f"{memory // _MEBIBYTE} MiB",
            )
        return None


def resident(process: int) -> int:
    """Bytes that a process has in memory; 0 if it has ended, or the system has no such count."""
    try:
        pages = Path(f"/proc/{process}/statm").read_text(encoding="ascii").split()[1]
    except OSError:
        return 0
    return int(pages) * os.sysconf("SC_PAGE_SIZE")
