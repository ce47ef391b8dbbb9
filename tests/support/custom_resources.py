"""Custom resources on a real API server, and what it and the command line say of them."""

import copy
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

from chartly.api.documents import Document, Json
from chartly.api.profile import as_resource as profile_resource
from chartly.api.profile import parse_profile
from chartly.api.workflow import as_resource as workflow_resource
from chartly.api.workflow import parse_workflow
from chartly.api.workflow_run import parse_workflow_run
from chartly.errors import Reason, SpecError
from chartly.names import API_VERSION
from chartly.plan.catalog import Catalog
from chartly.plan.resolve import resolve
from cluster.client import RefusedError
from cluster.rig import Rig
from support.cluster import api_server
from support.profiles import HOME, ROOT, playbook_profile, playbook_workflow

CRDS = ROOT / "crds"
NAMESPACE = "default"
PLURALS = {"Profile": "profiles", "Workflow": "workflows", "WorkflowRun": "workflowruns"}
PROFILES = ("connector", "normalizer", "storage", "analytics")


@contextmanager
def api_with_crds() -> Iterator[Rig]:
    """An API server that serves our kinds."""
    with api_server() as rig:
        rig.kubectl("apply", "--server-side", "-f", CRDS)
        rig.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=60s")
        yield rig


def resource(name: str) -> Document:
    """A valid object: of a profile's kind, ``workflow`` or ``run``."""
    if name == "run":
        content = _run()
    elif name == "workflow":
        content = workflow_resource(parse_workflow(playbook_workflow()), NAMESPACE)
    else:
        content = profile_resource(parse_profile(playbook_profile(name)), NAMESPACE)
    return Document(f"{name}.yaml", 1, copy.deepcopy(content))


def _run() -> dict[str, Json]:
    return {
        "apiVersion": API_VERSION,
        "kind": "WorkflowRun",
        "metadata": {"name": "sales-1", "namespace": NAMESPACE},
        "spec": {
            "workflowRef": {"name": "sales-onboard", "version": "1.0.0"},
            "window": {"start": "2026-02-01T00:00:00Z", "end": "2026-02-02T00:00:00Z"},
        },
    }


def path_of(content: dict[str, Any], *, named: bool = True) -> str:
    """Where the API server keeps such objects."""
    plural = PLURALS[content["kind"]]
    whole = f"/apis/{API_VERSION}/namespaces/{NAMESPACE}/{plural}"
    return f"{whole}/{content['metadata']['name']}" if named else whole


def server_says(rig: Rig, document: Document) -> str:
    """Why the API server would refuse to create the object; nothing if it would not."""
    place = path_of(document.content, named=False)
    return refusal(rig, "POST", f"{place}?dryRun=All&fieldValidation=Strict", document.content)


def refusal(rig: Rig, method: str, path: str, content: object) -> str:
    """Why the API server refuses a call; nothing if it does not."""
    try:
        rig.client.call(method, path, content)
    except RefusedError as error:
        _, _, said = str(error).partition(": ")
        return str(json.loads(said)["message"])
    return ""


def status_of(rig: Rig, found: dict[str, Any], status: dict[str, Any] | None) -> str:
    """What the API server says of an object's status; nothing if it takes it."""
    newest = rig.client.call("GET", path_of(found))
    return refusal(rig, "PUT", f"{path_of(found)}/status", {**newest, "status": status})


def cli_says(document: Document) -> tuple[str, ...]:
    """What the command line says of the object alone; nothing if it takes it."""
    try:
        if document.content["kind"] == "Profile":
            parse_profile(document)
        elif document.content["kind"] == "WorkflowRun":
            parse_workflow_run(document)
        else:
            resolve(parse_workflow(document), Catalog([]), HOME)
    except SpecError as error:
        if error.reason in (Reason.PROFILE_NOT_FOUND, Reason.CROSS_PROJECT_REFERENCE):
            return ()  # other objects decide, which one alone does not show
        return cast("tuple[str, ...]", getattr(error, "problems", (error.message,)))
    return ()
