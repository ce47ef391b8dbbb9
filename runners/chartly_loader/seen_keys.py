"""The set of keys that a run has written, in eight bytes each."""

import tempfile
from collections.abc import Iterator, Sequence
from typing import BinaryIO, TypeAlias

import numpy as np
import numpy.typing as npt

from chartly.errors import Reason, RunError

IN_MEMORY = 1 << 23
"""Keys above which all of them go to disk: 64 MiB, and as much again while they are sorted."""
_BLOCK = 1 << 20

Hashes: TypeAlias = npt.NDArray[np.int64]
Mask: TypeAlias = npt.NDArray[np.bool_]


class SeenKeys:
    """A set of 64-bit hashes in sorted runs of growing length; the longest lie in files.

    It only counts duplicates: two keys with one hash (1 in 10^7 for a million keys) would be
    counted as one, and both are stored all the same.
    """

    def __init__(self) -> None:
        self._runs: list[Hashes] = []
        self._files: list[BinaryIO] = []

    def add(self, keys: Sequence[str]) -> Mask | None:
        """Adds keys; returns a mask of those that are repeated, or None where none is.

        Raises:
            RunError: ``LimitReached``: the disk has no space for them.
        """
        hashes = np.fromiter(map(hash, keys), dtype=np.int64, count=len(keys))
        ordered = np.sort(hashes)
        if not self._known(ordered).any() and (ordered[1:] != ordered[:-1]).all():
            self._keep(ordered)
            return None
        distinct, first = np.unique(hashes, return_index=True)
        fresh = ~self._known(distinct)
        mask = np.ones(len(hashes), dtype=np.bool_)
        mask[first[fresh]] = False
        self._keep(distinct[fresh])
        return mask

    def close(self) -> None:
        """Removes the files."""
        for file in self._files:
            file.close()
        self._files.clear()

    def _known(self, ordered: Hashes) -> Mask:
        known = np.zeros(len(ordered), dtype=np.bool_)
        for run in self._runs:
            known |= _among(ordered, run)
        for file in self._files:
            for block in _blocks(file):
                first = np.searchsorted(ordered, block[0], "left")
                last = np.searchsorted(ordered, block[-1], "right")
                known[first:last] |= _among(ordered[first:last], block)
        return known

    def _keep(self, fresh: Hashes) -> None:
        if not len(fresh):
            return
        self._runs.append(fresh)
        while len(self._runs) > 1 and len(self._runs[-2]) <= 2 * len(self._runs[-1]):
            last, before = self._runs.pop(), self._runs.pop()
            merged = np.concatenate((before, last))
            # In place, without what it was made of, so that the keys are there twice at most.
            del last, before
            merged.sort()
            self._runs.append(merged)
        if sum(map(len, self._runs)) > IN_MEMORY:
            self._spill()

    def _spill(self) -> None:
        whole = np.concatenate(self._runs)
        self._runs.clear()
        whole.sort()
        try:
            # It has no name, and is removed with the process, in whatever way that ends.
            file = tempfile.TemporaryFile()  # noqa: SIM115 - kept until the run is over
            self._files.append(file)
            file.write(whole.data)
            file.flush()
        except OSError as error:
            raise RunError(
                Reason.LIMIT_REACHED,
                f"no room for the keys of this run in {tempfile.gettempdir()}: {error.strerror}",
            ) from None


def _among(ordered: Hashes, run: Hashes) -> Mask:
    places = np.searchsorted(run, ordered)
    places[places == len(run)] = 0
    mask: Mask = run[places] == ordered
    return mask


def _blocks(file: BinaryIO) -> Iterator[Hashes]:
    """A file's hashes in blocks, so that they do not fill the memory."""
    file.seek(0)
    while len(block := np.fromfile(file, dtype=np.int64, count=_BLOCK)):
        yield block
