"""One side of the spool: the connector's or the loader's, each with a lock of its own."""

from enum import Enum
from pathlib import Path
from typing import Self

from chartly.errors import Reason
from chartly_spool.file_lock import FileLock, Peer, peer


class Side(Enum):
    """The two processes that share a spool."""

    CONNECTOR = "connector"
    LOADER = "loader"

    def lock_file(self, spool: Path) -> Path:
        """The file that the process of this side locks."""
        return spool / f"{self.value}.lock"


class SpoolSide:
    """A process's own side of a spool, locked within the block.

    Raises:
        RunError: ``PeerLost``: another process is on this side already.
    """

    def __init__(self, spool: Path, own: Side, other: Side) -> None:
        self._spool = spool
        self._other = other
        resource = f"the {own.value}'s side of spool {spool}"
        self._lock = FileLock(own.lock_file(spool), resource, Reason.PEER_LOST)

    def __enter__(self) -> Self:
        self._lock.acquire()
        return self

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    def other(self) -> Peer:
        """The state of the process on the other side."""
        return peer(self._other.lock_file(self._spool))
