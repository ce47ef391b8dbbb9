"""What a rig has when it is ready to be used."""

import string
from typing import Any

from cluster.client import Client, RefusedError
from cluster.components import component_commands
from cluster.images import COREDNS, PAUSE, program_image
from cluster.layout import HERE
from cluster.options import Form, Options
from cluster.processes import first_process
from cluster.rig import Rig
from cluster.waiting import wait_for

_ACCOUNT = "/api/v1/namespaces/default/serviceaccounts/default"


def wait_until_ready(rig: Rig, options: Options) -> None:
    """Returns once Pods can run, names resolve and the namespace ``default`` can be used.

    Raises:
        TimeoutError: something did not come up; the rig's logs say why.
        RuntimeError: the rig ended.
    """

    def answers() -> bool:
        if first_process(rig.layout) is None:
            raise RuntimeError(f"the rig ended while it started (see {rig.layout.logs})")
        return rig.client.ready()

    wait_for(f"the API server (see {rig.layout.logs})", answers)
    parts = component_commands(rig.layout, options)
    wait_for(f"every part (see {rig.layout.logs})", lambda: all(map(rig.process, parts)))
    if options.form is Form.FAKE:
        for number in range(options.fake_nodes):
            rig.client.call("POST", "/api/v1/nodes", _fake_node(number))
    if options.form is Form.KUBELET:
        _add_dns(rig)
    wait_for("ready nodes", lambda: _ready_nodes(rig.client) == options.nodes)
    wait_for("the ServiceAccount of Pods", lambda: _exists(rig.client, _ACCOUNT))
    if options.form is Form.KUBELET:
        rig.kubectl("-n=kube-system", "rollout", "status", "deployment/coredns", "--timeout=120s")


def _add_dns(rig: Rig) -> None:
    wait_for(f"containerd (see {rig.layout.logs})", rig.layout.containerd.exists)
    rig.load(program_image(PAUSE, "pause"))
    rig.load(program_image(COREDNS, "coredns"))
    template = string.Template((HERE / "coredns.yaml").read_text(encoding="utf-8"))
    folder = rig.layout.names.parent
    text = template.substitute(image=COREDNS, dns_ip=rig.layout.dns_ip, names=folder)
    rig.kubectl("apply", "-f", "-", text=text)


def _fake_node(number: int) -> dict[str, Any]:
    size = {"cpu": "1000", "memory": "1Ti", "pods": "1000"}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": f"fake{number}"},
        "status": {"allocatable": size, "capacity": size},
    }


def _ready_nodes(client: Client) -> int:
    nodes = client.call("GET", "/api/v1/nodes")["items"]
    conditions = [one for node in nodes for one in node["status"].get("conditions", [])]
    return sum(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


def _exists(client: Client, path: str) -> bool:
    try:
        client.text("GET", path)
    except RefusedError:
        return False
    return True
