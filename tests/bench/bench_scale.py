"""Runs a minute through the operator on fake nodes, beside bare Jobs on the same rig.

Everything is real but the nodes: API server, controllers, scheduler, the operator's own process. Fake
nodes complete Pods at once, with the termination message of a good run. Each run takes the turn of its
workflow, one read and one write; they are in the rates, and not in the writes per run. Prints a table and, last,
``runs/min: N (bare Jobs: M)``.

Usage: python tests/bench/bench_scale.py [--runs 1000] [--projects 20] [--finished 10000]
"""

import argparse
import http.client
import json
import os
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from chartly.api.profile import as_resource  # noqa: E402
from chartly.names import PROJECT_LABEL, TENANT_LABEL  # noqa: E402
from cluster.rig import Rig  # noqa: E402
from support.cluster import fake_nodes  # noqa: E402
from support.profiles import playbook_profiles  # noqa: E402

FAKE_NODES = 20
CALLERS = 8
LIMIT = 900.0
OPERATOR = "chartly-operator"
RUNS = "/apis/chartly.io/v1alpha1/workflowruns"


class Caller:
    """One kept connection to the API server; each thread has its own."""

    def __init__(self, rig: Rig) -> None:
        tls = ssl.create_default_context(cafile=rig.layout.keys / "ca.crt")
        tls.load_cert_chain(rig.layout.keys / "admin.crt", rig.layout.keys / "admin.key")
        self._server = http.client.HTTPSConnection(
            rig.layout.node_ip, 6443, context=tls, timeout=60
        )

    def __call__(self, method: str, path: str, document: object = None) -> Any:
        body = None if document is None else json.dumps(document)
        form = "application/merge-patch+json" if method == "PATCH" else "application/json"
        self._server.request(method, path, body, {"Content-Type": form})
        answer = self._server.getresponse()
        said = answer.read()
        if answer.status >= http.client.MULTIPLE_CHOICES:
            raise RuntimeError(said.decode())
        return json.loads(said)


def side_by_side(rig: Rig, calls: Iterable[tuple[str, str, object]]) -> float:
    """Makes calls on a few connections; the seconds that they took."""
    given = list(calls)
    pairs = 2 if any(one[0] == "PATCH" for one in given) else 1
    grouped = [given[place : place + pairs] for place in range(0, len(given), pairs)]

    def some(part: list[tuple[str, str, object]]) -> None:
        caller = Caller(rig)
        for one in part:
            caller(*one)

    began = time.monotonic()
    with ThreadPoolExecutor(CALLERS) as pool:
        parts = [list(chain(*grouped[place::CALLERS])) for place in range(CALLERS)]
        list(pool.map(some, parts))
    return time.monotonic() - began


def space(project: int) -> str:
    return f"bench-p{project}"


def spaces(projects: int) -> Iterable[tuple[str, str, object]]:
    """The namespaces of the projects, and the one that they share."""
    yield "POST", "/api/v1/namespaces", {"metadata": {"name": "chartly-global"}}
    for project in range(projects):
        labels = {TENANT_LABEL: "bench", PROJECT_LABEL: f"p{project}"}
        yield "POST", "/api/v1/namespaces", {"metadata": {"name": space(project), "labels": labels}}


def objects(runs: int, projects: int) -> Iterable[tuple[str, str, object]]:
    """Shared profiles, and for each run a workflow with a dataset of its own."""
    profiles = {one.id.kind: one for one in playbook_profiles()}
    base = "/apis/chartly.io/v1alpha1/namespaces"
    for kind in ("connector", "normalizer"):
        yield (
            "POST",
            f"{base}/chartly-global/profiles",
            as_resource(profiles[kind], "chartly-global"),
        )
    for number in range(runs):
        where = space(number % projects)
        storage = as_resource(profiles["storage"], where)
        name = f"events-{number}"
        storage["metadata"] = {"name": f"storage-{name}-1.0.0", "namespace": where}
        storage["spec"] = {
            **dict(storage["spec"]),
            "name": name,
            "storage": {**profiles["storage"].written, "dataset": name},
        }  # type: ignore[call-overload]
        yield "POST", f"{base}/{where}/profiles", storage
        steps = [
            {"type": "connector_sync", "connector_profile": "global::connector/sales-http@1.0.0"},
            {"type": "normalize", "normalizer_profile": "global::normalizer/sales-default@1.0.0"},
            {"type": "write_dataset", "storage_profile": f"storage/{name}@1.0.0"},
        ]
        flow = {
            "apiVersion": "chartly.io/v1alpha1", "kind": "Workflow",
            "metadata": {"name": f"flow-{number}", "namespace": where},
            "spec": {"version": "1.0.0", "steps": steps, "history": {"keepSucceeded": 1000}},
        }  # fmt: skip
        yield "POST", f"{base}/{where}/workflows", flow


def workflow_runs(runs: int, projects: int, series: str) -> Iterable[tuple[str, str, object]]:
    for number in range(runs):
        where = space(number % projects)
        run = {
            "apiVersion": "chartly.io/v1alpha1", "kind": "WorkflowRun",
            "metadata": {"name": f"{series}-{number}", "namespace": where},
            "spec": {"workflowRef": {"name": f"flow-{number}"}},
        }  # fmt: skip
        yield "POST", f"/apis/chartly.io/v1alpha1/namespaces/{where}/workflowruns", run


def finished_runs(count: int, projects: int) -> Iterable[tuple[str, str, object]]:
    """Runs that ended long ago, of a workflow that is gone, so that no history removes them."""
    condition = {"observedGeneration": 1, "reason": "Succeeded", "message": "", "lastTransitionTime": "2026-02-10T06:00:00Z"}  # fmt: skip
    types = ("Succeeded", "Finished", "Frozen", "Audited", "Ready")
    status = {
        "observedGeneration": 1,
        "outcome": "Succeeded",
        "runId": "old.00000000",
        "attempts": [{"number": 1, "job": "old-a1", "start": "2026-02-10T06:00:00Z"}],
        "result": {"read": 1, "loaded": 1},
        "conditions": [{"type": one, "status": "True", **condition} for one in types],
    }
    for number in range(count):
        where = f"/apis/chartly.io/v1alpha1/namespaces/{space(number % projects)}/workflowruns"
        run = {
            "apiVersion": "chartly.io/v1alpha1", "kind": "WorkflowRun",
            "metadata": {"name": f"old-{number}"}, "spec": {"workflowRef": {"name": "gone"}},
        }  # fmt: skip
        yield "POST", where, run
        yield "PATCH", f"{where}/old-{number}/status", {"status": status}


def bare_jobs(runs: int) -> Iterable[tuple[str, str, object]]:
    container = {"name": "loader", "image": "none"}
    template = {"spec": {"restartPolicy": "Never", "containers": [container]}}
    for number in range(runs):
        job = {
            "metadata": {"name": f"bare-{number}"},
            "spec": {"backoffLimit": 0, "template": template},
        }
        yield "POST", "/apis/batch/v1/namespaces/default/jobs", job


def wait(what: str, count: Callable[[], int], wanted: int) -> float:
    """Seconds until ``count`` is what is wanted."""
    began = time.monotonic()
    while (found := count()) < wanted:
        if time.monotonic() - began > LIMIT:
            raise TimeoutError(f"{what}: {found} of {wanted} after {LIMIT:.0f} s")
        time.sleep(0.5)
    return time.monotonic() - began


def with_condition(rig: Rig, path: str, kind: str) -> Callable[[], int]:
    caller = Caller(rig)

    def count() -> int:
        items = caller("GET", path)["items"]
        return sum(
            one.get("type") == kind and one["status"] == "True"
            for item in items
            for one in item.get("status", {}).get("conditions") or ()
        )

    return count


def memory(pid: int) -> float:
    """The peak of a process's resident memory in MiB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def start_operator(rig: Rig, log: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "chartly_operator", "--no-lease", "--listen", "127.0.0.1:0"]
    command += ["--connector-image", "connector", "--loader-image", "loader"]
    environment = {**os.environ, "KUBECONFIG": str(rig.kubeconfig)}
    return subprocess.Popen(
        command, env=environment, stdout=log.open("wb"), stderr=subprocess.STDOUT
    )


def latencies(rig: Rig, series: str) -> list[float]:
    """Seconds from a run's creation to its Job's, as the API server saw both."""
    asked: dict[tuple[str, str], datetime] = {}
    found: list[float] = []
    for one in rig.writes():
        about = one["objectRef"]
        when = datetime.fromisoformat(one["stageTimestamp"])
        if one["verb"] != "create" or not about.get("name", "").startswith(f"{series}-"):
            continue
        place = (about["namespace"], about["name"].removesuffix("-a1"))
        if about["resource"] == "workflowruns":
            asked[place] = when
        elif about["resource"] == "jobs" and place in asked:
            found.append((when - asked[place]).total_seconds())
    return sorted(found)


def operator_writes(rig: Rig, series: str) -> int:
    """What the operator wrote about the runs of a series and their Jobs, Events included.

    Their frozen inputs and the turns of their workflows, which have other names, are not in it.
    """
    return sum(
        one.get("userAgent", "").startswith(OPERATOR)
        and f"{series}-" in one["objectRef"].get("name", "")
        for one in rig.writes()
    )


def half_rate(rig: Rig, runs: int, projects: int, per_second: float) -> list[float]:
    """Latencies while runs come at a given rate."""
    caller = Caller(rig)
    began = time.monotonic()
    for place, call in enumerate(workflow_runs(runs, projects, "paced")):
        time.sleep(max(0.0, began + place / per_second - time.monotonic()))
        caller(*call)
    done = with_condition(rig, RUNS, "Finished")
    wait("paced runs", done, runs * 2)
    return latencies(rig, "paced")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--finished", type=int, default=10_000, help="runs at the second start")
    parser.add_argument("--projects", type=int, default=20)
    given = parser.parse_args()
    runs, projects = given.runs, given.projects
    with tempfile.TemporaryDirectory() as folder, fake_nodes(FAKE_NODES, audit="Metadata") as rig:
        rig.kubectl("apply", "--server-side", "-f", str(ROOT / "crds"))
        side_by_side(rig, spaces(projects))
        began = time.monotonic()
        side_by_side(rig, bare_jobs(runs))
        wait(
            "bare Jobs",
            with_condition(rig, "/apis/batch/v1/namespaces/default/jobs", "Complete"),
            runs,
        )
        bare = runs / (time.monotonic() - began) * 60
        operator = start_operator(rig, Path(folder) / "operator.log")
        try:
            side_by_side(rig, objects(runs, projects))
            ready = wait(
                "workflows",
                with_condition(rig, "/apis/chartly.io/v1alpha1/workflows", "Ready"),
                runs,
            )
            began = time.monotonic()
            side_by_side(rig, workflow_runs(runs, projects, "burst"))
            wait("runs", with_condition(rig, RUNS, "Finished"), runs)
            rate = runs / (time.monotonic() - began) * 60
            burst = latencies(rig, "burst")
            paced = half_rate(rig, runs, projects, rate / 60 / 2)
            peak = memory(operator.pid)
            operator.terminate()
            operator.wait(30)
            side_by_side(rig, finished_runs(given.finished - 2 * runs, projects))
            operator = start_operator(rig, Path(folder) / "again.log")
            began = time.monotonic()
            log = Path(folder) / "again.log"
            while b"leads now" not in log.read_bytes():
                time.sleep(0.1)
            again = time.monotonic() - began
            after = memory(operator.pid)
        finally:
            operator.terminate()
            operator.wait(30)
        rows = [
            ("bare Jobs/min", f"{bare:,.0f}"),
            (f"{runs} workflows checked", f"{ready:.1f} s"),
            ("runs/min, all at once", f"{rate:,.0f}"),
            ("created to Job, all at once: p50, p99", _percentiles(burst)),
            ("created to Job, at half that rate: p50, p99", _percentiles(paced)),
            ("API writes per run", f"{operator_writes(rig, 'burst') / runs:.1f}"),
            ("operator's peak memory", f"{peak:.0f} MiB"),
            (f"start with {given.finished} finished runs", f"{again:.1f} s"),
            ("operator's memory then", f"{after:.0f} MiB"),
        ]
        for name, value in rows:
            print(f"{name:<48}{value:>16}")
        print(f"runs/min: {rate:.0f} (bare Jobs: {bare:.0f})")


def _percentiles(found: list[float]) -> str:
    if not found:
        return "none"
    return f"{statistics.median(found):.2f} s, {found[int(len(found) * 0.99) - 1]:.2f} s"


if __name__ == "__main__":
    main()
