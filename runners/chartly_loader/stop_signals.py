"""The signals that end an attempt, until it is known how it ended."""

import signal
from types import FrameType
from typing import Self

from chartly.errors import Reason, RunError

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class StopSignals:
    """SIGTERM and SIGINT end whatever runs, by an error that the attempt records as its own."""

    def __init__(self) -> None:
        self._asked = False
        self._over = False

    def __enter__(self) -> Self:
        self._before = {number: signal.signal(number, self._hear) for number in _SIGNALS}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def check(self) -> None:
        """Stops where a signal has come whose error got lost: some libraries swallow any.

        Raises:
            RunError: ``Terminated``.
        """
        if self._asked and not self._over:
            raise RunError(Reason.TERMINATED, "the loader was told to stop")

    def ignore(self) -> None:
        """From now on the attempt is only written down; cut off, its record would be missing."""
        self._over = True

    def _hear(self, _number: int, _frame: FrameType | None) -> None:
        # Once is enough: a second signal would cut off the words about the first.
        first, self._asked = not self._asked, True
        if first:
            self.check()
