"""File locks: the kernel tells each side of the spool when the other is dead."""

import fcntl
import os
from enum import Enum
from pathlib import Path
from typing import Self

CONNECTOR = "connector.lock"
LOADER = "loader.lock"


class FileLock:
    """An exclusive lock on a file, held until closed or until the process ends."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def acquire(self) -> bool:
        """Takes the lock if it is free; writes the own process id into the file."""
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        self._descriptor = descriptor
        return True

    def release(self) -> None:
        """Gives the lock back; the file stays."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


class Peer(Enum):
    """What a lock file says of the process on the other side."""

    AWAITED = "awaited"
    ALIVE = "alive"
    GONE = "gone"


def peer(path: Path) -> Peer:
    """Whether the holder of a lock has not come yet, is there, or has ended.

    A lock is only tried once its holder has written into the file, so that trying never stands
    in the way of one who is about to take it.
    """
    if holder(path) == "":
        return Peer.AWAITED
    descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return Peer.ALIVE
    finally:
        os.close(descriptor)
    return Peer.GONE


def holder(path: Path) -> str:
    """The process id that was last written into a lock file, or nothing."""
    try:
        return path.read_text(encoding="ascii")
    except FileNotFoundError:
        return ""
