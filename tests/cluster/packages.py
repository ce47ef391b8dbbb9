"""The programs of the machine's own distribution that a node is made of."""

import os
import shutil
from pathlib import Path

from cluster.commands import show
from cluster.layout import CACHE
from cluster.locks import locked

CNI = Path("/usr/lib/cni")
NEEDED = {
    "containerd": "containerd",
    "runc": "runc",
    "containernetworking-plugins": str(CNI / "ptp"),
    "nftables": "nft",
    "iptables": "iptables",
    "conntrack": "conntrack",
    "iproute2": "ip",
    "util-linux": "nsenter",
    "procps": "sysctl",
    "openssl": "openssl",
    "debootstrap": "debootstrap",
    "buildah": "buildah",
}
"""Each package with the program that shows that it, or another that brings it, is there."""
FOR_AN_API = ("iproute2", "util-linux", "procps", "openssl")


def missing(names: tuple[str, ...] = tuple(NEEDED)) -> list[str]:
    """The packages among ``names`` whose program is not on this machine."""
    path = os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin"
    return [name for name in names if shutil.which(NEEDED[name], path=path) is None]


def ensure_packages(names: tuple[str, ...] = tuple(NEEDED)) -> None:
    """Installs what is missing with apt-get.

    Raises:
        RuntimeError: apt-get failed.
    """
    if not missing(names):
        return
    with locked(CACHE / "packages.lock"):
        if absent := missing(names):
            _apt("update")
            _apt("--no-install-recommends", "install", *absent)


def _apt(*words: str) -> None:
    """Calls apt-get, which waits for its turn when somebody else installs."""
    env = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    show("apt-get", "-o", "DPkg::Lock::Timeout=600", "--quiet", "--yes", *words, env=env)
