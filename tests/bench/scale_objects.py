"""What the scale benchmark puts into a cluster: projects, workflows, runs and bare Jobs."""

from collections.abc import Iterator

from chartly.api.profile import as_resource
from chartly.names import PROJECT_LABEL, TENANT_LABEL
from support.profiles import playbook_profiles

Call = tuple[str, str, object]
"""Method, path and document of a request."""
Group = tuple[Call, ...]
"""Requests that are made one after the other."""
OURS = "/apis/chartly.io/v1alpha1"


def space(project: int) -> str:
    return f"bench-p{project}"


def spaces(projects: int) -> Iterator[Group]:
    """The namespaces of the projects, and the one that they share."""
    yield (("POST", "/api/v1/namespaces", {"metadata": {"name": "chartly-global"}}),)
    for project in range(projects):
        labels = {TENANT_LABEL: "bench", PROJECT_LABEL: f"p{project}"}
        metadata = {"name": space(project), "labels": labels}
        yield (("POST", "/api/v1/namespaces", {"metadata": metadata}),)


def objects(runs: int, projects: int) -> Iterator[Group]:
    """Shared profiles, and for each run a workflow with a dataset of its own."""
    profiles = {one.id.kind: one for one in playbook_profiles()}
    base = f"{OURS}/namespaces"
    for kind in ("connector", "normalizer"):
        profile = as_resource(profiles[kind], "chartly-global")
        yield (("POST", f"{base}/chartly-global/profiles", profile),)
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
        yield (
            ("POST", f"{base}/{where}/profiles", storage),
            ("POST", f"{base}/{where}/workflows", flow),
        )


def workflow_runs(runs: int, projects: int, series: str) -> Iterator[Group]:
    for number in range(runs):
        where = space(number % projects)
        run = {
            "apiVersion": "chartly.io/v1alpha1", "kind": "WorkflowRun",
            "metadata": {"name": f"{series}-{number}", "namespace": where},
            "spec": {"workflowRef": {"name": f"flow-{number}"}},
        }  # fmt: skip
        yield (("POST", f"{OURS}/namespaces/{where}/workflowruns", run),)


def finished_runs(count: int, projects: int) -> Iterator[Group]:
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
        where = f"{OURS}/namespaces/{space(number % projects)}/workflowruns"
        run = {
            "apiVersion": "chartly.io/v1alpha1", "kind": "WorkflowRun",
            "metadata": {"name": f"old-{number}"}, "spec": {"workflowRef": {"name": "gone"}},
        }  # fmt: skip
        yield (
            ("POST", where, run),
            ("PATCH", f"{where}/old-{number}/status", {"status": status}),
        )


def bare_jobs(runs: int) -> Iterator[Group]:
    container = {"name": "loader", "image": "none"}
    template = {"spec": {"restartPolicy": "Never", "containers": [container]}}
    for number in range(runs):
        job = {
            "metadata": {"name": f"bare-{number}"},
            "spec": {"backoffLimit": 0, "template": template},
        }
        yield (("POST", "/apis/batch/v1/namespaces/default/jobs", job),)
