"""Composes the operator and runs it until it is stopped, or its process must be restarted."""

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
_EXIT_GRACE = 1.0


@dataclass(frozen=True)
class Dependencies:
    """The ports and functions that the operator is composed of.

    Attributes:
        port: the API server, and streams of it; ``metrics`` counts the port's calls.
        credentials: for the watches, which have connections of their own.
        deciders: the decision of each kind; ``sweep`` finds frozen inputs that no run uses.
        chance: a number in [0, 1).
        signals: makes signals set the stop event; kopf replaces these handlers when it starts.
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

    def __init__(self, options: OperatorOptions, dependencies: Dependencies) -> None:
        self._options, self._dependencies, self._clock = options, dependencies, dependencies.clock
        self._acting, self._crds, self._started = True, False, dependencies.clock.now()
        self.metrics = dependencies.metrics
        self.election = self._elected()
        self.cache = Cache(entries)
        self.queue = WorkQueue(
            dependencies.clock, dependencies.chance, lambda key: awaits_launch(self.cache.get(key))
        )
        home = options.decisions.global_namespace
        self.intake = WatchIntake(self.cache, self.queue, dependencies.clock, self.leading, home)
        self._performer = Performer(
            dependencies.port,
            self.cache,
            self.intake,
            EventRecorder(dependencies.port, dependencies.clock, options.identity),
            dependencies.clock,
            self.leading,
            dependencies.metrics,
        )
        self.resync = Resync(
            dependencies.port,
            self.cache,
            self.intake,
            self.queue,
            self._performer,
            dependencies.clock,
            self.leading,
            dependencies.chance,
            dependencies.sweep,
            options.namespaces,
            options.resync,
        )
        self._gatherer = Gatherer(self.cache, self.intake, dependencies.port, home)
        self._follower = Follower(
            dependencies.streams, self.intake, dependencies.clock, dependencies.chance
        )
        self._breaker = Breaker()
        self._pulse = Pulse(dependencies.clock)
        self._health = HealthServer(self._signs(), dependencies.metrics.text)
        dependencies.metrics.watch(
            lambda phase: self.cache.count(PHASE, phase),
            lambda: self.queue.depth,
            lambda: self.queue.age,
        )
        self.health_port = 0
        self.watching = asyncio.Event()
        """Set when kopf has started."""

    def leading(self) -> bool:
        """Whether this process may act now."""
        return self._acting and self.election.leading()

    async def run(self, stop: asyncio.Event) -> None:
        """Runs until ``stop`` is set.

        Raises:
            Ended: a task ended that must not; in one sentence.
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
        """Returns when our kinds are served and everything has been listed once."""
        self._dependencies.signals()
        logged = ""
        while (cause := await self._missing_prerequisite()) is not None:
            if cause != logged:
                logger.warning("cannot begin: %s", cause)
            logged = cause
            await self._clock.sleep(_RETRY)

    async def _missing_prerequisite(self) -> str | None:
        """Why the operator cannot begin; None if it can."""
        try:
            self._crds = await self._dependencies.port.served_kinds() >= set(OWN)
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
        self._start(tasks)
        stop_kopf = asyncio.Event()
        watching = asyncio.create_task(self._watch(stop_kopf), name="the watch")
        try:
            await tasks.until(stop, watching)
        finally:
            self._acting = False
            self._dependencies.metrics.leads(leading=False)
            await tasks.cancel()
            await self.election.release()
            stop_kopf.set()
            await finish_or_cancel(watching, _EXIT_GRACE)

    def _start(self, tasks: Tasks) -> None:
        tasks.start("the election", self._lead())
        tasks.start("the regular list", self.resync.run())
        tasks.start("signals", self._keep_signals())
        for kind, namespace in self._followed():
            follow = self._follower.follow(kind, namespace)
            tasks.start(f"the stream of {kind}s {namespace or ''}".strip(), follow)
        for number in range(self._options.workers):
            tasks.start(f"worker {number}", self._worker().run())

    def _followed(self) -> Iterator[tuple[str, str | None]]:
        """Each kind and namespace to follow; None for all."""
        for kind in FOLLOWED:
            # A Role cannot allow to watch namespaces; the regular list gets them one by one.
            if not self._options.namespaces:
                yield kind, None
            elif KINDS[kind].namespaced:
                yield from ((kind, namespace) for namespace in self._options.namespaces)

    async def _watch(self, stop: asyncio.Event) -> None:
        dependencies, options = self._dependencies, self._options
        how = Watch(
            namespaces=options.namespaces,
            credentials=dependencies.credentials,
            chance=dependencies.chance,
            watch_list=options.watch_list,
            stop=stop,
            ready=self.watching,
        )
        await watch(Memo(self.intake), how)

    async def _lead(self) -> None:
        """Leads as soon as it holds the Lease; raises when it loses it."""
        await self.election.acquire()
        logger.info("%s leads now", self._options.identity)
        self._dependencies.metrics.leads(leading=True)
        self.queue.add_all(self.resync.needy())
        self.resync.ask()
        await self.election.hold()
        raise Ended("the Lease was lost; another replica may act now")

    async def _keep_signals(self) -> None:
        await self.watching.wait()
        self._dependencies.signals()
        await asyncio.Event().wait()

    def _worker(self) -> Worker:
        dependencies = self._dependencies
        return Worker(
            self.queue,
            self._gatherer,
            self._performer,
            dependencies.deciders,
            self._options.decisions,
            dependencies.clock,
            self._breaker,
            dependencies.metrics,
        )

    def _elected(self) -> Election | Unopposed:
        options = self._options
        if options.lease is None:
            return Unopposed(self._clock)
        key = Key("Lease", *options.lease)
        return Election(self._dependencies.port, key, options.identity, self._clock, options.terms)

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
