"""Event loops that end with nothing open."""

import asyncio

_SECONDS = 5.0
_POLL = 0.005


async def settled() -> None:
    """Returns when the loop has no connection any more.

    TLS says good-bye in its own time, and aiohttp does not wait for it. A loop that ends before leaves
    sockets to the garbage collector, whose complaint then fails whatever test runs at that moment.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + _SECONDS
    while _is_open(loop) and loop.time() < end:  # noqa: ASYNC110 - the loop has no event for it
        await asyncio.sleep(_POLL)


def _is_open(loop: asyncio.AbstractEventLoop) -> bool:
    transports = list(getattr(loop, "_transports", {}).values())
    return any(getattr(one, "_sock", None) is not None for one in transports)
