"""Reads a response's body, decompressed while it arrives, with limits before and after that."""

import time
import zlib
from collections.abc import Callable

import httpx

from chartly.errors import Reason, RunError

_GZIP = b"\x1f\x8b"
_STEP = 64 * 1024
_ENCODINGS = ("", "identity", "gzip", "x-gzip", "deflate")


class TruncatedError(Exception):
    """The body ended early, or does not match its headers."""


def read_body(
    response: httpx.Response, limit: int, deadline: float, count: Callable[[int], None]
) -> bytes:
    """Reads the complete body, decompressed.

    Args:
        limit: bytes allowed on the wire, and after decompression.
        deadline: the monotonic time by which it must have arrived.
        count: called with the size of each chunk on the wire.

    Raises:
        RunError: ``LimitReached``: it is larger than allowed.
        TruncatedError: it ends early, arrives too slowly, or cannot be decompressed.
    """
    encoding = response.headers.get("content-encoding", "").strip().lower()
    if encoding not in _ENCODINGS:
        raise TruncatedError(f"content-encoding {encoding!r} was not asked for")
    sink = _Sink(encoding, limit)
    wire = 0
    for chunk in response.iter_raw():
        wire += len(chunk)
        count(len(chunk))
        check_size(wire, limit)
        sink.feed(chunk)
        if time.monotonic() > deadline:
            raise TruncatedError("the body did not arrive in time")
    return sink.close()


class _Sink:
    """Collects bytes, through a decompressor where headers or the first bytes require one."""

    def __init__(self, encoding: str, limit: int) -> None:
        self._encoding = encoding
        self._limit = limit
        self._parts: list[bytes] = []
        self._size = 0
        self._inflate: zlib._Decompress | None = None
        self._head = b""
        self._started = False

    def feed(self, chunk: bytes) -> None:
        if not self._started:
            self._head += chunk
            if len(self._head) < len(_GZIP):
                return
            chunk = self._head
            self._start(chunk)
        while chunk:
            chunk = self._take(chunk)

    def close(self) -> bytes:
        if not self._started:
            return self._head
        if self._inflate is not None:
            self._finish(self._inflate)
        return b"".join(self._parts)

    def _finish(self, inflate: "zlib._Decompress") -> None:
        # The last step may have consumed all input with some output left.
        self._keep(inflate.flush())
        if not inflate.eof:
            raise TruncatedError("the compressed body is cut short")

    def _start(self, chunk: bytes) -> None:
        self._started = True
        # Servers mislabel gzip as identity often enough that the first bytes decide.
        if chunk.startswith(_GZIP):
            self._inflate = zlib.decompressobj(wbits=31)
        elif self._encoding == "deflate":
            zlib_header = chunk[0] & 0x0F == zlib.DEFLATED
            self._inflate = zlib.decompressobj(wbits=15 if zlib_header else -15)
        elif "gzip" in self._encoding:
            raise TruncatedError("the body says gzip and is not")

    def _take(self, chunk: bytes) -> bytes:
        if self._inflate is None:
            self._keep(chunk)
            return b""
        try:
            self._keep(self._inflate.decompress(chunk, _STEP))
        except zlib.error:
            raise TruncatedError("the compressed body is damaged") from None
        if self._inflate.eof and self._inflate.unused_data:
            raise TruncatedError("bytes follow the compressed body")
        return self._inflate.unconsumed_tail

    def _keep(self, part: bytes) -> None:
        self._size += len(part)
        check_size(self._size, self._limit)
        self._parts.append(part)


def check_size(size: int, limit: int) -> None:
    """Raises where a body is larger than allowed.

    Raises:
        RunError: ``LimitReached``.
    """
    if size > limit:
        raise RunError(
            Reason.LIMIT_REACHED, f"a response is larger than transport.maxPayloadBytes {limit}"
        )
