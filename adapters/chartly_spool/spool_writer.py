"""The connector's side of the spool: segments by rename, and the end."""

import time
from collections import deque
from pathlib import Path

from chartly.errors import Reason, RunError
from chartly.slices import PullState
from chartly_spool.file_lock import Peer
from chartly_spool.segment import (
    END,
    STATE,
    End,
    SegmentMeta,
    body_name,
    dump_end,
    dump_meta,
    load_state,
    meta_name,
)
from chartly_spool.spool_side import Side, SpoolSide

DEFAULT_LIMIT = 512 * 1024 * 1024
_FULL = 0.8
_POLL_SECONDS = 0.005


class SpoolWriter(SpoolSide):
    """Writes pages into a folder; a page is visible whole or not at all.

    Raises:
        RunError: ``PeerLost`` when the loader has ended, ``LimitReached`` when the disk is full.
    """

    def __init__(self, path: Path, limit: int = DEFAULT_LIMIT) -> None:
        super().__init__(path, own=Side.CONNECTOR, other=Side.LOADER)
        self._limit = limit
        self._sizes: deque[tuple[int, int]] = deque()
        self._held = 0

    def wait_for_state(self, timeout: float) -> PullState:
        """The state to start from, once the loader has written it."""
        deadline = time.monotonic() + timeout
        while not (self._path / STATE).exists():
            self._check_peer()
            if time.monotonic() > deadline:
                raise RunError(Reason.PEER_LOST, "the loader did not say where to start")
            time.sleep(_POLL_SECONDS)
        return load_state(self._path / STATE)

    def write(self, meta: SegmentMeta, body: bytes) -> float:
        """Writes a page; waits while the spool is full. Returns the seconds waited."""
        waited = self._wait_for_room(len(body))
        self._check_peer()
        self.put(body_name(meta.number), body)
        try:
            # The metadata is written last: once the reader finds it, the body is there.
            self.put(meta_name(meta.number), dump_meta(meta))
        except RunError:
            # The end needs the space of this body.
            (self._path / body_name(meta.number)).unlink(missing_ok=True)
            raise
        self._sizes.append((meta.number, len(body)))
        self._held += len(body)
        return waited

    def end(self, end: End) -> None:
        """Writes how the connector ended; nothing is written after it."""
        self.put(END, dump_end(end))

    def _wait_for_room(self, size: int) -> float:
        if self._has_room(size):
            return 0.0
        started = time.monotonic()
        while not self._has_room(size):
            self._check_peer()
            time.sleep(_POLL_SECONDS)
        return time.monotonic() - started

    def _has_room(self, size: int) -> bool:
        return self._used() + size <= self._limit * _FULL or not self._sizes

    def _used(self) -> int:
        # The loader removes the pages of a stream in order, so only the oldest one is looked for:
        # younger pages of other streams count until it is removed.
        while self._sizes and not (self._path / body_name(self._sizes[0][0])).exists():
            self._held -= self._sizes.popleft()[1]
        return self._held

    def _check_peer(self) -> None:
        if self.other() is Peer.GONE:
            raise RunError(Reason.PEER_LOST, "the loader ended while pages were on their way")
