"""One side of the spool: the connector's or the loader's, each with a lock of its own."""

import errno
import os
from enum import Enum
from pathlib import Path
from typing import Self

from chartly.errors import Reason, RunError
from chartly_spool.file_lock import FileLock, Peer, peer

_FULL_DISK = (errno.ENOSPC, errno.EDQUOT)


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
        self._path = spool
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
        return peer(self._other.lock_file(self._path))

    def put(self, name: str, content: bytes) -> None:
        """Writes a file of the spool, which is visible whole or not at all.

        Raises:
            RunError: ``LimitReached``: the disk is full; ``PeerLost``: the spool was removed.
        """
        hidden = self._path / f".{name}.tmp"
        try:
            hidden.write_bytes(content)
            os.replace(hidden, self._path / name)  # noqa: PTH105 - Path.replace is the same call
        except FileNotFoundError:
            raise RunError(
                Reason.PEER_LOST, f"spool {self._path}: is gone, as its {self._other.value} is"
            ) from None
        except OSError as error:
            if error.errno not in _FULL_DISK:
                raise
            hidden.unlink(missing_ok=True)
            raise RunError(
                Reason.LIMIT_REACHED, f"spool {self._path}: no space left on the device"
            ) from None
