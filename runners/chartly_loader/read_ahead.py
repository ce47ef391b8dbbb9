"""An iterator that works in a thread of its own, one item ahead of who takes them."""

import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

T = TypeVar("T")


class _Raised:
    def __init__(self, error: BaseException) -> None:
        self.error = error


_END = object()


class ReadAhead(Generic[T]):
    """The items of a source, in order; what the source raises comes after them.

    At most one item waits while another is made, so that memory stays bounded however slow the
    taker is.
    """

    def __init__(self, source: Iterator[T]) -> None:
        self._source = source
        self._room = threading.Semaphore(1)
        self._made: queue.SimpleQueue[T | _Raised | object] = queue.SimpleQueue()
        self._left = False

    def __iter__(self) -> Iterator[T]:
        while (item := self._made.get()) is not _END:
            if isinstance(item, _Raised):
                raise item.error
            self._room.release()
            yield item  # type: ignore[misc]  # the queue holds items, errors and the end

    def work(self) -> None:
        """Makes items until the source ends, fails, or nobody takes them any more."""
        while True:
            self._room.acquire()
            if self._left:
                return
            try:
                item: object = next(self._source, _END)
            except BaseException as error:  # noqa: BLE001 - raised again where items are taken
                item = _Raised(error)
            self._made.put(item)
            if item is _END or isinstance(item, _Raised):
                return

    def leave(self) -> None:
        """Nobody takes items any more."""
        self._left = True
        self._room.release()


@contextmanager
def reading_ahead(source: Iterator[T], name: str) -> Iterator[ReadAhead[T]]:
    """Runs a source in a thread while the block takes its items; the thread ends with the block.

    A source that waits for something must give an item, if an empty one, from time to time: it is
    only between two items that the thread can be ended.
    """
    made = ReadAhead(source)
    worker = threading.Thread(target=made.work, name=name, daemon=True)
    worker.start()
    try:
        yield made
    finally:
        made.leave()
        worker.join()
