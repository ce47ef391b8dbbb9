"""The ConfigMap of frozen inputs (INV-3): immutable, named by the digest of its content."""

from typing import Any

from chartly.manifests.labels import config_labels
from chartly.names import SNAPSHOT_KEY, config_name
from chartly.plan.snapshot import Snapshot


def config_map(snapshot: Snapshot, namespace: str) -> dict[str, Any]:
    """The frozen inputs of runs; every run with the same config digest shares them."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": config_name(snapshot.digest),
            "namespace": namespace,
            "labels": config_labels("snapshot"),
        },
        "immutable": True,
        "data": {SNAPSHOT_KEY: snapshot.content.decode("utf-8")},
    }
