"""Watches as streams: the changes of one kind, from a version on."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import msgspec

from chartly_kube.api_errors import failure
from chartly_kube.kube_port import Kept, Read, Unavailable, WatchEvent

SILENCE = 120.0
"""Seconds without data after which a watch is given up; bookmarks arrive once a minute."""
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
    """The lines of a response, of any length."""
    rest = b""
    async for data in content.iter_any():
        *whole, rest = (rest + data).split(b"\n")
        for line in whole:
            if line.strip():
                yield line


def watch_event(action: str, line: bytes, read: Read[Kept]) -> WatchEvent[Kept]:
    """The event of one line of a watch.

    Raises:
        KubeError: the watch cannot go on; ``Expired`` where it has to start again.
    """
    try:
        event = _LINE.decode(line)
        if event.type == "ERROR":
            status: dict[str, Any] = msgspec.json.decode(event.object, type=dict)
            code = status.get("code")
            code = code if isinstance(code, int) else _SERVER_ERROR
            raise failure(action, code, {}, bytes(event.object))
        version = _HEAD.decode(event.object).metadata.resource_version
        kept = None if event.type == "BOOKMARK" else read(bytes(event.object))
    except msgspec.DecodeError:
        raise Unavailable(f"cannot {action}: the answer is not JSON") from None
    return WatchEvent(event.type, version, kept)
