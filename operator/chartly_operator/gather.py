"""From the cache to the world that a decision looks at."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from chartly.names import RUN_UID_LABEL, versions_name
from chartly.reconcile.actions import Decision, Key, Object
from chartly.reconcile.attempt_end import is_job_over
from chartly.reconcile.objects import owned_by, status_of, uid_of
from chartly.reconcile.preparations import Preparations
from chartly.reconcile.reachable_profiles import ReachableProfiles
from chartly.reconcile.world import ProfileWorld, RunWorld, Settings, WorkflowWorld
from chartly_kube.kube_port import KubePort, NotFound
from chartly_operator import indexes
from chartly_operator.cache import Cache
from chartly_operator.intake import WatchIntake
from chartly_operator.trimming import trim
from chartly_operator.turns import holders

World = ProfileWorld | WorkflowWorld | RunWorld
Decide = Callable[[Any, Settings, datetime], Decision]
"""One kind's decision."""


class Gatherer:
    """Makes worlds; asks the API server only where the cache may not be believed."""

    def __init__(
        self, cache: Cache, intake: WatchIntake, port: KubePort, global_namespace: str
    ) -> None:
        self._cache, self._intake, self._port = cache, intake, port
        self._global = global_namespace
        self._preparations = Preparations()

    def known(self, key: Key) -> Object | None:
        """An object as it was last seen."""
        return self._cache.get(key)

    async def world(self, key: Key) -> World | None:
        """The world of an object; None if it is gone."""
        found = self._cache.get(key)
        if found is None:
            return None
        if key.kind == "Profile":
            return self._profile(key, found)
        if key.kind == "Workflow":
            return self._workflow(key, found)
        return await self._run(key, found)

    def _profile(self, key: Key, found: Object) -> ProfileWorld:
        spec = found.get("spec") or {}
        name = versions_name(str(spec.get("kind")), str(spec.get("name")))
        namespace, claimants = self._place(key.namespace)
        return ProfileWorld(
            profile=found,
            namespace=namespace,
            claimants=claimants,
            versions=self._cache.get(Key("ConfigMap", key.namespace, name)),
        )

    def _workflow(self, key: Key, found: Object) -> WorkflowWorld:
        namespace, claimants = self._place(key.namespace)
        name = versions_name("workflow", key.name)
        return WorkflowWorld(
            workflow=found,
            namespace=namespace,
            claimants=claimants,
            reachable=self._reachable(key.namespace),
            others=_without(self._cache.find(indexes.PLACE, ("Workflow", key.namespace)), found),
            runs=self._cache.find(indexes.RUNS, (key.namespace, key.name)),
            versions=self._cache.get(Key("ConfigMap", key.namespace, name)),
            preparations=self._preparations,
        )

    async def _run(self, key: Key, found: Object) -> RunWorld | None:
        missing = self._missing_jobs(key, found)
        if missing:
            confirmed = await self._confirmed(key, missing)
            if confirmed is None:
                return None
            found = confirmed
        await self._ask_for_last_words(key, found)
        namespace, claimants = self._place(key.namespace)
        uid = str(found["metadata"]["uid"])
        workflow = indexes.workflow_key(found)
        flow = self._cache.get(workflow)
        rivals = self._cache.find(indexes.UNFINISHED, (key.namespace, workflow.name))
        return RunWorld(
            run=found,
            namespace=namespace,
            claimants=claimants,
            workflow=flow,
            reachable=self._reachable(key.namespace),
            rivals=_without(rivals, found),
            jobs=self._cache.find(indexes.JOBS, uid),
            pods=self._cache.find(indexes.PODS, uid),
            frozen=self._frozen(key.namespace, found),
            holders=() if flow is None else tuple(holders(self._cache, flow)),
            preparations=self._preparations,
        )

    async def _ask_for_last_words(self, key: Key, run: Object) -> None:
        """Puts the Pods of a Job that is over into the cache, where it has none of them.

        A view that was listed anew may have the Job and not yet its Pods; without them a run that
        has succeeded would look as if it had left no word, and be tried again.
        """
        uid = uid_of(run)
        pods = self._cache.find(indexes.PODS, uid)
        keys = [Key("Job", key.namespace, str(one.get("job"))) for one in _open_attempts(run)]
        jobs = [one for one in map(self._cache.get, keys) if one is not None]
        if all(owned_by(pods, uid_of(one)) or not is_job_over(one, ()) for one in jobs):
            return
        for one in await self._port.listed("Pod", key.namespace, trim, {RUN_UID_LABEL: uid}):
            self._intake.take(one)

    def _missing_jobs(self, key: Key, run: Object, *, seen: bool = False) -> list[Key]:
        """Jobs of attempts that have not ended, and that the cache does not have.

        Args:
            seen: only those that somebody has seen.
        """
        keys = [
            Key("Job", key.namespace, str(one.get("job")))
            for one in _open_attempts(run)
            if "uid" in one or not seen
        ]
        return [one for one in keys if self._cache.get(one) is None]

    async def _confirmed(self, key: Key, missing: list[Key]) -> Object | None:
        """The run as it is now, with its missing Jobs in the cache if they are there.

        The run is asked for last. What is old in the cache may be a run that has long finished,
        whose Job is gone for that reason; starting from that would start it again. A Job that
        the run of now has seen may have been made since it was asked for: it is asked for again,
        and if it ends meanwhile, what is written about the run is refused for its version.
        """
        await self._ask(missing)
        try:
            self._intake.put(await self._port.get(key))
        except NotFound:
            self._intake.lost(key)
        found = self._cache.get(key)
        if found is not None:
            await self._ask(self._missing_jobs(key, found, seen=True))
        return found

    async def _ask(self, missing: list[Key]) -> None:
        """Puts into the cache what is there of it."""
        for one in missing:
            try:
                self._intake.put(await self._port.get(one))
            except NotFound:
                continue

    def _frozen(self, namespace: str, run: Object) -> bool:
        name = (status_of(run).get("config") or {}).get("name")
        return name is not None and self._cache.get(Key("ConfigMap", namespace, name)) is not None

    def _place(self, namespace: str) -> tuple[Object | None, tuple[Object, ...]]:
        found = self._cache.get(Key("Namespace", "", namespace))
        project = None if found is None else indexes.project_labels(found)
        return found, () if project is None else self._cache.find(indexes.PROJECT, project)

    def _reachable(self, namespace: str) -> ReachableProfiles:
        return ReachableProfiles(
            *(_Named(self._cache, "Profile", at) for at in (namespace, self._global))
        )


class _Named(Mapping[str, Object]):
    """Objects of a cache by name; asking for one costs the same however many there are."""

    def __init__(self, cache: Cache, kind: str, namespace: str) -> None:
        self._cache, self._kind, self._namespace = cache, kind, namespace

    def __getitem__(self, name: str) -> Object:
        found = self._cache.get(Key(self._kind, self._namespace, name))
        if found is None:
            raise KeyError(name)
        return found

    def __iter__(self) -> Iterator[str]:
        return (key.name for key in self._cache.keys(indexes.PLACE, (self._kind, self._namespace)))

    def __len__(self) -> int:
        return self._cache.count(indexes.PLACE, (self._kind, self._namespace))


def _open_attempts(run: Object) -> list[dict[str, Any]]:
    """The attempts of a run that have not ended; none of one that has its outcome."""
    status = status_of(run)
    attempts = () if status.get("outcome") else status.get("attempts") or ()
    return [one for one in attempts if not one.get("end")]


def _without(found: tuple[Object, ...], this: Object) -> tuple[Object, ...]:
    uid = this["metadata"]["uid"]
    return tuple(one for one in found if one["metadata"]["uid"] != uid)
