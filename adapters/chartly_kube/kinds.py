"""Where the API server keeps each kind that we use."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from chartly.names import API_VERSION, MANAGED_BY, OURS
from chartly.reconcile.actions import Key


@dataclass(frozen=True)
class Kind:
    """A kind's place.

    Attributes:
        label_selector: which of its objects we list and watch; empty for all.
    """

    api_version: str
    plural: str
    namespaced: bool = True
    label_selector: str = ""

    @property
    def root(self) -> str:
        """The path of its group and version."""
        return f"/{'apis' if '/' in self.api_version else 'api'}/{self.api_version}"


_CHILDREN = f"{MANAGED_BY}={OURS}"

KINDS: Mapping[str, Kind] = {
    "Namespace": Kind("v1", "namespaces", namespaced=False),
    "Profile": Kind(API_VERSION, "profiles"),
    "Workflow": Kind(API_VERSION, "workflows"),
    "WorkflowRun": Kind(API_VERSION, "workflowruns"),
    "Job": Kind("batch/v1", "jobs", label_selector=_CHILDREN),
    "Pod": Kind("v1", "pods", label_selector=_CHILDREN),
    "ConfigMap": Kind("v1", "configmaps", label_selector=_CHILDREN),
    "Event": Kind("events.k8s.io/v1", "events"),
    "Lease": Kind("coordination.k8s.io/v1", "leases"),
}
WATCHED = ("Namespace", "Profile", "Workflow", "WorkflowRun", "Job", "Pod", "ConfigMap")
"""What the operator keeps in its cache, parents before children."""
FOLLOWED = ("Namespace", "Job", "Pod", "ConfigMap")
"""What of it others define: the operator follows it by streams of its own."""
OWN = ("Profile", "Workflow", "WorkflowRun")
"""What our CustomResourceDefinitions define."""


def collection_path(kind: str, namespace: str | None) -> str:
    """The path of all objects of a kind, or of those of one namespace."""
    place = KINDS[kind]
    if namespace and place.namespaced:
        return f"{place.root}/namespaces/{quote(namespace, safe='')}/{place.plural}"
    return f"{place.root}/{place.plural}"


def object_path(key: Key, subresource: str = "") -> str:
    """The path of one object, or of a part of it such as ``status``."""
    path = f"{collection_path(key.kind, key.namespace)}/{quote(key.name, safe='')}"
    return f"{path}/{subresource}" if subresource else path
