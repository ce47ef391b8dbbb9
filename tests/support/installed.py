"""Chartly as users install it: chart, images, store, a project, and the playbook's API as a Pod."""

import json
import os
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cluster.build import CLUSTER
from cluster.image_builds import PARTS, image_name, project_image
from cluster.rig import Rig
from support.api_pods import serve_api
from support.clickhouse_process import ADMIN, ClickHouse, Serving, clickhouse
from support.cluster import node_rig

ROOT = Path(__file__).parents[2]
SYSTEM = "chartly-system"
PROJECT = "tenant-demo/proj-sales"
SPACE = "tenant-demo-proj-sales"
STORE_HOST = "store.example.test"
TOKEN = "canary-e2e-7c1d9a"
"""The API's secret; after every test nothing but its Secret may hold it (INV-6)."""
_SECONDS = 120.0


@dataclass
class Installed:
    """A cluster with Chartly in it.

    Attributes:
        folder: profiles and workflows of the project, as kubectl takes them.
        authority: the CA of the API's certificate.
    """

    rig: Rig
    store: ClickHouse
    folder: Path
    authority: Path
    api: str = ""

    def kubectl(self, *words: str | Path, text: str | None = None) -> str:
        return self.rig.kubectl("-n", SPACE, *words, text=text)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """What the store holds, read as its administrator."""
        found = self.store.client().query(sql).result_rows
        return [tuple(map(_aware, row)) for row in found]

    def mood(self, **values: float) -> dict[str, float]:
        """Sets how the API answers, and tells how it does now."""
        query = "&".join(f"{name}={value}" for name, value in values.items())
        context = ssl.create_default_context(cafile=self.authority)
        context.check_hostname = False
        with urllib.request.urlopen(f"https://{self.api}/mood?{query}", context=context) as said:
            found: dict[str, float] = json.load(said)
        return found

    def start(self, name: str, **spec: object) -> str:
        """Creates a run of the playbook's workflow."""
        given = {"workflowRef": {"name": "sales-onboard"}, **spec}
        document = {
            "apiVersion": "chartly.io/v1alpha1",
            "kind": "WorkflowRun",
            "metadata": {"name": name, "namespace": SPACE},
            "spec": given,
        }
        self.kubectl("create", "-f", "-", text=json.dumps(document))
        return name

    def run(self, name: str) -> dict[str, Any]:
        return dict(self.rig.get("workflowrun", name, SPACE))

    def finished(self, name: str, seconds: int = 120) -> dict[str, Any]:
        """The run's status at its end."""
        condition = ("wait", "--for=condition=Finished", f"--timeout={seconds}s")
        self.kubectl(*condition, f"workflowrun/{name}")
        return dict(self.run(name)["status"])

    def cancel_all(self) -> None:
        """Ends every run that goes on."""
        for one in json.loads(self.kubectl("get", "workflowruns", "-o", "json"))["items"]:
            if "outcome" not in one.get("status", {}):
                name = one["metadata"]["name"]
                patch = '{"spec": {"control": {"cancel": "terminate"}}}'
                self.kubectl("patch", "workflowrun", name, "--type=merge", "-p", patch)
                self.finished(name)

    def pods(self, run: str) -> list[dict[str, Any]]:
        found = self.kubectl("get", "pods", "-l", f"chartly.io/run={run}", "-o", "json")
        return list(json.loads(found)["items"])

    def until(self, what: str, check: Callable[[], Any], seconds: float = _SECONDS) -> Any:
        """The first answer that is true.

        Raises:
            AssertionError: there was none in time.
        """
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            found = check()
            if found:
                return found
            time.sleep(0.2)
        raise AssertionError(f"{what}: not within {seconds:.0f} s")

    def operators(self) -> list[str]:
        """The operator's Pods."""
        words = ("get", "pods", "-l", "app.kubernetes.io/name=chartly", "-o", "name")
        found = self.rig.kubectl("-n", SYSTEM, *words)
        return [line.removeprefix("pod/") for line in found.split()]

    def leader(self) -> str:
        """The Pod that holds the Lease."""
        words = ("get", "lease", "-o", "jsonpath={.items[0].spec.holderIdentity}")
        return str(self.rig.kubectl("-n", SYSTEM, *words))

    def operator_logs(self) -> str:
        words = ("logs", "--tail=-1", "--prefix", "-l", "app.kubernetes.io/name=chartly")
        return self.rig.kubectl("-n", SYSTEM, *words)


def _aware(value: Any) -> Any:
    """Instants as the store's own adapters give them: with their zone."""
    naive = isinstance(value, datetime) and value.tzinfo is None
    return value.replace(tzinfo=UTC) if naive else value


@contextmanager
def installed(
    folder: Path, pages: Sequence[bytes], *, audit: str = "Metadata"
) -> Iterator[Installed]:
    """Chartly on a rig of its own, the playbook applied, its API answering with ``pages``."""
    with (
        node_rig(network_policy=True, audit=audit) as rig,
        clickhouse(folder / "store", (), Serving(rig.host_ip)) as store,
    ):
        for part in PARTS:
            rig.load(project_image(part))
        rig.set_name(STORE_HOST, rig.host_ip)
        found = Installed(rig, store, folder / "domain", folder / "ca.pem")
        _install_chart(rig)
        found.api = serve_api(rig, found.authority, pages, TOKEN)
        _create_project(found)
        yield found


def _install_chart(rig: Rig) -> None:
    images = [
        f"images.{part}.{name}={value}"
        for part in PARTS
        for name, value in (
            ("repository", image_name(part).split("/")[1].split(":")[0]),
            ("tag", "rig"),
        )
    ]
    values = [
        *images,
        "images.pullPolicy=Never",
        f"egress.grantableCidrs={{{rig.layout.services}}}",
    ]
    words = ["upgrade", "--install", "chartly", str(ROOT / "charts" / "chartly")]
    words += ["--namespace", SYSTEM, "--create-namespace", "--wait", "--timeout", "3m"]
    rig.helm(*words, *(word for value in values for word in ("--set", value)))


def _create_project(found: Installed) -> None:
    """What ``chartly project create`` makes, the store's users included."""
    rig, store = found.rig, found.store
    programs = found.folder.parent / "programs"
    programs.mkdir()
    kubectl = programs / "kubectl"
    kubectl.write_text(f'#!/bin/sh\nexec "{CLUSTER}" kubectl "$@"\n', encoding="utf-8")
    kubectl.chmod(0o755)
    command = [sys.executable, "-m", "chartly_cli", "project", "create", PROJECT, "--apply"]
    command += ["--store-url", f"http://{STORE_HOST}:{store.port}", "--store-via", store.url]
    command += ["--store-cidr", f"{rig.host_ip}/32", "--store-admin-user", ADMIN.name]
    command += ["--store-admin-password-env", "STORE_PASSWORD"]
    # A policy sees the addresses behind a Service; the connector sees the one that it asks.
    command += ["--cacert", str(found.authority), "--grant-cidr", rig.layout.services]
    command += ["--grant-cidr", rig.layout.pods]
    path = f"{programs}:{os.environ['PATH']}"
    environment = {**os.environ, "KUBECONFIG": str(rig.kubeconfig), "PATH": path}
    environment["STORE_PASSWORD"] = ADMIN.password
    subprocess.run(command, check=True, env=environment, timeout=60)
