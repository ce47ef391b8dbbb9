"""A project's documents: namespace, limits, network policies, trusted CAs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from chartly.api.reference import Project
from chartly.manifests.network import StoreAddress, run_policies
from chartly.names import (
    MANAGED_BY,
    PROJECT_LABEL,
    STORE_SECRET,
    TENANT_LABEL,
    TRUST_CONFIG,
    TRUST_KEY,
)

ANALYST_SECRET = "chartly-analyst"  # noqa: S105 - a name, not a secret
QUOTA = "chartly"
"""The project's ResourceQuota, and its LimitRange."""
MADE_BY = "chartly-cli"
"""The value of ``MANAGED_BY`` on objects of ``project create``, and its field manager."""
Json: TypeAlias = dict[str, Any]

DEFAULT_QUOTA: Mapping[str, str] = {
    "pods": "50",
    "requests.cpu": "16",
    "requests.memory": "32Gi",
    "limits.memory": "64Gi",
    "count/jobs.batch": "1000",
}
"""The share of the cluster that one project may use (INV-8).

The number of Chartly's own objects is not limited: for minutes after a kind was installed the
cluster cannot count it, and refuses every object of a kind that a quota limits and cannot count.
"""
_CONTAINER: Json = {
    "type": "Container",
    "defaultRequest": {"cpu": "100m", "memory": "256Mi"},
    "default": {"memory": "1Gi"},
    "max": {"memory": "16Gi"},
}


@dataclass(frozen=True)
class ProjectSpec:
    """The input of a project's documents.

    Attributes:
        store: the address for its runs; None leaves store and Secret to an administrator.
        granted: private ranges that its connectors may reach, beside every public address.
        trust: PEM of CAs that its connectors trust beside the system's.
        quota: entries of its ResourceQuota; they replace those of ``DEFAULT_QUOTA``.
    """

    project: Project
    namespace: str
    store: StoreAddress | None = None
    granted: tuple[str, ...] = ()
    trust: str | None = None
    quota: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Login:
    """User and password of the store; its text shows no password."""

    username: str
    password: str = field(repr=False)


def project_documents(spec: ProjectSpec) -> list[Json]:
    """All documents of a project but its Secrets; the namespace comes first."""
    documents = [
        _namespace(spec),
        _document("v1", "ResourceQuota", QUOTA, spec) | {"spec": {"hard": quota_of(spec)}},
        _document("v1", "LimitRange", QUOTA, spec) | {"spec": {"limits": [_CONTAINER]}},
        *(
            _document("networking.k8s.io/v1", "NetworkPolicy", name, spec) | {"spec": policy}
            for name, policy in run_policies(spec.store, spec.granted).items()
        ),
    ]
    if spec.trust is not None:
        config = _document("v1", "ConfigMap", TRUST_CONFIG, spec)
        documents.append(config | {"data": {TRUST_KEY: spec.trust}})
    return documents


def quota_of(spec: ProjectSpec) -> Json:
    """The entries of the project's ResourceQuota: the defaults, replaced by its own."""
    return {**DEFAULT_QUOTA, **spec.quota}


def store_secrets(
    spec: ProjectSpec, url: str, logins: Mapping[str, Login], authority: str | None
) -> list[Json]:
    """The Secrets with the store's URL and a login.

    Args:
        logins: by the Secret's name, ``STORE_SECRET`` or ``ANALYST_SECRET``.
        authority: PEM of the CA that issued the store's certificate.
    """
    shared = {"url": url} | ({TRUST_KEY: authority} if authority is not None else {})
    return [
        _document("v1", "Secret", name, spec)
        | {
            "type": "Opaque",
            "stringData": {
                **shared,
                "username": logins[name].username,
                "password": logins[name].password,
            },
        }
        for name in (STORE_SECRET, ANALYST_SECRET)
    ]


def _namespace(spec: ProjectSpec) -> Json:
    labels = {
        TENANT_LABEL: spec.project.tenant,
        PROJECT_LABEL: spec.project.project,
        "pod-security.kubernetes.io/enforce": "restricted",
        "pod-security.kubernetes.io/warn": "restricted",
    }
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": spec.namespace, "labels": labels},
    }


def _document(api_version: str, kind: str, name: str, spec: ProjectSpec) -> Json:
    metadata = {"name": name, "namespace": spec.namespace, "labels": {MANAGED_BY: MADE_BY}}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata}
