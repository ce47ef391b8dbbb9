"""Reading Kubernetes objects: identity, age, conditions; nothing here decides anything."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, cast

from chartly.api.documents import Document, Json
from chartly.reconcile.actions import Key, Object

ACTIVE = "active"
"""The field of a Workflow's status that tells whose turn it is; its field manager is its own."""
EPOCH = "epoch"
"""The field of a Workflow's status, and of a run's, that numbers the turns; of the same manager."""


def key_of(found: Object) -> Key:
    metadata = found["metadata"]
    return Key(str(found["kind"]), str(metadata.get("namespace", "")), str(metadata["name"]))


def name_of(found: Object) -> str:
    return str(found["metadata"]["name"])


def uid_of(found: Object) -> str:
    return str(found["metadata"]["uid"])


def version_of(found: Object) -> str:
    """The resourceVersion: what a write must have seen."""
    return str(found["metadata"].get("resourceVersion", ""))


def generation_of(found: Object) -> int:
    return int(found["metadata"].get("generation", 0))


def is_going(found: Object) -> bool:
    """Whether the object is being deleted; then nothing is made for it any more."""
    return "deletionTimestamp" in found["metadata"]


def born(found: Object) -> tuple[str, str]:
    """A sort key by age: the older object of two keeps what both claim."""
    metadata = found["metadata"]
    return str(metadata.get("creationTimestamp", "")), str(metadata["name"])


def owned_by(found: Iterable[Object], uid: str) -> list[Object]:
    """Those of some objects that belong to the object of that uid."""
    return [
        one
        for one in found
        if any(owner["uid"] == uid for owner in one["metadata"].get("ownerReferences", ()))
    ]


def labels_of(found: Object) -> dict[str, str]:
    return dict(found["metadata"].get("labels") or {})


def status_of(found: Object) -> dict[str, Any]:
    return dict(found.get("status") or {})


def condition_of(found: Object, kind: str) -> dict[str, Any] | None:
    """The condition of a type, if the object has it."""
    conditions: Iterable[dict[str, Any]] = status_of(found).get("conditions") or ()
    return next((one for one in conditions if one.get("type") == kind), None)


def document_of(found: Object) -> Document:
    """The object in the form that parsers take, without what the API server adds."""
    kept = ("name", "namespace", "labels", "annotations")
    metadata = {name: found["metadata"][name] for name in kept if found["metadata"].get(name)}
    content = {
        "apiVersion": found["apiVersion"],
        "kind": found["kind"],
        "metadata": metadata,
        "spec": found.get("spec", {}),
    }
    source = f"{str(found['kind']).lower()} {name_of(found)}"
    return Document(source, 0, cast("dict[str, Json]", content))


def moment(text: str) -> datetime:
    """An instant as Kubernetes writes it."""
    return datetime.fromisoformat(text).astimezone(UTC)


def written(when: datetime) -> str:
    """An instant as conditions carry it: whole seconds, in UTC."""
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def written_exactly(when: datetime) -> str:
    """An instant with milliseconds, as events are stamped with."""
    return when.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
