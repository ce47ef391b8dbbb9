"""An iterator that runs in a thread of its own, one item ahead of its consumer."""

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
    """The items of a source, in order; an error of the source is raised after them.

    At most one item waits while another is produced, so that memory stays bounded however slow
    the consumer is.
    """

    def __init__(self, source: Iterator[T]) -> None:
        self._source = source
        self._slots = threading.Semaphore(1)
        self._produced: queue.SimpleQueue[T | _Raised | object] = queue.SimpleQueue()
        self._stopped = False

    def __iter__(self) -> Iterator[T]:
        while (item := self._produced.get()) is not _END:
            if isinstance(item, _Raised):
                raise item.error
            self._slots.release()
            yield item  # type: ignore[misc]  # the queue holds items, errors and the end

    def produce(self) -> None:
        """Produces items until the source ends or fails, or the consumer stops."""
        while True:
            self._slots.acquire()
            if self._stopped:
                return
            try:
                item: object = next(self._source, _END)
            except BaseException as error:  # noqa: BLE001 - raised again in the consumer
                item = _Raised(error)
            self._produced.put(item)
            if item is _END or isinstance(item, _Raised):
                return

    def stop(self) -> None:
        """Stops the production: the consumer takes no more items."""
        self._stopped = True
        self._slots.release()


@contextmanager
def reading_ahead(source: Iterator[T], name: str) -> Iterator[ReadAhead[T]]:
    """Runs a source in a thread while the block takes its items; the thread ends with the block.

    A source that waits must yield an item, if an empty one, from time to time: the thread can end
    only between two items.
    """
    items = ReadAhead(source)
    producer = threading.Thread(target=items.produce, name=name, daemon=True)
    producer.start()
    try:
        yield items
    finally:
        items.stop()
        producer.join()
