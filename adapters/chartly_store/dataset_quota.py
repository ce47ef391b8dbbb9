"""The limit of a dataset's size."""

from collections.abc import Callable

_OVERHEAD = 1024 * 1024
"""Bytes on disk that an insert takes at most beside its rows: the files of some tens of parts."""


class DatasetQuota:
    """Compares the size of a dataset with its limit, without a query before every insert.

    An insert is counted as twice its bytes in memory, which is more than it ever takes on disk. The
    size is queried again only once these estimates reach the limit.

    Args:
        measure: queries the size in bytes.
        limit: the bytes that the dataset may have.
    """

    def __init__(self, measure: Callable[[], int], limit: int) -> None:
        self._measure = measure
        self._limit = limit
        self._upper_bound: int | None = None

    def count(self, memory: int) -> None:
        """Counts an insert that takes so many bytes in memory."""
        if self._upper_bound is not None:
            self._upper_bound += 2 * memory + _OVERHEAD

    def is_exceeded(self) -> bool:
        """Whether the dataset is larger than its limit."""
        if self._upper_bound is None or self._upper_bound > self._limit:
            self._upper_bound = self._measure()
        return self._upper_bound > self._limit
