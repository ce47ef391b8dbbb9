"""``/livez``, ``/readyz`` and ``/metrics``: they report work done, not an open port."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from aiohttp import web

from chartly_operator.clock import Clock

_TICK = 1.0
_LAG = 5.0
_SILENCE = 900.0
_CONTACT = 30.0


class Pulse:
    """Measures how late the event loop is."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last = clock.now()

    async def run(self) -> None:
        while True:
            self._last = self._clock.now()
            await self._clock.sleep(_TICK)

    def lag(self) -> float:
        return max(0.0, self._clock.now() - self._last - _TICK)


@dataclass(frozen=True)
class Signs:
    """The measurements behind health, each read at the request.

    Attributes:
        lag: seconds that the event loop is late.
        silence: seconds since the last watch event or full list.
        crds: whether the API server serves our kinds.
        warm: whether everything has been listed once.
        leading: whether this replica acts.
        contact: seconds since the API server answered about the Lease.
    """

    lag: Callable[[], float]
    silence: Callable[[], float]
    crds: Callable[[], bool]
    warm: Callable[[], bool]
    leading: Callable[[], bool]
    contact: Callable[[], float]

    def dead(self) -> list[str]:
        """Why this process should be restarted."""
        why = []
        if self.lag() > _LAG:
            why.append(f"the event loop is {self.lag():.0f} s late")
        if self.silence() > _SILENCE:
            why.append(f"nothing was seen of the cluster for {self.silence():.0f} s")
        return why

    def unready(self) -> list[str]:
        """Why this process can neither act nor take over."""
        why = []
        if not self.crds():
            why.append("the CustomResourceDefinitions are not there; install them first")
        if not self.warm():
            why.append("not everything has been listed yet")
        if not self.leading() and self.contact() > _CONTACT:
            why.append("the Lease cannot be read")
        return why


class HealthServer:
    """Serves health and metrics over HTTP.

    Args:
        metrics: the text for ``/metrics``.
    """

    def __init__(self, signs: Signs, metrics: Callable[[], bytes]) -> None:
        self._signs, self._metrics = signs, metrics
        self._runner: web.AppRunner | None = None

    async def start(self, host: str, port: int) -> int:
        """Listens.

        Returns:
            The port, which the system chooses if 0 is given.
        """
        app = web.Application()
        app.router.add_get("/livez", self._livez)
        app.router.add_get("/readyz", self._readyz)
        app.router.add_get("/metrics", self._text)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port).start()
        return int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _livez(self, _request: web.Request) -> web.Response:
        return _verdict(self._signs.dead())

    async def _readyz(self, _request: web.Request) -> web.Response:
        return _verdict(self._signs.unready())

    async def _text(self, _request: web.Request) -> web.Response:
        kind: Mapping[str, str] = {"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}
        return web.Response(body=self._metrics(), headers=kind)


def _verdict(why: list[str]) -> web.Response:
    text = "\n".join(why) or "ok"
    return web.Response(text=f"{text}\n", status=503 if why else 200)
