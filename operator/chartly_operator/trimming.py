"""Trims objects to the fields that decisions read; only trimmed objects are kept in memory."""

import sys
from collections.abc import Callable, Mapping
from typing import Any, NewType, TypedDict

import msgspec

from chartly.names import CONFIG_LABEL, DEPRECATED_ANNOTATION
from chartly.reconcile.actions import Object

Trimmed = NewType("Trimmed", Mapping[str, Any])
"""An object that was trimmed."""

_METADATA = (
    *("name", "namespace", "uid", "resourceVersion", "generation"),
    *("creationTimestamp", "deletionTimestamp", "labels", "ownerReferences"),
)
_SPEC = {"Job": ("ttlSecondsAfterFinished",), "Pod": (), "Namespace": ()}
"""The fields that decisions read of specs that are long and never change."""
_STATUS = {"Job": ("conditions",), "Pod": ("phase", "reason", "message", "conditions")}
_INTERNED = 32


def trim(resource: Object) -> Trimmed:
    """The fields that decisions read; of ConfigMaps only the record of versions keeps its data.

    Other metadata, such as managed fields and foreign annotations, has no size limit.
    """
    kind, metadata = resource.get("kind", ""), resource["metadata"]
    kept = {**resource, "metadata": _part(metadata, _METADATA)}
    deprecated = (metadata.get("annotations") or {}).get(DEPRECATED_ANNOTATION)
    if deprecated is not None:
        kept["metadata"]["annotations"] = {DEPRECATED_ANNOTATION: deprecated}
    if kind in _SPEC:
        kept["spec"] = _part(resource.get("spec"), _SPEC[kind])
    if kind in _STATUS:
        kept["status"] = _part(resource.get("status"), _STATUS[kind])
    if kind == "Pod":
        kept["status"]["containerStatuses"] = _containers(resource.get("status") or {})
    if kind == "ConfigMap":
        kept.pop("binaryData", None)
        if (metadata.get("labels") or {}).get(CONFIG_LABEL) != "versions":
            kept.pop("data", None)
    return Trimmed(_shared(kept))


def _part(whole: Mapping[str, Any] | None, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: whole[name] for name in names if name in whole} if whole else {}


def _containers(status: Mapping[str, Any]) -> list[dict[str, Any]]:
    containers = status.get("containerStatuses") or ()
    return [_part(container, ("name", "state")) for container in containers]


def _shared(value: Any) -> Any:  # noqa: ANN401 - JSON, as it came
    """An equal value that shares one copy of each key and short text with all objects.

    A parsed document has copies of its own, which take more memory than its content.
    """
    if isinstance(value, dict):
        return {sys.intern(name): _shared(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_shared(member) for member in value]
    if isinstance(value, str) and len(value) <= _INTERNED:
        return sys.intern(value)
    return value


def reader(kind: str) -> Callable[[bytes], Trimmed]:
    """Decodes objects of a kind, and of their fields only those that ``trim`` keeps."""
    decoder = msgspec.json.Decoder(_shape(kind))

    def read(content: bytes) -> Trimmed:
        try:
            resource: dict[str, Any] = decoder.decode(content)
        except msgspec.ValidationError:  # such as a null where it never is one
            resource = msgspec.json.decode(content)
        return trim(resource)

    return read


def _shape(kind: str) -> Any:  # noqa: ANN401 - a type made of the tables above
    metadata = _fields("Metadata", (*_METADATA, "annotations"))
    container = _fields("Container", ("name", "state"))
    top: dict[str, Any] = dict.fromkeys(("apiVersion", "kind", "data", "immutable", "status"), Any)
    top["metadata"] = metadata
    if kind in _SPEC:
        top["spec"] = _fields("Spec", _SPEC[kind])
    if kind in _STATUS:
        more = {"containerStatuses": list[container]} if kind == "Pod" else {}  # type: ignore[valid-type]
        top["status"] = _fields("Status", _STATUS[kind], more)
    return _fields(kind, (), top)


def _fields(name: str, plain: tuple[str, ...], more: Mapping[str, Any] | None = None) -> Any:  # noqa: ANN401
    fields = {**dict.fromkeys(plain, Any), **(more or {})}
    return TypedDict(name, fields, total=False)  # type: ignore[operator]
