"""Limits how often one object is reconciled, so that a loop is slow and visible."""

from collections import deque

from chartly.reconcile.actions import Key

LIMIT = 30
WINDOW = 60.0
_SWEEP = 10_000


class Breaker:
    """Counts reconciliations of each object within a minute."""

    def __init__(self, limit: int = LIMIT, window: float = WINDOW) -> None:
        self._limit, self._window = limit, window
        self._looks: dict[Key, deque[float]] = {}
        self._tripped: set[Key] = set()

    def admit(self, key: Key, now: float) -> float:
        """Zero if the object may be reconciled now, else the seconds to wait."""
        looks = self._looks.setdefault(key, deque(maxlen=self._limit))
        if len(looks) == self._limit and now - looks[0] < self._window:
            return self._window - (now - looks[0])
        looks.append(now)
        if len(self._looks) > _SWEEP:
            self._forget(now)
        return 0.0

    def is_newly_slowed(self, key: Key, *, slowed: bool) -> bool:
        """Whether an object is slowed down now and was not the last time."""
        before = key in self._tripped
        (self._tripped.add if slowed else self._tripped.discard)(key)
        return slowed and not before

    def _forget(self, now: float) -> None:
        for key, looks in tuple(self._looks.items()):
            if now - looks[-1] > self._window:
                del self._looks[key]
