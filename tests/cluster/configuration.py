"""The files that the parts of a rig are configured by."""

import json
from pathlib import Path
from typing import Any

from cluster.images import PAUSE
from cluster.layout import NODE, Layout
from cluster.packages import CNI


def write_configuration(layout: Layout, audit: str) -> None:
    """Writes every part's file.

    Args:
        audit: the level at which the API server logs writes, or empty.
    """
    _write(layout.state / "audit.json", _audit(audit or "None"))
    _write(layout.state / "cni" / "rig.conflist", _network(layout))
    _write(layout.state / "kubelet.json", _kubelet(layout))
    _write(layout.state / "proxy.json", _proxy(layout))
    (layout.state / "containerd.toml").write_text(_containerd(layout), encoding="utf-8")


def _write(path: Path, content: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1), encoding="utf-8")


def _audit(level: str) -> dict[str, Any]:
    return {
        "apiVersion": "audit.k8s.io/v1",
        "kind": "Policy",
        "omitStages": ["RequestReceived"],
        "rules": [
            {"level": "None", "verbs": ["get", "list", "watch"]},
            {"level": level},
        ],
    }


def _network(layout: Layout) -> dict[str, Any]:
    """Points each Pod at the node: on a bridge, answers between Pods would bypass its rules."""
    ranges = [[{"subnet": layout.pods}]]
    addresses = {"type": "host-local", "ranges": ranges, "routes": [{"dst": "0.0.0.0/0"}]}
    plugin = {"type": "ptp", "ipMasq": False, "ipam": addresses}
    return {"cniVersion": "0.4.0", "name": "rig", "plugins": [plugin]}


def _kubelet(layout: Layout) -> dict[str, Any]:
    """Keeps the kubelet from demanding cgroups, space and swap rules that a test machine lacks.

    With cgroups by QoS class it wants its root cgroup in every hierarchy; limits of containers are
    enforced without. Nothing is evicted and no image collected, however full the disk is.
    """
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": {"x509": {"clientCAFile": str(layout.keys / "ca.crt")}},
        "containerRuntimeEndpoint": f"unix://{layout.containerd}",
        "clusterDNS": [layout.dns_ip],
        "clusterDomain": "cluster.local",
        "resolvConf": "",
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{layout.cgroup}",
        "failCgroupV1": False,
        "cgroupsPerQOS": False,
        "enforceNodeAllocatable": [],
        "evictionHard": {
            "imagefs.available": "0%",
            "memory.available": "0%",
            "nodefs.available": "0%",
            "nodefs.inodesFree": "0%",
        },
        "imageGCHighThresholdPercent": 100,
        "failSwapOn": False,
    }


def _proxy(layout: Layout) -> dict[str, Any]:
    """Leaves the sysctls of conntrack alone: they are read-only in a network namespace."""
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "nftables",
        "clusterCIDR": layout.pods,
        "hostnameOverride": NODE,
        "bindAddress": layout.node_ip,
        "clientConnection": {"kubeconfig": str(layout.kubeconfig)},
        "conntrack": {
            "maxPerCore": 0,
            "min": 0,
            "tcpEstablishedTimeout": "0s",
            "tcpCloseWaitTimeout": "0s",
        },
    }


def _containerd(layout: Layout) -> str:
    """Restricts oom scores to what root may set: where it may not lower them no Pod would start."""
    return f"""\
version = 2
root = "{layout.store}"
state = "/run/containerd"
[grpc]
  address = "{layout.containerd}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{PAUSE}"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{CNI}"
    conf_dir = "{layout.state}/cni"
"""
