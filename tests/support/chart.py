"""The chart as Helm renders it, with one set of values or another; no cluster is asked."""

import functools
import os
import shutil
import subprocess
from typing import Any

import yaml

from cluster.layout import BIN, ROOT
from support.missing import missing

CHART = ROOT / "charts" / "chartly"
INSTALL = ROOT / "docs" / "operations" / "install.md"
NAMESPACE = "chartly-system"
DIGEST = "sha256:" + "0123456789abcdef" * 4

SETS: dict[str, tuple[str, ...]] = {
    "default": (),
    "trial": ("clickhouse.install=true",),
    "namespaced": ("watchNamespaces={tenant-demo-a,tenant-demo-b}",),
    "monitored": ("metrics.serviceMonitor.enabled=true", "metrics.serviceMonitor.labels.a=b"),
    "pinned": tuple(f"images.{one}.digest={DIGEST}" for one in ("operator", "connector", "loader")),
    "placed": (
        "operator.nodeSelector.a=b",
        "operator.tolerations[0].key=a",
        "operator.priorityClassName=high",
        "operator.podAnnotations.a=b",
        "operator.affinity.nodeAffinity.x=y",
        "images.pullSecrets={one,two}",
        "serviceAccount.annotations.a=b",
    ),
    "fenced": (
        "networkPolicy.apiServerCidrs={10.0.0.1/32}",
        "networkPolicy.metricsFrom[0].namespaceSelector.matchLabels.a=b",
    ),
    "bare": (
        "operator.replicas=1",
        "networkPolicy.enabled=false",
        "rbac.create=false",
        "rbac.aggregate=false",
        "crds.install=false",
        "globalNamespace.create=false",
        "tests.enabled=false",
        "podDisruptionBudget.enabled=false",
    ),
}


def helm(*arguments: object) -> subprocess.CompletedProcess[str]:
    program = BIN / "helm" if (BIN / "helm").exists() else shutil.which("helm")
    if program is None:
        missing("helm is neither in the test cluster's cache (make cluster) nor on the path")
    # No cluster may be asked: what is rendered is the same everywhere.
    environment = {**os.environ, "KUBECONFIG": os.devnull}
    return subprocess.run(
        [program, *map(str, arguments)], capture_output=True, text=True, check=False, env=environment
    )  # fmt: skip


def template(*sets: str, release: str = "chartly") -> subprocess.CompletedProcess[str]:
    options = [word for one in sets for word in ("--set", one)]
    return helm("template", release, CHART, "--namespace", NAMESPACE, *options)


@functools.cache
def rendered(name: str) -> list[dict[str, Any]]:
    """The documents that a set of ``SETS`` gives."""
    done = template(*SETS[name])
    assert done.returncode == 0, done.stderr
    assert done.stderr == "", done.stderr
    return [one for one in yaml.safe_load_all(done.stdout) if one]


def of_kind(name: str, *kinds: str) -> list[dict[str, Any]]:
    return [one for one in rendered(name) if one["kind"] in kinds]


def the(name: str, kind: str, title: str) -> dict[str, Any]:
    (found,) = [one for one in of_kind(name, kind) if one["metadata"]["name"] == title]
    return found


def operator(name: str = "default") -> dict[str, Any]:
    return the(name, "Deployment", "chartly-operator")


def container(name: str = "default") -> dict[str, Any]:
    """The operator's only one."""
    (found,) = operator(name)["spec"]["template"]["spec"]["containers"]
    return dict(found)


def environment(name: str = "default") -> dict[str, Any]:
    """The operator's; a value that comes from elsewhere is None."""
    return {one["name"]: one.get("value") for one in container(name)["env"]}
