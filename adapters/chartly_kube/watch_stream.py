"""Watches as streams: what the API server tells of one kind, from a version on."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import msgspec

from chartly_kube.api_errors import failure
from chartly_kube.kube_port import Kept, Read, Unavailable, WatchEvent

SILENCE = 120.0
"""Seconds without a word after which a watch is given up; bookmarks come once a minute."""
_SERVER_ERROR = 500


class _Line(msgspec.Struct):
    type: str
    object: msgspec.Raw


class _Metadata(msgspec.Struct):
    resource_version: str = msgspec.field(default="", name="resourceVersion")


class _Head(msgspec.Struct):
    metadata: _Metadata = msgspec.field(default_factory=_Metadata)


_LINE, _HEAD = msgspec.json.Decoder(_Line), msgspec.json.Decoder(_Head)


async def lines(content: aiohttp.StreamReader) -> AsyncIterator[bytes]:
    """The lines of an answer, of any length."""
    rest = b""
    async for data in content.iter_any():
        *whole, rest = (rest + data).split(b"\n")
        for line in whole:
            if line.strip():
                yield line


def watch_event(what: str, line: bytes, read: Read[Kept]) -> WatchEvent[Kept]:
    """What a line of a watch tells.

    Raises:
        KubeError: the watch cannot go on; ``Expired`` where it has to start again.
    """
    try:
        told = _LINE.decode(line)
        if told.type == "ERROR":
            status: dict[str, Any] = msgspec.json.decode(told.object, type=dict)
            code = status.get("code")
            code = code if isinstance(code, int) else _SERVER_ERROR
            raise failure(what, code, {}, bytes(told.object))
        version = _HEAD.decode(told.object).metadata.resource_version
        kept = None if told.type == "BOOKMARK" else read(bytes(told.object))
    except msgspec.DecodeError:
        raise Unavailable(f"cannot {what}: the answer is not JSON") from None
    return WatchEvent(told.type, version, kept)
