"""Takes the turn for a run, judged by the API server's state and not by the cache."""

from collections.abc import Iterator

from chartly.names import RUN_UID_LABEL, TURN_MANAGER
from chartly.reconcile.actions import Key, Object, TakeTurn
from chartly.reconcile.objects import key_of, uid_of, version_of
from chartly.reconcile.turn import (
    Holder,
    HolderState,
    epoch_of,
    holder_state,
    holder_status,
    holders_of,
    vacant_status,
)
from chartly_kube.kube_port import Conflict, KubePort, NotFound
from chartly_operator import indexes
from chartly_operator.cache import Cache
from chartly_operator.clock import Clock
from chartly_operator.intake import WatchIntake
from chartly_operator.trimming import trim


def holders(cache: Cache, workflow: Object) -> Iterator[Holder]:
    """The holders of a workflow's turn, as they were last seen."""
    for name, uid in holders_of(workflow):
        run = cache.get(Key("WorkflowRun", key_of(workflow).namespace, name))
        yield Holder(
            run=name,
            uid=uid,
            resource=run if run is not None and uid_of(run) == uid else None,
            jobs=cache.find(indexes.JOBS, uid),
            pods=cache.find(indexes.PODS, uid),
        )


class Turns:
    """Takes turns, each with one read and one write where the cache has the holder's end."""

    def __init__(self, port: KubePort, cache: Cache, intake: WatchIntake, clock: Clock) -> None:
        self._port, self._cache, self._intake, self._clock = port, cache, intake, clock

    async def take(self, action: TakeTurn) -> None:
        """Makes a run the holder.

        Raises:
            Conflict: another holder may run, or took the turn meanwhile; the cache is fresh then.
        """
        workflow = await self._workflow(action)
        if epoch_of(workflow) >= action.epoch:
            raise Conflict(f"{action.workflow}: a turn was taken after this one was decided")
        held = False
        for holder in holders(self._cache, workflow):
            if holder.uid == action.run[1]:
                held = True
            elif await self._state_of(holder, action.workflow.namespace) is not HolderState.OVER:
                raise Conflict(f"{action.workflow}: it is the turn of run {holder.run!r}")
        if held:
            # Another replica may have judged the holder to be over: its write must be refused.
            vacant = vacant_status(epoch_of(workflow))
            workflow = await self._applied(action, workflow, vacant)
        await self._applied(action, workflow, holder_status(*action.run, action.epoch))

    async def _workflow(self, action: TakeTurn) -> Object:
        try:
            workflow = await self._port.get(action.workflow)
        except NotFound:
            self._intake.lost(action.workflow)
            raise
        self._intake.put(workflow)
        if uid_of(workflow) != action.uid:
            raise Conflict(f"{action.workflow} is another one by now")
        return workflow

    async def _applied(self, action: TakeTurn, workflow: Object, status: Object) -> Object:
        version = version_of(workflow)
        try:
            after = await self._port.apply_status(
                action.workflow, action.uid, version, status, TURN_MANAGER
            )
        except Conflict:
            await self._workflow(action)
            raise
        self._intake.put(after)
        return after

    async def _state_of(self, holder: Holder, namespace: str) -> HolderState:
        state = holder_state(holder, self._clock.wall())
        if state is HolderState.UNKNOWN:
            live = await self._live(holder, namespace)
            state = holder_state(live, self._clock.wall())
        return state

    async def _live(self, holder: Holder, namespace: str) -> Holder:
        """A holder as the API server has it: the run first, since a finished run stays finished."""
        key = Key("WorkflowRun", namespace, holder.run)
        resource: Object | None = None
        try:
            run = await self._port.get(key)
        except NotFound:
            self._intake.lost(key)
        else:
            self._intake.put(run)
            resource = run if uid_of(run) == holder.uid else None
        jobs, pods = [await self._listed(kind, namespace, holder.uid) for kind in ("Job", "Pod")]
        return Holder(holder.run, holder.uid, resource, jobs, pods, live=True)

    async def _listed(self, kind: str, namespace: str, uid: str) -> tuple[Object, ...]:
        """The objects of a kind that were created for the run of that uid."""
        resources = await self._port.listed(kind, namespace, trim, {RUN_UID_LABEL: uid})
        for resource in resources:
            self._intake.take(resource)
        return tuple(resources)
