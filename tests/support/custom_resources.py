"""Custom resources on a real API server, and what it and the command line say of them."""

import copy
import json
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any

from chartly.api.documents import Document, Json
from chartly.api.profile import as_resource as profile_resource
from chartly.api.profile import parse_profile
from chartly.api.workflow import as_resource as workflow_resource
from chartly.api.workflow import parse_workflow
from chartly.names import API_VERSION
from cluster.client import RefusedError
from cluster.rig import Rig
from cluster.waiting import wait_for
from support.cluster import api_server
from support.command import chartly
from support.profiles import ROOT, playbook_profile, playbook_workflow

CRDS = ROOT / "crds"
NAMESPACE = "default"
PLURALS = {"Profile": "profiles", "Workflow": "workflows", "WorkflowRun": "workflowruns"}
LATER = ("is not served by this version", "names no project")
"""What an API server takes, and the operator refuses by name."""
SHARED = ("labels", "annotations")
IDENTITY = ("kind", "name", "description", "owners")
PROFILES = ("connector", "normalizer", "storage", "analytics")


@contextmanager
def api_with_crds(*, audit: str = "") -> Iterator[Rig]:
    """An API server that serves our kinds, and says so to whoever asks what it serves.

    Args:
        audit: as for ``api_server``.
    """
    with api_server(audit=audit) as rig:
        rig.kubectl("apply", "--server-side", "-f", CRDS)
        await_kinds(rig, API_VERSION, PLURALS)
        yield rig


def await_kinds(rig: Rig, group_version: str, kinds: Iterable[str]) -> None:
    """Returns once a server tells of the kinds in discovery and in OpenAPI.

    Both come some time after the condition ``Established``, discovery first: what kubectl creates
    needs the one, what it explains the other.
    """
    wanted = set(kinds)
    wait_for(f"{group_version} in discovery", lambda: wanted <= _discovered(rig, group_version))
    wait_for(f"{group_version} in OpenAPI", lambda: wanted <= _described(rig, group_version))


def _discovered(rig: Rig, group_version: str) -> set[str]:
    listed = _asked(rig, f"/apis/{group_version}").get("resources", [])
    return {str(resource["kind"]) for resource in listed}


def _described(rig: Rig, group_version: str) -> set[str]:
    schemas = _asked(rig, f"/openapi/v3/apis/{group_version}").get("components", {})
    return {
        str(kind["kind"])
        for schema in schemas.get("schemas", {}).values()
        for kind in schema.get("x-kubernetes-group-version-kind", [])
        if f"{kind['group']}/{kind['version']}" == group_version
    }


def _asked(rig: Rig, path: str) -> dict[str, Any]:
    try:
        answer: dict[str, Any] = rig.client.call("GET", path)
    except RefusedError as error:
        if error.status != HTTPStatus.NOT_FOUND:
            raise
        return {}
    return answer


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
    """What ``chartly validate FILE`` says of the object alone; nothing if it takes it.

    The playbook's spelling, where there is one, must be taken or refused alike.
    """
    problems = _validated(document.content)
    spelled = playbook_of(document.content)
    if spelled is not None:
        alike = _validated(spelled)
        assert bool(alike) is bool(problems), (problems, alike)
    return problems


def single_quoted(sentence: str) -> str:
    """A sentence with its values quoted as the rules of the API server quote them."""
    return sentence.replace('"', "'")


def _validated(content: dict[str, Json]) -> tuple[str, ...]:
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "object.yaml"
        file.write_text(json.dumps(content), encoding="utf-8")
        outcome = chartly(Path(name), "--output", "json", "validate", str(file))
    assert outcome.code in {0, 3}, outcome
    problems = [one["message"] for one in outcome.document["problems"]]
    assert bool(problems) is (outcome.code == 3), outcome
    return tuple(one for one in problems if not any(words in one for words in LATER))


def playbook_of(content: dict[str, Any]) -> dict[str, Json] | None:
    """The object in the playbook's spelling; none where it has no such spelling."""
    spec = dict(content["spec"])
    if content["kind"] == "WorkflowRun" or "version" not in spec:
        return None
    metadata = {one: content["metadata"][one] for one in SHARED if one in content["metadata"]}
    metadata["version"] = spec.pop("version")
    if content["kind"] == "Workflow":
        metadata["name"] = content["metadata"]["name"]
    else:
        sections = [name for name in spec if name not in IDENTITY]
        identity = f"{spec.get('kind')}-{spec.get('name')}-{metadata['version']}"
        if content["metadata"]["name"] != identity or sections != [spec.get("kind")]:
            return None
        metadata |= {name: spec[name] for name in IDENTITY if name in spec}
        spec = spec[sections[0]]
    return {"apiVersion": API_VERSION, "kind": content["kind"], "metadata": metadata, "spec": spec}
