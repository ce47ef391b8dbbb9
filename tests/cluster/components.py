"""The command line of every part of a rig."""

import sys

from cluster.build import CLUSTER
from cluster.commands import Word, words
from cluster.layout import BIN, HERE, NODE, Layout
from cluster.options import Form, Options

_ETCD = "http://127.0.0.1:2379"
_PEER = "http://127.0.0.1:2380"
FIRST = ("etcd", "kube-apiserver", "containerd")
"""The parts that the others cannot start without."""


def component_commands(layout: Layout, options: Options) -> dict[str, list[str]]:
    """Command lines by name, in order of start.

    Raises:
        ValueError: a flag is for a part that this form does not have.
    """
    commands = {
        "etcd": _etcd(layout),
        "kube-apiserver": _apiserver(layout, options),
        "kube-controller-manager": _controllers(layout, options),
        "kube-scheduler": [*_login(layout), *_limits(options)],
    }
    commands = {name: [CLUSTER, name, *flags] for name, flags in commands.items()}
    if options.form is Form.FAKE:
        commands["kwok"] = _kwok(layout)
    if options.form is Form.KUBELET:
        commands |= _node(layout)
    if options.network_policy:
        commands["enforcer"] = [sys.executable, "-m", "cluster.enforcer", layout.index]
    for setting in options.flags:
        name, _, flag = setting.partition("=")
        if name not in commands:
            raise ValueError(f"flag {setting}: {name} is not one of {', '.join(commands)}")
        commands[name].append(flag)
    return {name: words(*command) for name, command in commands.items()}


def _etcd(layout: Layout) -> list[Word]:
    return [
        f"--data-dir={layout.state}/etcd",
        "--unsafe-no-fsync",
        f"--listen-client-urls={_ETCD}",
        f"--advertise-client-urls={_ETCD}",
        f"--listen-peer-urls={_PEER}",
        f"--initial-advertise-peer-urls={_PEER}",
        f"--initial-cluster=default={_PEER}",
    ]


def _apiserver(layout: Layout, options: Options) -> list[Word]:
    keys = layout.keys
    flags: list[Word] = [
        f"--etcd-servers={_ETCD}",
        "--authorization-mode=Node,RBAC",
        f"--bind-address={layout.node_ip}",
        f"--advertise-address={layout.node_ip}",
        f"--service-cluster-ip-range={layout.services}",
        f"--tls-cert-file={keys}/apiserver.crt",
        f"--tls-private-key-file={keys}/apiserver.key",
        f"--client-ca-file={keys}/ca.crt",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={keys}/accounts.pub",
        f"--service-account-signing-key-file={keys}/accounts.key",
        f"--kubelet-client-certificate={keys}/admin.crt",
        f"--kubelet-client-key={keys}/admin.key",
        "--kubelet-preferred-address-types=InternalIP",
        "--enable-admission-plugins=NodeRestriction",
        "--allow-privileged=true",
    ]
    if options.audit:
        policy = f"--audit-policy-file={layout.state}/audit.json"
        flags += [policy, f"--audit-log-path={layout.audit_log}"]
    return flags


def _login(layout: Layout) -> list[Word]:
    kinds = ("", "authentication-", "authorization-")
    logins: list[Word] = [f"--{kind}kubeconfig={layout.kubeconfig}" for kind in kinds]
    return [*logins, "--bind-address=127.0.0.1", "--leader-elect=false"]


def _limits(options: Options) -> list[Word]:
    rate = options.api_qps
    return [f"--kube-api-qps={rate}", f"--kube-api-burst={2 * rate}"] if rate else []


def _controllers(layout: Layout, options: Options) -> list[Word]:
    keys = [
        f"--service-account-private-key-file={layout.keys}/accounts.key",
        f"--root-ca-file={layout.keys}/ca.crt",
    ]
    jobs = ["--concurrent-job-syncs=50"] if options.api_qps else []
    return [*_login(layout), *keys, *_limits(options), *jobs]


def _kwok(layout: Layout) -> list[Word]:
    return [
        BIN / "kwok",
        f"--config={HERE}/kwok.yaml",
        f"--kubeconfig={layout.kubeconfig}",
        "--manage-all-nodes",
        f"--cidr={layout.pods}",
        f"--node-ip={layout.node_ip}",
        "--node-lease-duration-seconds=40",
    ]


def _node(layout: Layout) -> dict[str, list[Word]]:
    state = layout.state
    return {
        "containerd": ["containerd", "--config", state / "containerd.toml"],
        "kubelet": [
            CLUSTER,
            "kubelet",
            f"--config={state}/kubelet.json",
            f"--kubeconfig={state}/kubelet.kubeconfig",
            f"--hostname-override={NODE}",
            f"--node-ip={layout.node_ip}",
        ],
        "kube-proxy": [CLUSTER, "kube-proxy", f"--config={state}/proxy.json"],
    }
