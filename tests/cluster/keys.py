"""The keys and certificates of a rig, and the files that kubectl and the node log in with."""

import base64
import json
from pathlib import Path
from typing import Any

from cluster.commands import Word, call
from cluster.layout import NODE, Layout

DAYS = 30
_KEY: tuple[Word, ...] = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
_HOSTS = ("localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc")


def make_keys(layout: Layout) -> None:
    """Makes an authority, the server's and two users' certificates, and kubeconfigs of the users."""
    keys = layout.keys
    keys.mkdir(parents=True)
    ends: tuple[Word, ...] = ("-out", "ca.crt", "-subj", "/CN=rig-ca", "-days", DAYS)
    call("openssl", "req", "-x509", *_KEY, "-keyout", "ca.key", *ends, folder=keys)
    curve = ("-name", "prime256v1", "-noout", "-out", "accounts.key")
    call("openssl", "ecparam", "-genkey", *curve, folder=keys)
    call("openssl", "ec", "-in", "accounts.key", "-pubout", "-out", "accounts.pub", folder=keys)
    addresses = ["127.0.0.1", layout.node_ip, layout.api_ip]
    names = [f"DNS:{host}" for host in _HOSTS] + [f"IP:{address}" for address in addresses]
    _certificate(keys, "apiserver", "/CN=kube-apiserver", names)
    _certificate(keys, "admin", "/O=system:masters/CN=admin", ["DNS:admin"])
    subject = f"/O=system:nodes/CN=system:node:{NODE}"
    _certificate(keys, "kubelet", subject, [f"DNS:{NODE}", f"IP:{layout.node_ip}"])
    for user in ("admin", "kubelet"):
        path = layout.state / f"{user}.kubeconfig"
        path.write_text(json.dumps(_kubeconfig(layout, user)), encoding="utf-8")


def _certificate(keys: Path, name: str, subject: str, names: list[str]) -> None:
    (keys / "names").write_text(f"subjectAltName={','.join(names)}\n", encoding="ascii")
    request: tuple[Word, ...] = ("-keyout", f"{name}.key", "-out", "request", "-subj", subject)
    call("openssl", "req", *_KEY, *request, folder=keys)
    signer: tuple[Word, ...] = ("-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial")
    ends: tuple[Word, ...] = ("-out", f"{name}.crt", "-days", DAYS, "-extfile", "names")
    call("openssl", "x509", "-req", "-in", "request", *signer, *ends, folder=keys)


def _kubeconfig(layout: Layout, user: str) -> dict[str, Any]:
    def data(name: str) -> str:
        return base64.b64encode((layout.keys / name).read_bytes()).decode()

    server = {
        "server": f"https://{layout.node_ip}:6443",
        "certificate-authority-data": data("ca.crt"),
    }
    login = {
        "client-certificate-data": data(f"{user}.crt"),
        "client-key-data": data(f"{user}.key"),
    }
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "rig",
        "clusters": [{"name": "rig", "cluster": server}],
        "users": [{"name": user, "user": login}],
        "contexts": [{"name": "rig", "context": {"cluster": "rig", "user": user}}],
    }
