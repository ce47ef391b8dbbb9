"""What a rig needs of the machine: whether it can be had here, and getting it."""

import os
import platform
import shutil
import sys

from cluster.build import ensure_built, unbuilt
from cluster.options import Form
from cluster.packages import FOR_AN_API, NEEDED, ensure_packages, missing

_PROGRAMS = {
    Form.API: ("cluster",),
    Form.FAKE: ("cluster", "kwok"),
    Form.KUBELET: ("cluster", "pause", "coredns"),
}
_PACKAGES = {Form.API: FOR_AN_API, Form.FAKE: FOR_AN_API, Form.KUBELET: tuple(NEEDED)}


def obstacle(form: Form) -> str | None:
    """One clause that says why this machine cannot have a rig, or None when it can."""
    if sys.platform != "linux" or platform.machine() not in ("x86_64", "aarch64"):
        return "a rig needs Linux on x86-64 or arm64"
    if os.geteuid() != 0:
        return "a rig needs root, for namespaces of its own"
    if unbuilt(_PROGRAMS[form]) and shutil.which("go") is None:
        return "a rig is built with Go, which is not on this machine"
    absent = missing(_PACKAGES[form])
    if absent and shutil.which("apt-get") is None:
        return f"a rig needs {', '.join(absent)}, and there is no apt-get to install them"
    return None


def prepare(form: Form) -> None:
    """Installs and builds what the form needs and this machine lacks.

    Raises:
        RuntimeError: this machine cannot have a rig, or a build failed.
    """
    if reason := obstacle(form):
        raise RuntimeError(reason)
    ensure_packages(_PACKAGES[form])
    ensure_built(*_PROGRAMS[form])
