"""File locks: the kernel releases them when their process ends, in whatever way it ends."""

import fcntl
import os
from enum import Enum
from pathlib import Path
from typing import Self

from chartly.errors import Reason, RunError


class FileLock:
    """An exclusive lock on a file, held until released or until the process ends.

    Args:
        resource: what the lock protects, as the subject of the error's sentence.
        reason: of the error that is raised where another process holds the lock.
    """

    def __init__(self, path: Path, resource: str, reason: Reason) -> None:
        self._path = path
        self._resource = resource
        self._reason = reason
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Takes the lock, and writes the id of this process into the file.

        Raises:
            RunError: another process holds it, or this one does already.
        """
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise self._in_use() from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        self._descriptor = descriptor

    def release(self) -> None:
        """Releases the lock; the file stays."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def _in_use(self) -> RunError:
        pid = holder(self._path)
        # Between taking the lock and writing into the file its holder has no name.
        process = f"process {pid}" if pid else "another process"
        return RunError(
            self._reason, f"{self._resource} is in use by {process}; wait for it or end it"
        )


class Peer(Enum):
    """The state of the process that holds, held or will hold a lock."""

    AWAITED = "awaited"
    ALIVE = "alive"
    GONE = "gone"


def peer(path: Path) -> Peer:
    """Whether the holder of a lock has not started yet, is alive, or has ended.

    A lock is tried only once its holder has written into the file, so that trying it never
    prevents a process from taking it.
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
    """The process id that was last written into a lock file; empty where none was."""
    try:
        return path.read_text(encoding="ascii")
    except FileNotFoundError:
        return ""
