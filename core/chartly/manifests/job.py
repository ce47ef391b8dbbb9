"""The Job of an attempt: one Pod, created once, never restarted (INV-1)."""

from typing import Any

from chartly.manifests.attempt_plan import AttemptPlan, Installation, Resources
from chartly.manifests.labels import attempt_labels
from chartly.names import SNAPSHOT_KEY, STORE_SECRET, TRUST_CONFIG, config_name, job_name

USER = 65532
"""The user without rights that the images are built for."""
CONFIG = "/chartly/config"
SPOOL = "/chartly/spool"
SECRETS = "/chartly/secrets"
TRUST = "/chartly/trust"
STORE = "/chartly/store"
SCRATCH = "/tmp"  # noqa: S108 - the containers' own empty volume
TERMINATION = "/dev/termination-log"
ALLOWED_ORIGINS = "allowed-origins"

_SCRATCH_LIMIT = {"connector": "64Mi", "loader": "2Gi"}
"""A loader writes there the hashes of a run's keys, 8 bytes each, that exceed its memory."""
_GRACE_SECONDS = 30
_PEER_GRACE = "300"
"""Seconds: the kubelet may start one container and then pull the other one's image."""
_SPOOL_SHARE = 3 / 4
"""Share of the volume that the connector may fill; the rest is for uncounted bytes."""


def job(plan: AttemptPlan, installation: Installation) -> dict[str, Any]:
    """The Job; it has no TTL until the run's outcome is recorded."""
    labels = attempt_labels(plan.run, plan.run_uid, plan.workflow, plan.attempt)
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": job_name(plan.run, plan.attempt),
            "namespace": plan.namespace,
            "labels": labels,
            "ownerReferences": [plan.owner],
        },
        "spec": {
            "parallelism": 1,
            "completions": 1,
            # A Pod is never replaced: the next attempt has a Job of its own.
            "backoffLimit": 0,
            "podReplacementPolicy": "Failed",
            "activeDeadlineSeconds": plan.deadline,
            "template": {"metadata": {"labels": labels}, "spec": _pod(plan, installation)},
        },
    }


def _pod(plan: AttemptPlan, installation: Installation) -> dict[str, Any]:
    spec: dict[str, Any] = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": _GRACE_SECONDS,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER,
            "runAsGroup": USER,
            "fsGroup": USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [_connector(plan, installation), _loader(plan, installation)],
        "volumes": _volumes(plan, installation),
    }
    runtime = plan.runtime
    if runtime.node_selector:
        spec["nodeSelector"] = dict(runtime.node_selector)
    if runtime.tolerations:
        spec["tolerations"] = [dict(toleration) for toleration in runtime.tolerations]
    if runtime.image_pull_secrets:
        spec["imagePullSecrets"] = [{"name": name} for name in runtime.image_pull_secrets]
    return spec


def _connector(plan: AttemptPlan, installation: Installation) -> dict[str, Any]:
    limit = int(installation.spool_bytes * _SPOOL_SHARE)
    arguments = [*_frozen(plan), "--spool-limit", str(limit)]
    arguments += ["--secrets", SECRETS, "--trust", TRUST, "--peer-grace", _PEER_GRACE]
    for cidr in installation.grantable_cidrs:
        arguments += ["--grant-cidr", cidr]
    mounts = [_mount("trust", TRUST, read_only=True)]
    if plan.secret is not None:
        mounts.append(_mount("api-secret", f"{SECRETS}/{plan.secret[0]}", read_only=True))
    return _container(
        "connector",
        installation.connector_image,
        [*arguments, "--termination-log", TERMINATION],
        mounts,
        installation,
    ) | {"resources": _as_json(installation.connector_resources)}


def _loader(plan: AttemptPlan, installation: Installation) -> dict[str, Any]:
    arguments = [*_frozen(plan), "--store", STORE]
    arguments += ["--workflow", plan.workflow, "--workflow-version", plan.workflow_version]
    arguments += ["--run", plan.run_id, "--attempt", str(plan.attempt)]
    arguments += ["--run-digest", plan.run_digest, "--frozen-at", plan.frozen_at]
    if plan.window is not None:
        arguments += ["--window", *plan.window]
    if plan.epoch is not None:
        arguments += ["--epoch", str(plan.epoch)]
    resources = plan.runtime.resources
    own = {"requests": dict(resources.requests), "limits": dict(resources.limits)}
    default = _as_json(installation.loader_resources)
    return _container(
        "loader",
        installation.loader_image,
        [*arguments, "--termination-log", TERMINATION],
        [_mount("store", STORE, read_only=True)],
        installation,
    ) | {"resources": {name: {**default.get(name, {}), **own[name]} for name in own}}


def _frozen(plan: AttemptPlan) -> list[str]:
    return [
        *("--snapshot", f"{CONFIG}/{SNAPSHOT_KEY}", "--digest", plan.config_digest),
        *("--project", str(plan.project), "--spool", SPOOL),
    ]


def _container(
    name: str,
    image: str,
    arguments: list[str],
    mounts: list[dict[str, Any]],
    installation: Installation,
) -> dict[str, Any]:
    return {
        "name": name,
        "image": image,
        "imagePullPolicy": installation.image_pull_policy,
        "args": arguments,
        "terminationMessagePath": TERMINATION,
        "terminationMessagePolicy": "File",
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [
            _mount("config", CONFIG, read_only=True),
            _mount("spool", SPOOL),
            _mount(f"{name}-tmp", SCRATCH),
            *mounts,
        ],
    }


def _volumes(plan: AttemptPlan, installation: Installation) -> list[dict[str, Any]]:
    volumes: list[dict[str, Any]] = [
        {"name": "config", "configMap": {"name": config_name(plan.config_digest)}},
        {"name": "spool", "emptyDir": {"sizeLimit": str(installation.spool_bytes)}},
        *(
            {"name": f"{side}-tmp", "emptyDir": {"sizeLimit": limit}}
            for side, limit in _SCRATCH_LIMIT.items()
        ),
        {"name": "trust", "configMap": {"name": TRUST_CONFIG, "optional": True}},
        # Optional: the runner reports what is missing; a Pod that cannot start reports less.
        {"name": "store", "secret": {"secretName": STORE_SECRET, "optional": True}},
    ]
    if plan.secret is not None:
        name, key = plan.secret
        items = [{"key": item, "path": item} for item in (key, ALLOWED_ORIGINS)]
        secret = {"secretName": name, "optional": True, "items": items}
        volumes.append({"name": "api-secret", "secret": secret})
    return volumes


def _mount(name: str, path: str, *, read_only: bool = False) -> dict[str, Any]:
    mount: dict[str, Any] = {"name": name, "mountPath": path}
    return {**mount, "readOnly": True} if read_only else mount


def _as_json(resources: Resources) -> dict[str, dict[str, str]]:
    return {name: dict(amounts) for name, amounts in resources.items()}
