"""Runs kopf inside this process: it watches, and ends when it is told to or cannot go on."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import aiohttp
import kopf

from chartly_kube.connection import Credentials
from chartly_operator.handlers import Memo, registry, settings


@dataclass(frozen=True)
class Watch:
    """How to watch.

    Attributes:
        namespaces: the only ones; empty for all.
        credentials: the credentials as they are now.
        stop: ends it; ready: is set when it has begun.
    """

    namespaces: Sequence[str]
    credentials: Callable[[], Awaitable[Credentials]]
    chance: Callable[[], float]
    watch_list: bool
    stop: asyncio.Event
    ready: asyncio.Event


class _Sessions:
    """The connections of the watches; kopf closes its own only when it ends in good order."""

    def __init__(self, credentials: Callable[[], Awaitable[Credentials]]) -> None:
        self._credentials = credentials
        self._last: Credentials | None = None
        self._open: list[aiohttp.ClientSession] = []

    async def login(self) -> kopf.AiohttpSession:
        """Connects with new credentials; kopf asks for them when it is not let in any more."""
        found = await self._credentials()
        if found == self._last:
            raise kopf.LoginError("the API server does not take our credentials any more")
        self._last = found
        information = kopf.ConnectionInfo(
            server=found.server,
            ca_path=found.ca_path,
            insecure=found.insecure,
            certificate_path=found.certificate_path,
            private_key_path=found.private_key_path,
            token=found.token,
        )
        session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ssl=information.as_ssl_context()),
            headers=information.as_http_headers(),
        )
        self._open.append(session)
        return kopf.AiohttpSession(server=found.server, aiohttp_session=session)

    async def close(self) -> None:
        for one in self._open:
            await one.close()


async def watch(memo: Memo, how: Watch) -> None:
    """Watches until ``how.stop`` is set.

    Raises:
        Exception: the watch cannot go on; this process must begin anew.
    """
    elders = asyncio.all_tasks()
    sessions = _Sessions(how.credentials)
    tasks = await kopf.spawn_tasks(
        registry=registry(sessions.login),
        settings=settings(how.chance, watch_list=how.watch_list),
        # Only peering looks at it. By itself kopf asks for the user's name, which a Pod's may lack.
        identity=cast("Any", "chartly"),
        standalone=True,
        clusterwide=not how.namespaces,
        namespaces=how.namespaces,
        memo=memo,
        stop_flag=how.stop,
        ready_flag=how.ready,
    )
    error: BaseException | None = None
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        error = next((found for one in done if (found := one.exception())), None)
    finally:
        try:
            if not how.stop.is_set():
                await _end_watches(elders)
                how.stop.set()  # kopf waits for whoever waits for this, too
            with contextlib.suppress(Exception):
                await kopf.run_tasks(tasks, ignored=elders)
        finally:
            await sessions.close()
    if error is not None:
        raise error


async def _end_watches(elders: set[asyncio.Task[Any]]) -> None:
    """Ends kopf's other watches; by itself it waits five seconds for them after one has failed."""
    found = [
        one for one in asyncio.all_tasks() - elders if one.get_name().startswith("watcher for ")
    ]
    for one in found:
        one.cancel()
    await asyncio.gather(*found, return_exceptions=True)
