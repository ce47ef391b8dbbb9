"""Runs kopf inside this process: it watches until it is stopped or fails."""

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
    """The settings of the watches.

    Attributes:
        namespaces: the only ones to watch; empty for all.
        credentials: returns the current credentials.
        stop: ends the watches; ready: is set when they have begun.
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
        """Connects with new credentials; kopf calls it again when they are refused."""
        current = await self._credentials()
        if current == self._last:
            raise kopf.LoginError("the API server does not take our credentials any more")
        self._last = current
        information = kopf.ConnectionInfo(
            server=current.server,
            ca_path=current.ca_path,
            insecure=current.insecure,
            certificate_path=current.certificate_path,
            private_key_path=current.private_key_path,
            token=current.token,
        )
        session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ssl=information.as_ssl_context()),
            headers=information.as_http_headers(),
        )
        self._open.append(session)
        return kopf.AiohttpSession(server=current.server, aiohttp_session=session)

    async def close(self) -> None:
        for session in self._open:
            await session.close()


async def watch(memo: Memo, config: Watch) -> None:
    """Watches until ``config.stop`` is set.

    Raises:
        Exception: the watch failed; this process must be restarted.
    """
    elders = asyncio.all_tasks()
    sessions = _Sessions(config.credentials)
    tasks = await kopf.spawn_tasks(
        registry=registry(sessions.login),
        settings=settings(config.chance, watch_list=config.watch_list),
        # Only peering reads it. By default kopf reads the user's name, which may lack in a Pod.
        identity=cast("Any", "chartly"),
        standalone=True,
        clusterwide=not config.namespaces,
        namespaces=config.namespaces,
        memo=memo,
        stop_flag=config.stop,
        ready_flag=config.ready,
    )
    error: BaseException | None = None
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        errors = (task.exception() for task in done)
        error = next((raised for raised in errors if raised is not None), None)
    finally:
        try:
            if not config.stop.is_set():
                await _end_watches(elders)
                config.stop.set()  # kopf also waits for the tasks that wait for it
            with contextlib.suppress(Exception):
                await kopf.run_tasks(tasks, ignored=elders)
        finally:
            await sessions.close()
    if error is not None:
        raise error


async def _end_watches(elders: set[asyncio.Task[Any]]) -> None:
    """Cancels kopf's other watches; otherwise it waits five seconds for them after a failure."""
    younger = asyncio.all_tasks() - elders
    watchers = [task for task in younger if task.get_name().startswith("watcher for ")]
    for task in watchers:
        task.cancel()
    await asyncio.gather(*watchers, return_exceptions=True)
