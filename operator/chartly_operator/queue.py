"""The work queue: keys of objects to reconcile, with the times when they are due.

Rules:

1. A key that was taken is not returned again before ``done`` or ``failed`` gives it back.
2. A key that was added while it was taken is due again as soon as it is given back.
3. Of two times for one key the earlier holds.
4. Namespaces take turns, so that one with ten thousand due keys delays the others by one key each.
5. Urgent keys come before others, but every fifth key that is taken is not urgent if one is due:
   a launch does not wait for bookkeeping, and bookkeeping does not wait for ever.
"""

import asyncio
import heapq
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from itertools import chain

from chartly.reconcile.actions import Key
from chartly_operator.clock import Clock

_FIRST, _LONGEST = 1.0, 300.0
_URGENT_IN_A_ROW = 4


class _Lanes:
    """Due keys, with the time since when; one lane for each namespace."""

    def __init__(self) -> None:
        self._lanes: OrderedDict[str, OrderedDict[Key, float]] = OrderedDict()

    def __contains__(self, key: Key) -> bool:
        return key in self._lanes.get(key.namespace, ())

    def __bool__(self) -> bool:
        return bool(self._lanes)

    def __len__(self) -> int:
        return sum(map(len, self._lanes.values()))

    def put(self, key: Key, due: float) -> None:
        self._lanes.setdefault(key.namespace, OrderedDict())[key] = due

    def pop(self) -> Key:
        """The oldest key of the namespace whose turn it is."""
        namespace, lane = next(iter(self._lanes.items()))
        key, _ = lane.popitem(last=False)
        if lane:
            self._lanes.move_to_end(namespace)
        else:
            del self._lanes[namespace]
        return key

    def oldest(self) -> Iterator[float]:
        """Since when the first key of each namespace is due."""
        return (next(iter(lane.values())) for lane in self._lanes.values())


def _never(_: Key) -> bool:
    return False


class WorkQueue:
    """Keys with times.

    Args:
        chance: a number in [0, 1), for jitter.
        urgent: whether a key goes before others, evaluated when it becomes due.
    """

    def __init__(
        self,
        clock: Clock,
        chance: Callable[[], float],
        urgent: Callable[[Key], bool] = _never,
    ) -> None:
        self._clock, self._chance, self._is_urgent = clock, chance, urgent
        self._later: list[tuple[float, int, Key]] = []
        self._times: dict[Key, float] = {}
        self._urgent, self._others = _Lanes(), _Lanes()
        self._in_a_row = 0
        self._taken: set[Key] = set()
        self._dirty: dict[Key, float] = {}
        self._failures: dict[Key, int] = {}
        self._number = 0
        self._wake = asyncio.Event()

    def add(self, key: Key, delay: float = 0.0) -> None:
        """Makes a key due after so many seconds, or earlier if it is already due earlier."""
        due = self._clock.now() + delay
        if key in self._taken:
            self._dirty[key] = min(due, self._dirty.get(key, due))
            return
        if key in self._urgent or key in self._others:
            return
        if due >= self._times.get(key, float("inf")):
            return
        self._times[key] = due
        self._number += 1
        heapq.heappush(self._later, (due, self._number, key))
        self._wake.set()

    def add_all(self, keys: Iterable[Key], spread: float = 0.0) -> None:
        """Makes keys due, each at a time of its own within so many seconds."""
        for key in keys:
            self.add(key, self._chance() * spread)

    def take(self) -> Key | None:
        """A due key, which is the caller's until ``done``; None if none is due."""
        self._ripen()
        if self._urgent and (self._in_a_row < _URGENT_IN_A_ROW or not self._others):
            key = self._urgent.pop()
            self._in_a_row += 1
        elif self._others:
            key = self._others.pop()
            self._in_a_row = 0
        else:
            return None
        self._taken.add(key)
        return key

    async def get(self) -> Key:
        """A due key, as soon as there is one."""
        while (key := self.take()) is None:
            self._wake.clear()
            due = self._next()
            await self._clock.wait(self._wake, None if due is None else due - self._clock.now())
        if self._urgent or self._others:
            self._wake.set()  # one event may have made several due
        return key

    def done(self, key: Key, again: float | None = None) -> None:
        """Gives a key back; it is due again after ``again`` seconds, if given."""
        self._failures.pop(key, None)
        self._give_back(key, again)

    def failed(self, key: Key, first: float = _FIRST, at_least: float = 0.0) -> float:
        """Gives a key back after a failure: the next try comes later each time.

        Args:
            first: seconds until the first try again; later ones take twice as long each.
            at_least: the least seconds to wait, as the API server requested.

        Returns:
            Seconds until it is due, unless a change makes it due before.
        """
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        # Past the longest wait the power is not computed: it has no bound.
        wait = min(_LONGEST, first * 2.0 ** min(failures, 20))
        delay = max(at_least, wait * (0.5 + self._chance() / 2))
        self._give_back(key, delay)
        return delay

    def clear(self) -> None:
        """Drops all keys that are not taken."""
        self._later.clear()
        self._times.clear()
        self._urgent, self._others = _Lanes(), _Lanes()
        self._dirty.clear()
        self._failures.clear()

    @property
    def depth(self) -> int:
        """How many keys are due and not taken."""
        self._ripen()
        return len(self._urgent) + len(self._others)

    @property
    def age(self) -> float:
        """Seconds since the oldest due key became due."""
        self._ripen()
        heads = chain(self._urgent.oldest(), self._others.oldest())
        return max((self._clock.now() - due for due in heads), default=0.0)

    def _give_back(self, key: Key, again: float | None) -> None:
        self._taken.discard(key)
        due = self._dirty.pop(key, None)
        if due is not None:
            self.add(key, due - self._clock.now())
        if again is not None:
            self.add(key, again)

    def _ripen(self) -> None:
        """Moves keys whose time has come to their namespace's lane."""
        now = self._clock.now()
        while self._later and self._later[0][0] <= now:
            due, _, key = heapq.heappop(self._later)
            if self._times.get(key) != due:
                continue  # an earlier time replaced this one
            del self._times[key]
            (self._urgent if self._is_urgent(key) else self._others).put(key, due)

    def _next(self) -> float | None:
        while self._later and self._times.get(self._later[0][2]) != self._later[0][0]:
            heapq.heappop(self._later)
        return self._later[0][0] if self._later else None
