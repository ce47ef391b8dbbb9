"""Reads Kubernetes objects: identity, age, conditions; contains no decision."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, cast

from chartly.api.documents import Document, Json
from chartly.reconcile.actions import Key, Object

ACTIVE = "active"
"""The field of a Workflow's status that names the holder of the turn; of its own field manager."""
EPOCH = "epoch"
"""The field of a Workflow's status, and of a run's, that numbers the turns; of the same manager."""


def key_of(resource: Object) -> Key:
    metadata = resource["metadata"]
    return Key(str(resource["kind"]), str(metadata.get("namespace", "")), str(metadata["name"]))


def name_of(resource: Object) -> str:
    return str(resource["metadata"]["name"])


def uid_of(resource: Object) -> str:
    return str(resource["metadata"]["uid"])


def version_of(resource: Object) -> str:
    """The resourceVersion, which a conditional write is compared with."""
    return str(resource["metadata"].get("resourceVersion", ""))


def generation_of(resource: Object) -> int:
    return int(resource["metadata"].get("generation", 0))


def is_being_deleted(resource: Object) -> bool:
    """Whether the object is being deleted; then nothing is created for it any more."""
    return "deletionTimestamp" in resource["metadata"]


def age_key(resource: Object) -> tuple[str, str]:
    """A sort key by age: the older object of two keeps what both claim."""
    metadata = resource["metadata"]
    return str(metadata.get("creationTimestamp", "")), str(metadata["name"])


def owned_by(resources: Iterable[Object], uid: str) -> list[Object]:
    """The objects that have the object of that uid as owner."""
    return [
        resource
        for resource in resources
        if any(owner["uid"] == uid for owner in resource["metadata"].get("ownerReferences", ()))
    ]


def labels_of(resource: Object) -> dict[str, str]:
    return dict(resource["metadata"].get("labels") or {})


def status_of(resource: Object) -> dict[str, Any]:
    return dict(resource.get("status") or {})


def condition_of(resource: Object, kind: str) -> dict[str, Any] | None:
    """The condition of a type, if the object has it."""
    conditions: Iterable[dict[str, Any]] = status_of(resource).get("conditions") or ()
    return next((condition for condition in conditions if condition.get("type") == kind), None)


def document_of(resource: Object) -> Document:
    """The object as parsers read it, without the fields that the API server adds."""
    kept = ("name", "namespace", "labels", "annotations")
    metadata = {name: resource["metadata"][name] for name in kept if resource["metadata"].get(name)}
    content = {
        "apiVersion": resource["apiVersion"],
        "kind": resource["kind"],
        "metadata": metadata,
        "spec": resource.get("spec", {}),
    }
    source = f"{str(resource['kind']).lower()} {name_of(resource)}"
    return Document(source, 0, cast("dict[str, Json]", content))


def parse_timestamp(text: str) -> datetime:
    """An instant as Kubernetes writes it."""
    return datetime.fromisoformat(text).astimezone(UTC)


def timestamp(when: datetime) -> str:
    """An instant as conditions carry it: whole seconds, in UTC."""
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def precise_timestamp(when: datetime) -> str:
    """An instant with milliseconds, as events store it."""
    return when.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
