"""How much a dataset may still grow."""

from collections.abc import Callable

_OVERHEAD = 1024 * 1024
"""Bytes that an insert takes beside its rows at most: files of some tens of parts."""


class DatasetQuota:
    """Whether there is room within a limit, without asking for the size before every insert.

    What is inserted is counted as twice what it takes in memory, more than ever comes of it on
    disk; only where as much would fill the room that was left is the size asked for again.

    Args:
        size: asks for the bytes that are taken.
        limit: how many may be.
    """

    def __init__(self, size: Callable[[], int], limit: int) -> None:
        self._size = size
        self._limit = limit
        self._most: int | None = None

    def take(self, memory: int) -> None:
        """Something is inserted that takes so many bytes in memory."""
        if self._most is not None:
            self._most += 2 * memory + _OVERHEAD

    def is_left(self) -> bool:
        """Whether no more is taken than the limit allows."""
        if self._most is None or self._most > self._limit:
            self._most = self._size()
        return self._most <= self._limit
