"""Takes a run's turn: what the API server says now decides, not what was last seen."""

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
    """Takes turns, each with one read and one write where the holder's end is in view."""

    def __init__(self, port: KubePort, cache: Cache, intake: WatchIntake, clock: Clock) -> None:
        self._port, self._cache, self._intake, self._clock = port, cache, intake, clock

    async def take(self, action: TakeTurn) -> None:
        """Makes a run the holder.

        Raises:
            Conflict: another one may go on, or took it in between; the view is up to date then.
        """
        workflow = await self._workflow(action)
        if epoch_of(workflow) >= action.epoch:
            raise Conflict(f"{action.workflow}: a turn was taken after this one was decided")
        mine = False
        for holder in holders(self._cache, workflow):
            if holder.uid == action.run[1]:
                mine = True
            elif await self._standing(holder, action.workflow.namespace) is not HolderState.OVER:
                raise Conflict(f"{action.workflow}: it is the turn of run {holder.run!r}")
        if mine:
            # Whoever judged it to be given up, and is about to take it, must find a newer version.
            nobody = vacant_status(epoch_of(workflow))
            workflow = await self._applied(action, workflow, nobody)
        await self._applied(action, workflow, holder_status(*action.run, action.epoch))

    async def _workflow(self, action: TakeTurn) -> Object:
        try:
            found = await self._port.get(action.workflow)
        except NotFound:
            self._intake.lost(action.workflow)
            raise
        self._intake.put(found)
        if uid_of(found) != action.uid:
            raise Conflict(f"{action.workflow} is another one by now")
        return found

    async def _applied(self, action: TakeTurn, workflow: Object, status: Object) -> Object:
        version = version_of(workflow)
        try:
            found = await self._port.apply_status(
                action.workflow, action.uid, version, status, TURN_MANAGER
            )
        except Conflict:
            await self._workflow(action)
            raise
        self._intake.put(found)
        return found

    async def _standing(self, holder: Holder, namespace: str) -> HolderState:
        standing = holder_state(holder, self._clock.wall())
        if standing is HolderState.UNKNOWN:
            asked = await self._asked(holder, namespace)
            standing = holder_state(asked, self._clock.wall())
        return standing

    async def _asked(self, holder: Holder, namespace: str) -> Holder:
        """A holder as the API server knows it: the run first, since what is over stays so."""
        key = Key("WorkflowRun", namespace, holder.run)
        found: Object | None = None
        try:
            run = await self._port.get(key)
        except NotFound:
            self._intake.lost(key)
        else:
            self._intake.put(run)
            found = run if uid_of(run) == holder.uid else None
        jobs, pods = [await self._left(kind, namespace, holder.uid) for kind in ("Job", "Pod")]
        return Holder(holder.run, holder.uid, found, jobs, pods, live=True)

    async def _left(self, kind: str, namespace: str, uid: str) -> tuple[Object, ...]:
        found = await self._port.listed(kind, namespace, trim, {RUN_UID_LABEL: uid})
        for one in found:
            self._intake.take(one)
        return tuple(found)
