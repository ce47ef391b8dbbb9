"""What the test server does wrong when it is told to."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

KINDS = (
    "drop-before", "drop-after", "truncate", "unavailable", "full", "swallow", "refuse", "delay", "hold",
    "die-before", "die-within", "die-after",
)  # fmt: skip
_LONGEST_HOLD = 120.0


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong.

    Attributes:
        kind: ``drop-before`` and ``drop-after`` close the connection before or after the work;
            ``truncate`` closes it in the middle of the answer; ``unavailable`` answers 503;
            ``full`` refuses as a server without room does; ``swallow`` does nothing and answers as
            after an insert that wrote no row; ``refuse`` shuts the door until it is
            opened; ``delay`` waits before the work, ``hold`` until ``release``; ``die-before``,
            ``die-within`` and ``die-after`` kill the server, the second so long after the work has
            begun.
        match: a regular expression that the statement must hold.
        times: for how many statements.
        skip: how many matching statements go well before.
    """

    kind: str
    match: str = ""
    times: int = 1
    skip: int = 0
    seconds: float = 0.0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"fault {self.kind!r} must be one of {', '.join(KINDS)}")
        re.compile(self.match)


class Faults:
    """The faults that are still to come, and the statements that were served."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: list[Fault] = []
        self._gate = threading.Condition()
        self._held = self._releases = 0
        self.hit = 0

    @contextmanager
    def held(self) -> Iterator[None]:
        """Waits for a release before the block, which the release waits for in its turn."""
        with self._gate:
            self._held += 1
            seen = self._releases
            self._gate.wait_for(lambda: self._releases > seen, _LONGEST_HOLD)
        try:
            yield
        finally:
            with self._gate:
                self._held -= 1
                self._gate.notify_all()

    def release(self) -> None:
        """Lets held statements run; they are through when it returns."""
        with self._gate:
            self._releases += 1
            self._gate.notify_all()
            self._gate.wait_for(lambda: self._held == 0, _LONGEST_HOLD)

    def add(self, fault: Fault) -> None:
        with self._lock:
            self._open.append(fault)

    def clear(self) -> None:
        with self._lock:
            self._open.clear()

    @property
    def left(self) -> int:
        """How often something still goes wrong."""
        with self._lock:
            return sum(one.times for one in self._open)

    def take(self, statement: str) -> Fault | None:
        """The first fault that is meant for a statement; it is used up by that."""
        with self._lock:
            for place, one in enumerate(self._open):
                if not re.search(one.match, statement, re.IGNORECASE):
                    continue
                if one.skip:
                    self._open[place] = replace(one, skip=one.skip - 1)
                    return None
                self._open[place] = replace(one, times=one.times - 1)
                self._open = [rest for rest in self._open if rest.times > 0]
                self.hit += 1
                return one
        return None
