"""A cluster in memory: it does what decisions ask for, and what a cluster does by itself."""

import copy
import functools
import itertools
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from chartly.api.profile import as_resource as profile_resource
from chartly.api.workflow import as_resource as workflow_resource
from chartly.names import PROJECT_LABEL, TENANT_LABEL
from chartly.reconcile.actions import (
    Action,
    ApplyData,
    ApplyStatus,
    Create,
    Decision,
    Key,
    Object,
    Post,
    Remove,
    SetTtl,
    TakeTurn,
)
from chartly.reconcile.objects import ACTIVE, EPOCH, is_being_deleted, key_of, name_of, uid_of
from chartly.reconcile.profile_decision import decide_profile
from chartly.reconcile.reachable_profiles import ReachableProfiles
from chartly.reconcile.run_course import is_finished
from chartly.reconcile.run_decision import decide_run
from chartly.reconcile.turn import (
    Holder,
    HolderState,
    epoch_of,
    holder_state,
    holder_status,
    holders_of,
)
from chartly.reconcile.workflow_decision import decide_workflow
from chartly.reconcile.world import ProfileWorld, RunWorld, Settings, WorkflowWorld
from support.profiles import playbook_profiles, workflow

SETTINGS = Settings(connector_image="connector:1", loader_image="loader:1")
SPACE = "tenant-demo-proj-sales"
GLOBAL = "chartly-global"
RUN = "sales-1"


class ConflictError(Exception):
    """A write that did not see the newest object."""


class Cluster:
    """Objects by key; every write bumps what the API server would bump.

    Attributes:
        jobs_made: each (run uid, Job name) that was ever created, in order.
        told: the Events that were posted, as (reason, message).
    """

    def __init__(self) -> None:
        self.objects: dict[Key, dict[str, Any]] = {}
        self.now = datetime(2026, 2, 10, 6, 0, tzinfo=UTC)
        self.jobs_made: list[tuple[str, str]] = []
        self.told: list[tuple[str, str]] = []
        self.writes = 0
        self._numbers = itertools.count(1)
        self.add(namespace(SPACE, "tenant-demo", "proj-sales"))
        self.add(namespace(GLOBAL))

    def add(self, document: Object) -> dict[str, Any]:
        """An object as somebody created it."""
        number = next(self._numbers)
        found = copy.deepcopy(dict(document))
        found["metadata"] = {
            "uid": f"{number:08d}-uid",
            "resourceVersion": str(number),
            "generation": 1,
            "creationTimestamp": (self.now + timedelta(milliseconds=number)).isoformat(),
            **found["metadata"],
        }
        self.objects[key_of(found)] = found
        return found

    def add_playbook(self) -> None:
        """The playbook's Profiles and Workflow, reconciled."""
        for profile in playbook_profiles():
            self.add(profile_resource(profile, SPACE))
        self.add(workflow_resource(workflow(), SPACE))
        self.settle()

    def add_run(self, name: str = RUN, **spec: object) -> dict[str, Any]:
        given = {"workflowRef": {"name": "sales-onboard"}, **spec}
        return self.add(resource("WorkflowRun", name, given))

    def change(self, key: Key, **spec: object) -> None:
        """Somebody edits a spec."""
        found = self.objects[key]
        found["spec"] = {**found["spec"], **spec}
        found["metadata"]["generation"] += 1
        self._bump(found)

    def of(self, kind: str, namespace: str = SPACE) -> list[dict[str, Any]]:
        return [
            found
            for key, found in sorted(self.objects.items(), key=lambda pair: pair[0].name)
            if key.kind == kind and key.namespace == namespace
        ]

    def run(self, name: str = RUN) -> dict[str, Any]:
        return self.objects[Key("WorkflowRun", SPACE, name)]

    def get(self, kind: str, name: str) -> dict[str, Any] | None:
        return self.objects.get(Key(kind, SPACE, name))

    # What the operator sees and does.

    def decide(self, found: Object, settings: Settings = SETTINGS) -> Decision:
        key = key_of(found)
        space = self.objects.get(Key("Namespace", "", key.namespace))
        if key.kind == "Profile":
            spec = found["spec"]
            memory = self._memory(key.namespace, spec["kind"], spec["name"])
            return decide_profile(ProfileWorld(found, space, (), memory), settings, self.now)
        if key.kind == "Workflow":
            return decide_workflow(self.workflow_world(found), settings, self.now)
        return decide_run(self.run_world(found), settings, self.now)

    def workflow_world(self, found: Object) -> WorkflowWorld:
        key = key_of(found)
        return WorkflowWorld(
            workflow=found,
            namespace=self.objects.get(Key("Namespace", "", key.namespace)),
            claimants=(),
            reachable=self._reachable(key.namespace),
            others=tuple(one for one in self.of("Workflow") if name_of(one) != key.name),
            runs=tuple(self._runs_of(key.name)),
            versions=self._memory(key.namespace, "workflow", key.name),
        )

    def run_world(self, found: Object) -> RunWorld:
        key, uid = key_of(found), uid_of(found)
        name = found["spec"]["workflowRef"]["name"]
        config = (found.get("status") or {}).get("config", {}).get("name", "")
        return RunWorld(
            run=found,
            namespace=self.objects.get(Key("Namespace", "", key.namespace)),
            claimants=(),
            workflow=self.get("Workflow", name),
            reachable=self._reachable(key.namespace),
            rivals=tuple(
                one for one in self._runs_of(name) if uid_of(one) != uid and not is_finished(one)
            ),
            jobs=tuple(one for one in self.of("Job") if _owner(one) == uid),
            pods=tuple(one for one in self.of("Pod") if one["metadata"]["run"] == uid),
            frozen=self.get("ConfigMap", config) is not None,
            holders=self.holders(self.get("Workflow", name)),
        )

    def _reachable(self, namespace: str) -> ReachableProfiles:
        own, shared = (
            {name_of(one): one for one in self.of("Profile", place)}
            for place in (namespace, GLOBAL)
        )
        return ReachableProfiles(own, shared)

    def perform(self, action: Action) -> None:  # noqa: C901 - one case for each action
        """Does one action as the API server would.

        Raises:
            ConflictError: it was decided on an older object.
        """
        self.writes += 1
        match action:
            case Create(document, owner):
                self._create(document, owner)
            case ApplyStatus(key, uid, seen, status):
                found = self.objects.get(key)
                if found is None or uid_of(found) != uid:
                    raise ConflictError
                if found["metadata"]["resourceVersion"] != seen:
                    raise ConflictError
                held = {
                    name: value
                    for name, value in found.get("status", {}).items()
                    if key.kind == "Workflow" and name in (ACTIVE, EPOCH)
                }
                found["status"] = {**held, **json.loads(json.dumps(status))}
                self._bump(found)
            case TakeTurn(key, _, run, epoch):
                self._take_turn(self.objects[key], *run, epoch)
            case ApplyData(key, labels, data):
                document = {
                    "kind": "ConfigMap",
                    "metadata": {
                        "name": key.name,
                        "namespace": key.namespace,
                        "labels": dict(labels),
                    },
                }
                found = self.objects.get(key) or self.add({**document, "apiVersion": "v1"})
                found["data"] = {**found.get("data", {}), **data}
            case SetTtl(key, uid, seconds):
                found = self.objects.get(key)
                if found is not None and uid_of(found) == uid:
                    found["spec"]["ttlSecondsAfterFinished"] = seconds
            case Remove(key, uid):
                found = self.objects.get(key)
                if found is not None and uid in (None, uid_of(found)):
                    self.remove(key)
            case Post(_, _, reason, message):
                self.told.append((reason, message))

    def step(self, found: Object, settings: Settings = SETTINGS) -> Decision:
        """Decides on one object and does it."""
        decision = self.decide(found, settings)
        for action in decision.actions:
            self.perform(action)
        return decision

    def settle(self, settings: Settings = SETTINGS) -> int:
        """Reconciles everything until nothing changes; how many decisions had something to do."""
        busy = 0
        for _ in range(50):
            acted = [
                self.step(found, settings).actions
                for kind in ("Profile", "Workflow", "WorkflowRun")
                for found in [*self.of(kind), *self.of(kind, GLOBAL)]
                if key_of(found) in self.objects
            ]
            if not any(acted):
                return busy
            busy += sum(map(bool, acted))
        raise AssertionError("decisions never settle")

    # What a cluster does.

    def remove(self, key: Key) -> None:
        """Deletes an object with what it owns."""
        found = self.objects.pop(key)
        for one in [one for one in self.objects.values() if _owner(one) == uid_of(found)]:
            self.remove(key_of(one))

    def start_pod(self, job: Object) -> dict[str, Any]:
        """The Job's Pod, running."""
        name = f"{name_of(job)}-pod"
        pod = self.get("Pod", name)
        if pod is None:
            pod = self.add({
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {
                    "name": name,
                    "namespace": SPACE,
                    "run": _owner(job),
                    "ownerReferences": [{"uid": uid_of(job), "controller": True}],
                },
                "status": {},
            })  # fmt: skip
        pod["status"] = {"phase": "Running"}
        return pod

    def end_pod(self, job: Object, loader: Object, connector: Object | None = None) -> None:
        """Both containers of the Job's Pod end; the arguments are their terminated states."""
        pod = self.start_pod(job)
        states = {"loader": loader, "connector": connector or {"exitCode": 0}}
        good = all(one.get("exitCode") == 0 for one in states.values())
        pod["status"] = {
            "phase": "Succeeded" if good else "Failed",
            "containerStatuses": [
                {"name": name, "state": {"terminated": dict(state)}}
                for name, state in states.items()
            ],
        }

    def pass_time(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def holders(self, found: Object | None, *, live: bool = False) -> tuple[Holder, ...]:
        """Who holds a workflow's turn."""
        return tuple(
            Holder(
                name,
                uid,
                next((one for one in self.of("WorkflowRun") if uid_of(one) == uid), None),
                tuple(one for one in self.of("Job") if _owner(one) == uid),
                tuple(one for one in self.of("Pod") if one["metadata"]["run"] == uid),
                live=live,
            )
            for name, uid in holders_of(found or {})
        )

    def _take_turn(self, found: dict[str, Any], run: str, uid: str, epoch: int) -> None:
        if epoch_of(found) >= epoch:
            raise ConflictError
        others = [one for one in self.holders(found, live=True) if one.uid != uid]
        if any(holder_state(one, self.now) is not HolderState.OVER for one in others):
            raise ConflictError
        found["status"] |= holder_status(run, uid, epoch)
        self._bump(found)

    def _create(self, document: Object, owner: str | None) -> None:
        key = key_of(document)
        found = self.objects.get(key)
        if found is not None:
            if owner is not None and _owner(found) != owner:
                raise ConflictError
            return
        self.add(document)
        if key.kind == "Job":
            self.jobs_made.append((str(owner), key.name))

    def _memory(self, namespace: str, kind: str, name: str) -> dict[str, Any] | None:
        return self.objects.get(Key("ConfigMap", namespace, f"chartly-versions-{kind}-{name}"))

    def _runs_of(self, workflow_name: str) -> Iterable[dict[str, Any]]:
        return (
            one
            for one in self.of("WorkflowRun")
            if one["spec"]["workflowRef"]["name"] == workflow_name and not is_being_deleted(one)
        )

    def _bump(self, found: dict[str, Any]) -> None:
        found["metadata"]["resourceVersion"] = str(next(self._numbers))


def playbook_cluster() -> Cluster:
    """A cluster with the playbook's Profiles and Workflow, reconciled."""
    return copy.deepcopy(_reconciled_playbook())


@functools.cache
def _reconciled_playbook() -> Cluster:
    cluster = Cluster()
    cluster.add_playbook()
    return cluster


def namespace(name: str, tenant: str = "", project: str = "") -> dict[str, Any]:
    labels = {TENANT_LABEL: tenant, PROJECT_LABEL: project} if tenant else {}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def resource(kind: str, name: str, spec: Mapping[str, object]) -> dict[str, Any]:
    metadata = {"name": name, "namespace": SPACE}
    return {"apiVersion": "chartly.io/v1alpha1", "kind": kind, "metadata": metadata, "spec": spec}


def said(reason: str = "Succeeded", code: int = 0, **more: object) -> dict[str, Any]:
    """A container's end with a termination message."""
    content = {"reason": reason, "message": "", "audited": True, "auditHead": "3:abc", **more}
    return {"exitCode": code, "message": json.dumps(content)}


def _owner(found: Object) -> str:
    owners = found["metadata"].get("ownerReferences") or [{}]
    return str(owners[0].get("uid", ""))
