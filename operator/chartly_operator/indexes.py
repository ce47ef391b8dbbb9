"""By what an object is found in the cache."""

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
"""Workflows by the object name of a profile that they name."""
VERSIONS = "versions"
"""Profiles and Workflows by (namespace, ConfigMap that remembers their versions)."""
RUNS = "runs"
"""Runs by (namespace, workflow)."""
UNFINISHED = "unfinished"
"""Runs without an outcome, by (namespace, workflow)."""
ACTIVE = "active"
"""Runs without an outcome, by namespace."""
UNLAUNCHED = "unlaunched"
"""Runs without outcome and attempt, by (namespace, workflow): what others do can let them start."""
FROZEN = "frozen"
"""Runs without an outcome, by (namespace, ConfigMap of their frozen inputs)."""
PHASE = "phase"
"""Runs by phase."""
JOBS = "jobs"
"""Jobs by the uid of the run that owns them."""
PODS = "pods"
"""Pods by the uid of the run that they were made for, whether their Job still is there or not."""

PHASES = ("pending", "running", "succeeded", "failed", "cancelled")
_ANYWHERE = Project("any", "any")
Entry = tuple[str, Hashable]


def project_labels(namespace: Object) -> tuple[str, str] | None:
    """The tenant and project that a namespace claims."""
    labels = namespace["metadata"].get("labels") or {}
    if TENANT_LABEL in labels and PROJECT_LABEL in labels:
        return str(labels[TENANT_LABEL]), str(labels[PROJECT_LABEL])
    return None


def controller_of(found: Object) -> dict[str, Any] | None:
    """The owner that made the object."""
    owners = found["metadata"].get("ownerReferences") or ()
    return next((one for one in owners if one.get("controller")), None)


def workflow_of(run: Object) -> str:
    """The name of the Workflow that a run is of."""
    return str((run.get("spec") or {}).get("workflowRef", {}).get("name", ""))


def phase_of(run: Object) -> str:
    """What a run is at, for counting."""
    outcome = status_of(run).get("outcome")
    if outcome:
        return str(outcome).lower()
    return "running" if status_of(run).get("attempts") else "pending"


def awaits_launch(found: Object | None) -> bool:
    """Whether an object is a run that has no attempt yet, and may get one."""
    if found is None or found["kind"] != "WorkflowRun":
        return False
    status = status_of(found)
    return not status.get("outcome") and not status.get("attempts")


def entries(found: Object) -> Iterator[Entry]:
    """Every entry that an object has."""
    kind, namespace = str(found["kind"]), str(found["metadata"].get("namespace", ""))
    yield KIND, kind
    yield PLACE, (kind, namespace)
    special = _SPECIAL.get(kind)
    if special is not None:
        yield from special(found, namespace)


def _namespace(found: Object, _namespace: str) -> Iterator[Entry]:
    if (project := project_labels(found)) is not None:
        yield PROJECT, project


def _profile(found: Object, namespace: str) -> Iterator[Entry]:
    spec = found.get("spec") or {}
    yield VERSIONS, (namespace, versions_name(str(spec.get("kind")), str(spec.get("name"))))


def _workflow(found: Object, namespace: str) -> Iterator[Entry]:
    yield VERSIONS, (namespace, versions_name("workflow", str(found["metadata"]["name"])))
    for step in (found.get("spec") or {}).get("steps") or ():
        for field in SPELLINGS.get(step.get("type"), ()):
            try:
                reference = parse_reference(str(step.get(field, "")), _ANYWHERE)
            except SpecError:
                continue  # whoever decides on the workflow tells it
            yield REFERENCE, reference.profile.object_name


def _run(found: Object, namespace: str) -> Iterator[Entry]:
    yield RUNS, (namespace, workflow_of(found))
    yield PHASE, phase_of(found)
    if not status_of(found).get("outcome"):
        yield ACTIVE, namespace
        yield UNFINISHED, (namespace, workflow_of(found))
        if not status_of(found).get("attempts"):
            yield UNLAUNCHED, (namespace, workflow_of(found))
        if config := status_of(found).get("config"):
            yield FROZEN, (namespace, config.get("name"))


def _job(found: Object, _namespace: str) -> Iterator[Entry]:
    if (owner := controller_of(found)) is not None:
        yield JOBS, str(owner["uid"])


def _pod(found: Object, _namespace: str) -> Iterator[Entry]:
    if uid := (found["metadata"].get("labels") or {}).get(RUN_UID_LABEL):
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
    """The run that a Job was made for."""
    owner = controller_of(job)
    if owner is None or owner.get("kind") != "WorkflowRun":
        return None
    return Key("WorkflowRun", str(job["metadata"].get("namespace", "")), str(owner["name"]))


def workflow_key(run: Object) -> Key:
    return Key("Workflow", str(run["metadata"].get("namespace", "")), workflow_of(run))
