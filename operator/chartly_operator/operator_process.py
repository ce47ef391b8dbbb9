"""Puts the operator together and runs it until it is told to stop, or must begin anew."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass

from chartly.reconcile.actions import Key
from chartly_kube.connection import Credentials
from chartly_kube.kinds import FOLLOWED, KINDS, OWN
from chartly_kube.kube_port import KubeError, KubePort, WatchPort
from chartly_kube.lease import Election, Unopposed
from chartly_operator.breaker import Breaker
from chartly_operator.cache import Cache
from chartly_operator.clock import Clock
from chartly_operator.events import EventRecorder
from chartly_operator.follow import Follower
from chartly_operator.gather import Decide, Gatherer
from chartly_operator.handlers import Memo
from chartly_operator.health import HealthServer, Pulse, Signs
from chartly_operator.indexes import PHASE, awaits_launch, entries
from chartly_operator.intake import WatchIntake
from chartly_operator.metrics import Metrics
from chartly_operator.perform import Performer
from chartly_operator.queue import WorkQueue
from chartly_operator.resync import Resync, Sweep
from chartly_operator.settings import OperatorOptions
from chartly_operator.tasks import Ended, Tasks, finish_or_cancel
from chartly_operator.watch import Watch, watch
from chartly_operator.worker import Worker

logger = logging.getLogger(__name__)
_RETRY = 2.0
_FAREWELL = 1.0


@dataclass(frozen=True)
class Dependencies:
    """What the operator is given from outside.

    Attributes:
        port: its API server, and streams of it; ``metrics`` counts the port's calls.
        credentials: for the watches, which have connections of their own.
        brain: what decides, by kind; ``sweep`` finds frozen inputs that nothing uses.
        chance: a number in [0, 1).
        signals: makes signals set the stop event; kopf takes them away when it starts.
    """

    port: KubePort
    streams: WatchPort
    metrics: Metrics
    credentials: Callable[[], Awaitable[Credentials]]
    deciders: Mapping[str, Decide]
    sweep: Sweep
    clock: Clock
    chance: Callable[[], float]
    signals: Callable[[], None]


class OperatorProcess:
    """The operator: one process of possibly several."""

    def __init__(self, options: OperatorOptions, given: Dependencies) -> None:
        self._options, self._given, self._clock = options, given, given.clock
        self._acting, self._crds, self._started = True, False, given.clock.now()
        self.metrics = given.metrics
        self.election = self._elected()
        self.cache = Cache(entries)
        self.queue = WorkQueue(
            given.clock, given.chance, lambda key: awaits_launch(self.cache.get(key))
        )
        home = options.decisions.global_namespace
        self.intake = WatchIntake(self.cache, self.queue, given.clock, self.leading, home)
        self._performer = Performer(
            given.port,
            self.cache,
            self.intake,
            EventRecorder(given.port, given.clock, options.identity),
            given.clock,
            self.leading,
            given.metrics,
        )
        self.resync = Resync(
            given.port,
            self.cache,
            self.intake,
            self.queue,
            self._performer,
            given.clock,
            self.leading,
            given.chance,
            given.sweep,
            options.namespaces,
            options.resync,
        )
        self._gatherer = Gatherer(self.cache, self.intake, given.port, home)
        self._follower = Follower(given.streams, self.intake, given.clock, given.chance)
        self._breaker = Breaker()
        self._pulse = Pulse(given.clock)
        self._health = HealthServer(self._signs(), given.metrics.text)
        given.metrics.watch(
            lambda phase: self.cache.count(PHASE, phase),
            lambda: self.queue.depth,
            lambda: self.queue.age,
        )
        self.health_port = 0
        self.watching = asyncio.Event()
        """Set when kopf has started."""

    def leading(self) -> bool:
        """Whether this process may act at this instant."""
        return self._acting and self.election.leading()

    async def run(self, stop: asyncio.Event) -> None:
        """Runs until ``stop`` is set.

        Raises:
            Ended: something ended that may not; in one sentence.
        """
        self.health_port = await self._health.start(*self._options.listen)
        tasks = Tasks()
        tasks.start("pulse", self._pulse.run())
        try:
            begun = asyncio.create_task(self._begin(), name="start")
            try:
                await tasks.until(stop, begun)
            finally:
                await finish_or_cancel(begun, 0)
            if not stop.is_set():
                await self._work(tasks, stop)
        finally:
            await tasks.cancel()
            await self._health.stop()

    async def _begin(self) -> None:
        """Returns when our kinds are known and everything has been listed once."""
        self._given.signals()
        told = ""
        while (trouble := await self._begun()) is not None:
            if trouble != told:
                logger.warning("cannot begin: %s", trouble)
            told = trouble
            await self._clock.sleep(_RETRY)

    async def _begun(self) -> str | None:
        """What is in the way; None if nothing is."""
        try:
            self._crds = await self._given.port.served_kinds() >= set(OWN)
            if not self._crds:
                return "the CustomResourceDefinitions of chartly.io are not there"
            await self.resync.once()
        except KubeError as error:
            return str(error)
        return None

    async def _work(self, tasks: Tasks, stop: asyncio.Event) -> None:
        """Works until ``stop`` is set; then nothing is written any more, and others may lead.

        Kopf starts last, because when it ends it cancels every task that is younger than itself.
        """
        tasks.start("the election", self._lead())
        tasks.start("the regular list", self.resync.run())
        tasks.start("signals", self._keep_signals())
        for kind, namespace in self._followed():
            follow = self._follower.follow(kind, namespace)
            tasks.start(f"the stream of {kind}s {namespace or ''}".strip(), follow)
        for number in range(self._options.workers):
            tasks.start(f"worker {number}", self._worker().run())
        stop_kopf = asyncio.Event()
        watching = asyncio.create_task(self._watch(stop_kopf), name="the watch")
        try:
            await tasks.until(stop, watching)
        finally:
            self._acting = False
            self._given.metrics.leads(leading=False)
            await tasks.cancel()
            await self.election.release()
            stop_kopf.set()
            await finish_or_cancel(watching, _FAREWELL)

    def _followed(self) -> Iterator[tuple[str, str | None]]:
        """Each kind and namespace to follow; None for all."""
        for kind in FOLLOWED:
            # A Role cannot let us watch namespaces; the regular lists get them one by one.
            if not self._options.namespaces:
                yield kind, None
            elif KINDS[kind].namespaced:
                yield from ((kind, namespace) for namespace in self._options.namespaces)

    async def _watch(self, stop: asyncio.Event) -> None:
        given, options = self._given, self._options
        how = Watch(
            namespaces=options.namespaces,
            credentials=given.credentials,
            chance=given.chance,
            watch_list=options.watch_list,
            stop=stop,
            ready=self.watching,
        )
        await watch(Memo(self.intake), how)

    async def _lead(self) -> None:
        """Leads whenever it can; ends when it did and cannot any more."""
        await self.election.acquire()
        logger.info("%s leads now", self._options.identity)
        self._given.metrics.leads(leading=True)
        self.queue.add_all(self.resync.needy())
        self.resync.ask()
        await self.election.hold()
        raise Ended("the Lease was lost; another replica may act now")

    async def _keep_signals(self) -> None:
        await self.watching.wait()
        self._given.signals()
        await asyncio.Event().wait()

    def _worker(self) -> Worker:
        given = self._given
        return Worker(
            self.queue,
            self._gatherer,
            self._performer,
            given.deciders,
            self._options.decisions,
            given.clock,
            self._breaker,
            given.metrics,
        )

    def _elected(self) -> Election | Unopposed:
        options = self._options
        if options.lease is None:
            return Unopposed(self._clock)
        key = Key("Lease", *options.lease)
        return Election(self._given.port, key, options.identity, self._clock, options.terms)

    def _signs(self) -> Signs:
        def silence() -> float:
            seen = max(self.intake.last_event, self.resync.last_success, self._started)
            return self._clock.now() - seen

        return Signs(
            lag=self._pulse.lag,
            silence=silence,
            crds=lambda: self._crds,
            warm=lambda: self.resync.warm,
            leading=self.leading,
            contact=lambda: self._clock.now() - self.election.contact,
        )
