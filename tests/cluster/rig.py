"""A rig as tests use it."""

import json
import os
from contextlib import AbstractContextManager
from functools import cached_property
from pathlib import Path
from typing import Any

from cluster.build import CLUSTER, ensure_built
from cluster.client import Client
from cluster.commands import Word, call
from cluster.images import Image, load_archive, load_image
from cluster.layout import BIN, Layout
from cluster.network import set_name
from cluster.processes import (
    component_process,
    container_process,
    first_process,
    held_down,
    kill_component,
)
from cluster.waiting import wait_for


class Rig:
    """One cluster that runs."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout

    @classmethod
    def found(cls, index: int) -> "Rig | None":
        """The rig of that number, when it runs."""
        layout = Layout(index)
        return cls(layout) if first_process(layout) else None

    @property
    def kubeconfig(self) -> Path:
        """The administrator's."""
        return self.layout.kubeconfig

    @property
    def host_ip(self) -> str:
        """Where Pods reach this host, and so where test servers listen."""
        return self.layout.host_ip

    @cached_property
    def client(self) -> Client:
        """Calls of the API without a library."""
        return Client(self.layout)

    def kubectl(self, *words: Word, text: str | None = None) -> str:
        """What ``kubectl <words>`` prints.

        Raises:
            RuntimeError: it failed; the message holds what it said.
        """
        files = (f"--kubeconfig={self.kubeconfig}", f"--cache-dir={self.layout.state}/kubectl")
        return call(CLUSTER, "kubectl", *files, *words, text=text)

    def helm(self, *words: Word) -> str:
        """What ``helm <words>`` prints; errors as of ``kubectl``."""
        ensure_built("helm")
        homes = [f"HELM_{one}_HOME={self.layout.state}/helm" for one in ("CACHE", "CONFIG", "DATA")]
        return call("env", *homes, BIN / "helm", f"--kubeconfig={self.kubeconfig}", *words)

    def apply(self, *documents: object, namespace: str = "default") -> str:
        """``kubectl apply`` of the documents."""
        items = {"apiVersion": "v1", "kind": "List", "items": documents}
        return self.kubectl("apply", "-n", namespace, "-f", "-", text=json.dumps(items))

    def get(self, kind: str, name: str, namespace: str = "default") -> Any:
        """The object as it is now."""
        return json.loads(self.kubectl("get", kind, name, "-n", namespace, "-o", "json"))

    def writes(self) -> list[dict[str, Any]]:
        """Every write that the API server answered, in order, of a rig that was started with audit.

        A write is in it before the caller has the answer.
        """
        lines = self.layout.audit_log.read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines]

    def set_name(self, host: str, address: str | None) -> None:
        """Lets Pods resolve ``host`` within about a second; without an address no longer."""
        set_name(self.layout, host, address)

    def load(self, image: Image | Path) -> None:
        """Brings an image, or an archive that ``docker save`` wrote, onto the node."""
        if isinstance(image, Path):
            load_archive(self.layout, image)
        else:
            load_image(self.layout, image)

    def process(self, component: str) -> int | None:
        """The process of a part such as ``kube-apiserver``; None while there is none."""
        return component_process(self.layout, component)

    def kill(self, component: str) -> None:
        """SIGKILLs a part, which starts again after a second."""
        kill_component(self.layout, component)

    def held_down(self, component: str) -> AbstractContextManager[None]:
        """SIGKILLs a part and lets it start again at the context's end."""
        return held_down(self.layout, component)

    def wait_until_ready(self) -> None:
        """Returns once the API server answers, for example after it was killed."""
        wait_for("the API server", self.client.ready)

    def container_process(self, pod: str, container: str, namespace: str = "default") -> int:
        """Process 1 of a container that runs.

        Raises:
            LookupError: it does not run.
        """
        status = self.get("pod", pod, namespace)["status"]
        for one in status.get("containerStatuses", []):
            if one["name"] == container and (found := container_process(one["containerID"])):
                return found
        raise LookupError(f"pod {namespace}/{pod}: container {container} does not run")

    def signal_container(
        self, pod: str, container: str, number: int, namespace: str = "default"
    ) -> None:
        """Sends a signal to process 1 of a container; errors as of ``container_process``."""
        os.kill(self.container_process(pod, container, namespace), number)
