"""The Go programs of a rig, built once for each version of their sources."""

import hashlib
import json
import os
import shutil
import sys
import time

from cluster.commands import Word, show
from cluster.layout import BIN, CACHE, HERE
from cluster.locks import locked

KUBERNETES = "1.35.4"
SOURCES = HERE / "node"
CLUSTER = BIN / "cluster"
"""One program that is etcd, every part of Kubernetes, and kubectl."""
MODULES = {
    "helm": "helm.sh/helm/v4/cmd/helm@v4.3.1",
    "coredns": "github.com/coredns/coredns@v1.15.0",
    "kwok": "sigs.k8s.io/kwok/cmd/kwok@v0.8.0",
    "kubeconform": "github.com/yannh/kubeconform/cmd/kubeconform@v0.7.0",
}
PROGRAMS = ("cluster", "pause", *MODULES)
_KUBECTL = BIN / "kubectl"
_RECORD = BIN / "built.json"


def unbuilt(names: tuple[str, ...] = PROGRAMS) -> list[str]:
    """The programs among ``names`` that are not there in the version that is asked for."""
    built = _built()
    return [name for name in names if not (BIN / name).exists() or built.get(name) != _key(name)]


def ensure_built(*names: str) -> None:
    """Builds what is not built: minutes the first time, nothing after.

    Raises:
        RuntimeError: the Go toolchain failed.
    """
    if not unbuilt(names):
        return
    BIN.mkdir(parents=True, exist_ok=True)
    with locked(CACHE / "build.lock"):
        for name in unbuilt(names):
            begin = time.monotonic()
            _build(name)
            _RECORD.write_text(json.dumps(_built() | {name: _key(name)}), encoding="utf-8")
            print(f"{name}: built in {time.monotonic() - begin:.0f} s", file=sys.stderr)


def _built() -> dict[str, str]:
    if not _RECORD.exists():
        return {}
    record: dict[str, str] = json.loads(_RECORD.read_text(encoding="utf-8"))
    return record


def _key(name: str) -> str:
    if name in MODULES:
        return MODULES[name]
    files = {"cluster": ("go.mod", "go.sum", "main.go"), "pause": ("pause/main.go",)}[name]
    digest = hashlib.sha256(KUBERNETES.encode())
    for file in files:
        digest.update((SOURCES / file).read_bytes())
    return digest.hexdigest()


def _build(name: str) -> None:
    if (go := shutil.which("go")) is None:
        raise RuntimeError(f"{name}: building it needs Go, which is not on this machine")
    env = os.environ | {"CGO_ENABLED": "0", "GOBIN": str(BIN)}
    if name in MODULES:
        show(go, "install", "-ldflags", "-s -w", MODULES[name], folder=CACHE, env=env)
        return
    show(go, "build", "-trimpath", *_flags(name), folder=SOURCES, env=env)
    if name == "cluster":
        _KUBECTL.write_text(f'#!/bin/sh\nexec "{CLUSTER}" kubectl "$@"\n', encoding="utf-8")
        _KUBECTL.chmod(0o755)


def _flags(name: str) -> list[Word]:
    if name == "pause":
        return ["-ldflags", "-s -w", "-o", BIN / name, "./pause"]
    major, minor, _ = KUBERNETES.split(".")
    values = {"gitVersion": f"v{KUBERNETES}", "gitMajor": major, "gitMinor": minor}
    stamps = " ".join(f"-X k8s.io/component-base/version.{k}={v}" for k, v in values.items())
    return ["-ldflags", f"-s -w {stamps}", "-o", BIN / name, "."]
