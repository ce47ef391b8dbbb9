"""Gathers the world that a decision takes from the cache."""

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
    """Gathers worlds; reads the API server only where the cache may lack an object."""

    def __init__(
        self, cache: Cache, intake: WatchIntake, port: KubePort, global_namespace: str
    ) -> None:
        self._cache, self._intake, self._port = cache, intake, port
        self._global = global_namespace
        self._preparations = Preparations()

    def cached(self, key: Key) -> Object | None:
        """An object as it was last seen."""
        return self._cache.get(key)

    async def world(self, key: Key) -> World | None:
        """The world of an object; None if it is gone."""
        resource = self._cache.get(key)
        if resource is None:
            return None
        if key.kind == "Profile":
            return self._profile(key, resource)
        if key.kind == "Workflow":
            return self._workflow(key, resource)
        return await self._run(key, resource)

    def _profile(self, key: Key, resource: Object) -> ProfileWorld:
        spec = resource.get("spec") or {}
        name = versions_name(str(spec.get("kind")), str(spec.get("name")))
        namespace, claimants = self._place(key.namespace)
        return ProfileWorld(
            profile=resource,
            namespace=namespace,
            claimants=claimants,
            versions=self._cache.get(Key("ConfigMap", key.namespace, name)),
        )

    def _workflow(self, key: Key, resource: Object) -> WorkflowWorld:
        namespace, claimants = self._place(key.namespace)
        name = versions_name("workflow", key.name)
        return WorkflowWorld(
            workflow=resource,
            namespace=namespace,
            claimants=claimants,
            reachable=self._reachable(key.namespace),
            others=_without(self._cache.find(indexes.PLACE, ("Workflow", key.namespace)), resource),
            runs=self._cache.find(indexes.RUNS, (key.namespace, key.name)),
            versions=self._cache.get(Key("ConfigMap", key.namespace, name)),
            preparations=self._preparations,
        )

    async def _run(self, key: Key, resource: Object) -> RunWorld | None:
        run: Object | None = resource
        if missing := self._missing_jobs(key, resource):
            run = await self._confirmed(key, missing)
        if run is None:
            return None
        await self._fetch_missing_pods(key, run)
        return self._run_world(key, run)

    def _run_world(self, key: Key, run: Object) -> RunWorld:
        namespace, claimants = self._place(key.namespace)
        workflow = indexes.workflow_key(run)
        flow = self._cache.get(workflow)
        rivals = self._cache.find(indexes.UNFINISHED, (key.namespace, workflow.name))
        return RunWorld(
            run=run,
            namespace=namespace,
            claimants=claimants,
            workflow=flow,
            reachable=self._reachable(key.namespace),
            rivals=_without(rivals, run),
            jobs=self._cache.find(indexes.JOBS, uid_of(run)),
            pods=self._cache.find(indexes.PODS, uid_of(run)),
            frozen=self._frozen(key.namespace, run),
            holders=() if flow is None else tuple(holders(self._cache, flow)),
            preparations=self._preparations,
        )

    async def _fetch_missing_pods(self, key: Key, run: Object) -> None:
        """Lists the Pods of a Job that is over, where the cache has none of them.

        A cache that was listed anew may have the Job and not yet its Pods; without their
        termination messages a run that has succeeded would be tried again.
        """
        uid = uid_of(run)
        pods = self._cache.find(indexes.PODS, uid)
        names = (str(attempt.get("job")) for attempt in _open_attempts(run))
        cached = (self._cache.get(Key("Job", key.namespace, name)) for name in names)
        jobs = [job for job in cached if job is not None]
        if all(owned_by(pods, uid_of(job)) or not is_job_over(job, ()) for job in jobs):
            return
        for pod in await self._port.listed("Pod", key.namespace, trim, {RUN_UID_LABEL: uid}):
            self._intake.take(pod)

    def _missing_jobs(self, key: Key, run: Object, *, observed: bool = False) -> list[Key]:
        """Jobs of attempts that have not ended, and that the cache does not have.

        Args:
            observed: only those whose uid the status records.
        """
        jobs = [
            Key("Job", key.namespace, str(attempt.get("job")))
            for attempt in _open_attempts(run)
            if "uid" in attempt or not observed
        ]
        return [job for job in jobs if self._cache.get(job) is None]

    async def _confirmed(self, key: Key, missing: list[Key]) -> Object | None:
        """The run as it is now, with its missing Jobs in the cache if they exist.

        The run is read last. A stale run in the cache may have finished long ago, and its Job be
        deleted for that reason; a decision on the stale one would start it again. A Job that the
        fresh status records may have been created after it was read: it is read again, and if it
        ends meanwhile, the write to the run is refused for its resourceVersion.
        """
        await self._fetch(missing)
        try:
            self._intake.put(await self._port.get(key))
        except NotFound:
            self._intake.lost(key)
        resource = self._cache.get(key)
        if resource is not None:
            await self._fetch(self._missing_jobs(key, resource, observed=True))
        return resource

    async def _fetch(self, missing: list[Key]) -> None:
        """Reads objects into the cache; skips those that do not exist."""
        for key in missing:
            try:
                self._intake.put(await self._port.get(key))
            except NotFound:
                continue

    def _frozen(self, namespace: str, run: Object) -> bool:
        name = (status_of(run).get("config") or {}).get("name")
        return name is not None and self._cache.get(Key("ConfigMap", namespace, name)) is not None

    def _place(self, namespace: str) -> tuple[Object | None, tuple[Object, ...]]:
        resource = self._cache.get(Key("Namespace", "", namespace))
        project = None if resource is None else indexes.project_labels(resource)
        return resource, () if project is None else self._cache.find(indexes.PROJECT, project)

    def _reachable(self, namespace: str) -> ReachableProfiles:
        return ReachableProfiles(
            *(_Named(self._cache, "Profile", at) for at in (namespace, self._global))
        )


class _Named(Mapping[str, Object]):
    """Objects of a cache by name; a lookup costs the same however many there are."""

    def __init__(self, cache: Cache, kind: str, namespace: str) -> None:
        self._cache, self._kind, self._namespace = cache, kind, namespace

    def __getitem__(self, name: str) -> Object:
        resource = self._cache.get(Key(self._kind, self._namespace, name))
        if resource is None:
            raise KeyError(name)
        return resource

    def __iter__(self) -> Iterator[str]:
        return (key.name for key in self._cache.keys(indexes.PLACE, (self._kind, self._namespace)))

    def __len__(self) -> int:
        return self._cache.count(indexes.PLACE, (self._kind, self._namespace))


def _open_attempts(run: Object) -> list[dict[str, Any]]:
    """The attempts of a run that have not ended; none of one that has its outcome."""
    status = status_of(run)
    attempts = () if status.get("outcome") else status.get("attempts") or ()
    return [attempt for attempt in attempts if not attempt.get("end")]


def _without(resources: tuple[Object, ...], excluded: Object) -> tuple[Object, ...]:
    uid = uid_of(excluded)
    return tuple(resource for resource in resources if uid_of(resource) != uid)
