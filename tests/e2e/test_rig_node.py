"""The rig's node: what the tests of Chartly in a cluster take for granted."""

import json
import signal
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from cluster.base_root import PYTHON_BASE, python_base
from cluster.waiting import wait_for
from support.cluster import fake_nodes, node_rig

pytestmark = pytest.mark.timeout(1800)  # the first test builds programs and images where none are
SAFE = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "readOnlyRootFilesystem": True,
}
STRICT = {
    "runAsNonRoot": True,
    "runAsUser": 65532,
    "runAsGroup": 65532,
    "fsGroup": 65532,
    "seccompProfile": {"type": "RuntimeDefault"},
}
NAMESPACE = "strict"
SLEEP = "import time; time.sleep(600)"


@pytest.fixture(scope="module")
def rig():
    with node_rig(network_policy=True) as found:
        found.load(python_base())
        labels = {"pod-security.kubernetes.io/enforce": "restricted"}
        found.apply(
            {
                "apiVersion": "v1",
                "kind": "Namespace",
                "metadata": {"name": NAMESPACE, "labels": labels},
            }
        )
        yield found
    cgroups = Path("/sys/fs/cgroup")
    assert [*cgroups.glob(found.layout.cgroup), *cgroups.glob(f"*/{found.layout.cgroup}")] == []
    assert not found.layout.state.exists()


def container(name, code, **more):
    spool = {"name": "spool", "mountPath": "/spool"}
    command = ["python3", "-I", "-u", "-c", code]
    return {
        "name": name,
        "image": PYTHON_BASE,
        "command": command,
        "securityContext": SAFE,
        "volumeMounts": [spool],
        **more,
    }


def job(name, *containers, labels=None):
    pod = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": 1,
        "securityContext": STRICT,
        "containers": list(containers),
        "volumes": [{"name": "spool", "emptyDir": {"sizeLimit": "16Mi"}}],
    }
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name},
        "spec": {
            "backoffLimit": 0,
            "template": {"metadata": {"labels": labels or {}}, "spec": pod},
        },
    }


def pod_of(rig, name):
    command = ("get", "pods", "-n", NAMESPACE, "-l", f"job-name={name}", "-o", "json")
    found = json.loads(rig.kubectl(*command))["items"]
    return found[0] if found else {"metadata": {"name": ""}, "status": {"phase": "Pending"}}


def ended(rig, name):
    """How each container of the Job's Pod ended, by name, once all did."""
    wait_for(name, lambda: pod_of(rig, name)["status"]["phase"] in ("Succeeded", "Failed"), 60)
    states = pod_of(rig, name)["status"]["containerStatuses"]
    return {one["name"]: one["state"]["terminated"] for one in states}


def test_two_restricted_containers_share_a_folder(rig):
    write = "open('/spool/new', 'w').write('43'); import os; os.rename('/spool/new', '/spool/page')"
    read = (
        "import os, pathlib, time\n"
        "page = pathlib.Path('/spool/page')\n"
        "while not page.exists(): time.sleep(0.01)\n"
        "pathlib.Path('/dev/termination-log').write_text(f'{page.read_text()} as {os.getuid()}')\n"
    )
    rig.apply(
        job("shared", container("writer", write), container("reader", read)), namespace=NAMESPACE
    )
    ends = ended(rig, "shared")
    assert ends["reader"]["message"] == "43 as 65532"
    assert [one["reason"] for one in ends.values()] == ["Completed", "Completed"]
    rig.kubectl("wait", "job/shared", "-n", NAMESPACE, "--for=condition=Complete", "--timeout=30s")


def test_a_loose_pod_is_refused(rig):
    loose = container("main", SLEEP) | {"securityContext": {}}
    spec = job("loose", loose)["spec"]["template"]["spec"]
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "loose"}, "spec": spec}
    with pytest.raises(RuntimeError, match='violates PodSecurity "restricted'):
        rig.apply(pod, namespace=NAMESPACE)


def test_a_container_over_its_memory_is_reported(rig):
    limits = {"limits": {"memory": "48Mi"}}
    greedy = container("main", "x = bytearray(512 << 20)", resources=limits)
    rig.apply(job("greedy", greedy), namespace=NAMESPACE)
    end = ended(rig, "greedy")["main"]
    assert (end["reason"], end["exitCode"]) == ("OOMKilled", 137)


def test_one_container_can_be_killed(rig):
    """And its Pod's other container lives until it ends by itself."""
    wait = "import os, time\nwhile not os.path.exists('/spool/go'): time.sleep(0.01)\n"
    rig.apply(
        job("killed", container("first", SLEEP), container("second", wait)), namespace=NAMESPACE
    )
    wait_for("running", lambda: pod_of(rig, "killed")["status"]["phase"] == "Running", 60)
    pod = pod_of(rig, "killed")["metadata"]["name"]
    rig.signal_container(pod, "first", signal.SIGKILL, NAMESPACE)

    def state(name):
        states = pod_of(rig, "killed")["status"]["containerStatuses"]
        return next(one["state"] for one in states if one["name"] == name)

    wait_for("the end of first", lambda: "terminated" in state("first"), 30)
    assert state("first")["terminated"]["exitCode"] == 137
    assert "running" in state("second")
    with pytest.raises(LookupError, match="container first does not run"):
        rig.container_process(pod, "first", NAMESPACE)
    rig.kubectl("exec", "-n", NAMESPACE, pod, "-c", "second", "--", "touch", "/spool/go")
    assert ended(rig, "killed")["second"]["exitCode"] == 0


class Hello(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()

    def log_message(self, *words):
        """Nothing: what a test prints is its failure."""


@pytest.fixture
def server(rig):
    """An HTTP server of this host's that Pods know as ``api.example.test``."""
    served = ThreadingHTTPServer((rig.host_ip, 0), Hello)
    thread = threading.Thread(target=served.serve_forever)
    thread.start()
    rig.set_name("api.example.test", rig.host_ip)
    yield served
    rig.set_name("api.example.test", None)
    served.shutdown()
    thread.join()
    served.server_close()


REACH = """
import pathlib, socket, time
def reaches(host, port):
    for _ in range(50):
        try:
            socket.create_connection((host, port), 4).close()
            return "yes"
        except socket.gaierror:
            time.sleep(0.1)
        except OSError:
            return "no"
    return "unknown"
said = [reaches("api.example.test", {port}), reaches("kubernetes.default.svc", 443), reaches("192.0.2.1", 80)]
pathlib.Path("/dev/termination-log").write_text(" ".join(said))
"""


def test_names_resolve_and_policies_hold(rig, server):
    port = server.server_port
    dns = {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}},
        "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}},
    }
    block = {"ipBlock": {"cidr": f"{rig.host_ip}/32"}}
    policy = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "bound"},
        "spec": {
            "podSelector": {"matchLabels": {"role": "bound"}},
            "policyTypes": ["Egress"],
            "egress": [
                {"to": [dns], "ports": [{"port": 53, "protocol": "UDP"}]},
                {"to": [block], "ports": [{"port": port}]},
            ],
        },
    }
    code = REACH.format(port=port)
    rig.apply(
        policy,
        job("bound", container("main", code), labels={"role": "bound"}),
        job("free", container("main", code)),
        namespace=NAMESPACE,
    )
    assert ended(rig, "bound")["main"]["message"] == "yes no no"
    assert ended(rig, "free")["main"]["message"] == "yes yes no"


def test_fake_nodes_complete_many_jobs():
    """With the default limits of 20 calls a second this alone would take 30 s."""
    names = [f"job-{number}" for number in range(100)]
    with fake_nodes(5) as rig:
        rig.apply(*(job(name, container("main", SLEEP)) for name in names))
        jobs = "/apis/batch/v1/namespaces/default/jobs?fieldSelector=status.successful=1"
        wait_for("all Jobs", lambda: len(rig.client.call("GET", jobs)["items"]) == len(names), 30)
