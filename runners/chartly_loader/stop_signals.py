"""The signals that end an attempt, until its reason is decided."""

import signal
from types import FrameType
from typing import Self

from chartly.errors import Reason, RunError

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class StopSignals:
    """Raises an error at SIGTERM and SIGINT, which the attempt records as its own."""

    def __init__(self) -> None:
        self._received = False
        self._ignored = False

    def __enter__(self) -> Self:
        self._before = {number: signal.signal(number, self._handle) for number in _SIGNALS}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def check(self) -> None:
        """Raises again after a signal whose error was lost: some libraries swallow any error.

        Raises:
            RunError: ``Terminated``.
        """
        if self._received and not self._ignored:
            raise RunError(Reason.TERMINATED, "the loader was told to stop")

    def ignore(self) -> None:
        """Ignores signals from now on: the attempt only has to be recorded."""
        self._ignored = True

    def _handle(self, _number: int, _frame: FrameType | None) -> None:
        # A second signal would interrupt the report on the first one.
        first, self._received = not self._received, True
        if first:
            self.check()
