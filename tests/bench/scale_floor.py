"""What the API server makes of an operator's requests where there is no operator to wait for.

The runs of a burst are repeated: a plain client makes the same requests for each of them, with the
documents that the operator made, and finishes a run as soon as a watch shows its Job complete.
"""

import copy
import json
import queue
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from bench.scale_objects import OURS, Call, space
from bench.scale_watch import Caller, Counter, side_by_side
from chartly.names import FIELD_MANAGER, MANAGED_BY, TURN_MANAGER
from cluster.rig import Rig

_FINISHERS = 8
_SERVER_FIELDS = ("uid", "resourceVersion", "generation", "creationTimestamp", "managedFields")


@dataclass(frozen=True)
class Repeated:
    """The requests of one run: those that launch it, and those after its Job's end."""

    launch: tuple[Call, ...]
    finish: tuple[Call, ...]


def floor(rig: Rig, runs: int, projects: int) -> float:
    """Runs a minute of the requests alone."""
    caller = Caller(rig)
    repeated = {
        (space(number % projects), f"floor-{number}"): _repeated(caller, number, projects)
        for number in range(runs)
    }
    jobs = Counter(rig, f"/apis/batch/v1/jobs?labelSelector={MANAGED_BY}", "Complete")
    ended: queue.Queue[Repeated | None] = queue.Queue()
    began = time.monotonic()
    with ThreadPoolExecutor(_FINISHERS) as pool:
        finishers = [pool.submit(_finish, Caller(rig), ended) for _ in range(_FINISHERS)]
        threading.Thread(target=_hand_over, args=(jobs, repeated, ended), daemon=True).start()
        side_by_side(rig, (one.launch for one in repeated.values()))
        for one in finishers:
            one.result()
    return runs / (time.monotonic() - began) * 60


def _hand_over(
    jobs: Counter, repeated: dict[tuple[str, str], Repeated], ended: "queue.Queue[Repeated | None]"
) -> None:
    left = dict(repeated)
    for count in range(1, len(repeated) + 1):
        jobs.wait("floor", count)
        for place in [place for place in left if place in jobs.times]:
            ended.put(left.pop(place))
    for _ in range(_FINISHERS):
        ended.put(None)


def _finish(caller: Caller, ended: "queue.Queue[Repeated | None]") -> None:
    while (one := ended.get()) is not None:
        for call in one.finish:
            caller(*call)


def _repeated(caller: Caller, number: int, projects: int) -> Repeated:
    where = space(number % projects)
    ours, core = f"{OURS}/namespaces/{where}", f"/api/v1/namespaces/{where}"
    batch = f"/apis/batch/v1/namespaces/{where}/jobs"
    run = caller("GET", f"{ours}/workflowruns/burst-{number}")
    job = caller("GET", f"{batch}/burst-{number}-a1")
    config = caller("GET", f"{core}/configmaps/{run['status']['config']['name']}")
    name, flow = f"floor-{number}", run["spec"]["workflowRef"]["name"]
    intent = {key: run["status"][key] for key in run["status"] if key not in {"outcome", "result"}}
    said = f"{ours}/workflowruns/{name}/status?fieldManager={FIELD_MANAGER}&force=true"
    turn = f"{ours}/workflows/{flow}/status?fieldManager={TURN_MANAGER}&force=true"
    active = {"active": [{"run": name, "uid": run["metadata"]["uid"]}]}
    event = f"/apis/events.k8s.io/v1/namespaces/{where}/events"
    launch: tuple[Call, ...] = (
        ("POST", f"{ours}/workflowruns", _anew(run, name)),
        ("GET", f"{ours}/workflows/{flow}", None),
        ("PATCH", turn, _status("Workflow", flow, active)),
        ("POST", f"{core}/configmaps", _anew(config, f"floor-config-{number}")),
        ("PATCH", said, _status("WorkflowRun", name, intent)),
        ("POST", batch, _job(job, name)),
        ("POST", event, _event(name, where, "Running")),
    )
    finish: tuple[Call, ...] = (
        ("PATCH", said, _status("WorkflowRun", name, run["status"])),
        ("POST", event, _event(name, where, "Succeeded")),
        ("PATCH", f"{batch}/{name}-a1", {"spec": {"ttlSecondsAfterFinished": 3600}}),
    )
    return Repeated(launch, finish)


def _anew(found: dict[str, Any], name: str) -> dict[str, Any]:
    made = copy.deepcopy(found)
    made.pop("status", None)
    made["metadata"]["name"] = name
    for field in (*_SERVER_FIELDS, "ownerReferences"):
        made["metadata"].pop(field, None)
    return made


def _job(found: dict[str, Any], name: str) -> dict[str, Any]:
    old = found["metadata"]["name"].removesuffix("-a1")
    made = json.loads(json.dumps(_anew(found, f"{name}-a1")).replace(old, name))
    for field in ("selector", "ttlSecondsAfterFinished"):
        made["spec"].pop(field, None)
    labels = made["spec"]["template"]["metadata"]["labels"]
    for place in (made["metadata"]["labels"], labels):
        for label in [one for one in place if "controller-uid" in one or "job-name" in one]:
            del place[label]
    return dict(made)


def _status(kind: str, name: str, status: object) -> dict[str, Any]:
    version = OURS.removeprefix("/apis/")
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name}, "status": status}


def _event(name: str, namespace: str, reason: str) -> dict[str, Any]:
    about = {"kind": "WorkflowRun", "namespace": namespace, "name": name}
    return {
        "metadata": {"name": f"{name}.{reason.lower()}", "namespace": namespace},
        "eventTime": "2026-02-10T06:00:00.000000Z",
        "type": "Normal",
        "reason": reason,
        "note": "read 1, loaded 1, rejected 0, duplicate 0",
        "action": "Reconcile",
        "reportingController": "chartly.io/floor",
        "reportingInstance": "floor",
        "regarding": {"apiVersion": OURS.removeprefix("/apis/"), **about},
    }
