"""The indexes by which the cache finds objects."""

from collections.abc import Hashable, Iterator
from typing import Any

from chartly.api.reference import Project, parse_reference
from chartly.api.workflow_step import SPELLINGS
from chartly.errors import SpecError
from chartly.names import (
    PROJECT_LABEL,
    RUN_UID_LABEL,
    TENANT_LABEL,
    versions_name,
)
from chartly.reconcile.actions import Key, Object
from chartly.reconcile.objects import status_of

KIND = "kind"
"""All of a kind; the value is the kind."""
PLACE = "place"
"""All of a kind in a namespace: (kind, namespace)."""
PROJECT = "project"
"""Namespaces by (tenant, project)."""
REFERENCE = "reference"
"""Workflows by the object name of a profile that they reference."""
VERSIONS = "versions"
"""Profiles and Workflows by (namespace, ConfigMap that records their versions)."""
RUNS = "runs"
"""Runs by (namespace, workflow)."""
UNFINISHED = "unfinished"
"""Runs without an outcome, by (namespace, workflow)."""
ACTIVE = "active"
"""Runs without an outcome, by namespace."""
UNLAUNCHED = "unlaunched"
"""Runs without outcome and attempt, by (namespace, workflow): changes of others may start them."""
FROZEN = "frozen"
"""Runs without an outcome, by (namespace, ConfigMap of their frozen inputs)."""
PHASE = "phase"
"""Runs by phase."""
JOBS = "jobs"
"""Jobs by the uid of the run that owns them."""
PODS = "pods"
"""Pods by the uid of the run that they were created for, whether their Job still exists or not."""

PHASES = ("pending", "running", "succeeded", "failed", "cancelled")
_ANYWHERE = Project("any", "any")
Entry = tuple[str, Hashable]


def project_labels(namespace: Object) -> tuple[str, str] | None:
    """The tenant and project that a namespace claims."""
    labels = namespace["metadata"].get("labels") or {}
    if TENANT_LABEL in labels and PROJECT_LABEL in labels:
        return str(labels[TENANT_LABEL]), str(labels[PROJECT_LABEL])
    return None


def controller_of(resource: Object) -> dict[str, Any] | None:
    """The owner reference of the object's controller."""
    owners = resource["metadata"].get("ownerReferences") or ()
    return next((owner for owner in owners if owner.get("controller")), None)


def workflow_of(run: Object) -> str:
    """The name of a run's Workflow."""
    return str((run.get("spec") or {}).get("workflowRef", {}).get("name", ""))


def phase_of(run: Object) -> str:
    """The phase of a run, for metrics."""
    outcome = status_of(run).get("outcome")
    if outcome:
        return str(outcome).lower()
    return "running" if status_of(run).get("attempts") else "pending"


def awaits_launch(resource: Object | None) -> bool:
    """Whether an object is a run that has no attempt yet, and may get one."""
    if resource is None or resource["kind"] != "WorkflowRun":
        return False
    status = status_of(resource)
    return not status.get("outcome") and not status.get("attempts")


def entries(resource: Object) -> Iterator[Entry]:
    """Every entry that an object has."""
    kind, namespace = str(resource["kind"]), str(resource["metadata"].get("namespace", ""))
    yield KIND, kind
    yield PLACE, (kind, namespace)
    special = _SPECIAL.get(kind)
    if special is not None:
        yield from special(resource, namespace)


def _namespace(resource: Object, _namespace: str) -> Iterator[Entry]:
    if (project := project_labels(resource)) is not None:
        yield PROJECT, project


def _profile(resource: Object, namespace: str) -> Iterator[Entry]:
    spec = resource.get("spec") or {}
    yield VERSIONS, (namespace, versions_name(str(spec.get("kind")), str(spec.get("name"))))


def _workflow(resource: Object, namespace: str) -> Iterator[Entry]:
    yield VERSIONS, (namespace, versions_name("workflow", str(resource["metadata"]["name"])))
    for step in (resource.get("spec") or {}).get("steps") or ():
        for field in SPELLINGS.get(step.get("type"), ()):
            try:
                reference = parse_reference(str(step.get(field, "")), _ANYWHERE)
            except SpecError:
                continue  # the decision on the workflow reports it
            yield REFERENCE, reference.profile.object_name


def _run(resource: Object, namespace: str) -> Iterator[Entry]:
    yield RUNS, (namespace, workflow_of(resource))
    yield PHASE, phase_of(resource)
    if not status_of(resource).get("outcome"):
        yield ACTIVE, namespace
        yield UNFINISHED, (namespace, workflow_of(resource))
        if not status_of(resource).get("attempts"):
            yield UNLAUNCHED, (namespace, workflow_of(resource))
        if config := status_of(resource).get("config"):
            yield FROZEN, (namespace, config.get("name"))


def _job(resource: Object, _namespace: str) -> Iterator[Entry]:
    if (owner := controller_of(resource)) is not None:
        yield JOBS, str(owner["uid"])


def _pod(resource: Object, _namespace: str) -> Iterator[Entry]:
    if uid := (resource["metadata"].get("labels") or {}).get(RUN_UID_LABEL):
        yield PODS, str(uid)


_SPECIAL = {
    "Namespace": _namespace,
    "Profile": _profile,
    "Workflow": _workflow,
    "WorkflowRun": _run,
    "Job": _job,
    "Pod": _pod,
}


def run_of_job(job: Object) -> Key | None:
    """The run that a Job was created for."""
    owner = controller_of(job)
    if owner is None or owner.get("kind") != "WorkflowRun":
        return None
    return Key("WorkflowRun", str(job["metadata"].get("namespace", "")), str(owner["name"]))


def workflow_key(run: Object) -> Key:
    return Key("Workflow", str(run["metadata"].get("namespace", "")), workflow_of(run))
