"""The kinds that Chartly uses, and their paths on the API server."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from chartly.names import API_VERSION, MANAGED_BY, OURS
from chartly.reconcile.actions import Key


@dataclass(frozen=True)
class Kind:
    """The API group, version and plural of a kind.

    Attributes:
        label_selector: selects the objects to list and watch; empty for all.
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
"""The kinds in the operator's cache, parents before children."""
FOLLOWED = ("Namespace", "Job", "Pod", "ConfigMap")
"""Those of them that are not ours: the operator watches them by streams of its own."""
OWN = ("Profile", "Workflow", "WorkflowRun")
"""The kinds of our CustomResourceDefinitions."""


def collection_path(kind: str, namespace: str | None) -> str:
    """The path of all objects of a kind, or of those of one namespace."""
    served = KINDS[kind]
    if namespace and served.namespaced:
        return f"{served.root}/namespaces/{quote(namespace, safe='')}/{served.plural}"
    return f"{served.root}/{served.plural}"


def object_path(key: Key, subresource: str = "") -> str:
    """The path of one object, or of a part of it such as ``status``."""
    path = f"{collection_path(key.kind, key.namespace)}/{quote(key.name, safe='')}"
    return f"{path}/{subresource}" if subresource else path
