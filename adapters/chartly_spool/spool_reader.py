"""The loader's side of the spool: the state, segments in order, and their removal."""

import time
from collections.abc import Iterable
from pathlib import Path
from typing import Self

from chartly.errors import Reason, RunError
from chartly.slices import PullState, Slice
from chartly_spool.file_lock import Peer
from chartly_spool.segment import (
    END,
    STATE,
    End,
    Segment,
    SegmentMeta,
    body_name,
    digest,
    dump_state,
    load_end,
    load_meta,
    meta_name,
)
from chartly_spool.spool_side import Side, SpoolSide

_POLL_SECONDS = 0.005


class SpoolReader(SpoolSide):
    """Reads pages from a folder in the order of their numbers, which is that of each slice.

    Args:
        grace: seconds to wait for the connector to start.

    Raises:
        RunError: ``PeerLost`` when the connector ended without ``end.json``, or a file of the
            spool is incomplete; ``LimitReached`` when the disk is full.
    """

    def __init__(self, path: Path, grace: float = 30.0) -> None:
        super().__init__(path, own=Side.LOADER, other=Side.CONNECTOR)
        self._grace = grace
        self._next = 0
        self._pages: dict[Slice, int] = {}
        self._opened = time.monotonic()

    def __enter__(self) -> Self:
        super().__enter__()
        self._opened = time.monotonic()
        return self

    def write_state(self, state: PullState) -> None:
        """Writes where the connector starts; segments are expected from there on."""
        self._next = state.next_number
        self._pages = {
            slice_: start.next_page for slice_, start in state.slices.items() if not start.complete
        }
        self.put(STATE, dump_state(state))

    @property
    def end(self) -> End | None:
        """How the connector ended, once it has."""
        path = self._path / END
        return load_end(path) if path.exists() else None

    def next_segments(self, max_segments: int, max_bytes: int, timeout: float) -> list[Segment]:
        """The segments that are ready, in order; empty after the timeout, and after the last one.

        ``end`` distinguishes the two: every segment is visible before it.
        """
        deadline = time.monotonic() + timeout
        while not (self._path / meta_name(self._next)).exists():
            if (self._path / END).exists():
                # The end is written after the last segment: a second look decides.
                if not (self._path / meta_name(self._next)).exists():
                    return []
                break
            self._check_peer()
            if time.monotonic() > deadline:
                return []
            time.sleep(_POLL_SECONDS)
        return self._take(max_segments, max_bytes)

    def done(self, numbers: Iterable[int]) -> None:
        """Removes segments whose rows and ledger entries are durable."""
        for number in numbers:
            (self._path / meta_name(number)).unlink(missing_ok=True)
            (self._path / body_name(number)).unlink(missing_ok=True)

    def _take(self, max_segments: int, max_bytes: int) -> list[Segment]:
        taken: list[Segment] = []
        size = 0
        while len(taken) < max_segments and size < max_bytes:
            path = self._path / meta_name(self._next)
            if not path.exists():
                break
            meta = load_meta(path)
            self._check_place(meta)
            body = self._body(meta.number)
            if len(body) != meta.size or digest(body) != meta.sha256:
                raise RunError(
                    Reason.PEER_LOST, f"spool segment {path.name} differs from its digest"
                )
            taken.append(Segment(meta, body))
            size += meta.size
            self._next += 1
            self._pages[meta.slice] += 1
        return taken

    def _check_place(self, meta: SegmentMeta) -> None:
        """Raises unless a page is the next one of a slice of the state."""
        expected = self._pages.get(meta.slice)
        if meta.page != expected:
            wanted = "was not asked for" if expected is None else f"goes on with page {expected}"
            raise RunError(
                Reason.PEER_LOST,
                f"spool segment {meta_name(meta.number)} is page {meta.page} of slice "
                f"{str(meta.slice)!r}, which {wanted}",
            )

    def _body(self, number: int) -> bytes:
        try:
            return (self._path / body_name(number)).read_bytes()
        except FileNotFoundError:
            raise RunError(
                Reason.PEER_LOST, f"spool segment {meta_name(number)} has no body"
            ) from None

    def _check_peer(self) -> None:
        connector = self.other()
        # The end is looked for after the lock: a connector writes it before it releases the lock.
        if connector is Peer.GONE and not (self._path / END).exists():
            raise RunError(Reason.PEER_LOST, "the connector ended without saying how")
        if connector is Peer.AWAITED and time.monotonic() - self._opened > self._grace:
            raise RunError(Reason.PEER_LOST, "no connector came")
