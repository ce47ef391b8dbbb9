"""Which keys a run has written already, in eight bytes each."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Hashes = npt.NDArray[np.int64]


class SeenKeys:
    """A set of 64-bit hashes in sorted runs of growing length.

    It only counts duplicates: two keys with one hash (1 in 10^7 for a million keys) would be
    counted as one, and both are stored all the same.
    """

    def __init__(self) -> None:
        self._runs: list[Hashes] = []

    def add(self, keys: Sequence[str]) -> int:
        """Adds keys; returns how many of them were there, or came twice."""
        hashes = np.fromiter(map(hash, keys), dtype=np.int64, count=len(keys))
        fresh = np.unique(hashes)
        for run in self._runs:
            places = np.searchsorted(run, fresh)
            places[places == len(run)] = 0
            fresh = fresh[run[places] != fresh]
        if len(fresh):
            self._merge(fresh)
        return len(keys) - len(fresh)

    def _merge(self, fresh: Hashes) -> None:
        self._runs.append(fresh)
        while len(self._runs) > 1 and len(self._runs[-2]) <= 2 * len(self._runs[-1]):
            last, before = self._runs.pop(), self._runs.pop()
            merged = np.concatenate((before, last))
            merged.sort(kind="stable")
            self._runs.append(merged)
