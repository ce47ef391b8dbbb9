"""A root directory of the machine's own distribution with Python and pip in it, as a layer."""

import hashlib
import platform
import shutil
from pathlib import Path

from cluster.commands import call, show
from cluster.images import Image, Layer, cached_layer

PYTHON_BASE = "localhost/python:rig"
PIP_SETTINGS = Path("/etc/xdg/pip")
"""Where pip on Linux reads the settings of all users (XDG Base Directory Specification)."""
_PACKAGES = "python3,python3-pip,ca-certificates,tzdata"
_UNUSED = ("var/cache/apt", "var/lib/apt/lists", "usr/share/doc", "usr/share/man", "var/log")
_FIELDS = "$(REPO_URI) $(CODENAME) $(COMPONENT) $(ORIGIN)"


def base_layer() -> Layer:
    """The layer; a download of a minute or two the first time.

    Raises:
        RuntimeError: the mirror that apt uses cannot be read or reached.
    """
    release = platform.freedesktop_os_release()
    suite = release["VERSION_CODENAME"]
    key = hashlib.sha256(f"{suite} {platform.machine()} {_PACKAGES}".encode()).hexdigest()[:16]

    def fill(root: Path) -> None:
        include = f"--include={_PACKAGES}"
        show("debootstrap", "--variant=minbase", include, suite, root, _mirror(suite))
        for folder in _UNUSED:
            shutil.rmtree(root / folder)
            (root / folder).mkdir()
        # An image has one owner, so pip may install beside the distribution's packages.
        for mark in root.glob("usr/lib/python3*/EXTERNALLY-MANAGED"):
            mark.unlink()
        # Builds mount this host's settings of pip here; a folder that is there leaves no trace.
        (root / PIP_SETTINGS.relative_to("/")).mkdir(parents=True)

    return cached_layer(f"base-{key}", fill)


def python_base() -> Image:
    """An image of the layer alone, for tests that bring their code along."""
    return Image(PYTHON_BASE, (base_layer(),))


def base_python() -> str:
    """The version of the layer's Python, such as ``3.11``."""
    members = call("tar", "-tf", base_layer().path).split()
    found = [one for one in members if one.startswith("./usr/bin/python3.")]
    return found[0].removeprefix("./usr/bin/python")


def _mirror(suite: str) -> str:
    """Where this machine's own apt gets the packages of ``suite`` from."""
    lines = call("apt-get", "indextargets", f"--format={_FIELDS}", "Created-By: Packages")
    for line in lines.splitlines():
        address, codename, component, *_ = line.split()
        if (codename, component) == (suite, "main"):
            return address
    raise RuntimeError(f"apt's sources: no repository of {suite} main to make a root of")
