"""The rig itself: what the tests that stand on it take for granted."""

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cluster import machine
from cluster.__main__ import main
from cluster.claims import FOR_APIS, FOR_COMMANDS, claim
from cluster.client import RefusedError
from cluster.layout import BIN, HERE, RIGS, Layout
from cluster.netpol import World, ruleset
from cluster.network import taken
from cluster.options import Form
from cluster.processes import outer_process
from cluster.waiting import wait_for, wait_for_end
from support.cluster import api_server, need_machine
from support.custom_resources import await_kinds

pytestmark = pytest.mark.timeout(900)  # the first test builds the programs where none are built
APPLY = "application/apply-patch+yaml"
MAPS = "/api/v1/namespaces/default/configmaps"
SPEC = {
    "type": "object",
    "properties": {"size": {"type": "integer"}},
    "x-kubernetes-validations": [
        {"rule": "self.size <= 9", "message": "spec.size is 9 at most"},
        {"rule": "self == oldSelf", "message": "spec does not change"},
    ],
}


@pytest.fixture(scope="module")
def rig():
    with api_server(audit="Metadata") as found:
        yield found


def crd(spec):
    schema = {"type": "object", "properties": {"spec": spec}}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    names = {"plural": "widgets", "singular": "widget", "kind": "Widget"}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "widgets.rig.test"},
        "spec": {"group": "rig.test", "scope": "Namespaced", "names": names, "versions": [version]},
    }


def widget(size):
    return {
        "apiVersion": "rig.test/v1",
        "kind": "Widget",
        "metadata": {"name": "one"},
        "spec": {"size": size},
    }


def test_rules_of_a_schema_are_enforced(rig):
    rig.apply(crd(SPEC))
    await_kinds(rig, "rig.test/v1", ["Widget"])
    with pytest.raises(RuntimeError, match="spec.size is 9 at most"):
        rig.apply(widget(10))
    rig.apply(widget(9))
    with pytest.raises(RuntimeError, match="spec does not change"):
        rig.apply(widget(8))


def test_server_side_apply_guards_the_fields_of_others(rig):
    def applied(manager, word):
        document = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "owned"},
            "data": {"word": word},
        }
        return rig.client.call("PATCH", f"{MAPS}/owned?fieldManager={manager}", document, APPLY)

    first = applied("one", "a")
    assert (
        applied("one", "a")["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]
    )
    with pytest.raises(RefusedError, match="conflict") as refused:
        applied("two", "b")
    assert refused.value.status == 409


def test_the_history_of_writes_is_kept(rig):
    rig.kubectl("create", "configmap", "written")
    rig.kubectl("delete", "configmap", "written")
    mine = [one for one in rig.writes() if one["objectRef"].get("name") == "written"]
    verbs = [(one["verb"], one["responseStatus"]["code"]) for one in mine]
    assert verbs == [("create", 201), ("delete", 200)]
    assert {one["verb"] for one in rig.writes()} & {"get", "list", "watch"} == set()


def test_a_part_that_is_killed_comes_again(rig):
    before = rig.process("kube-apiserver")
    rig.kill("kube-apiserver")
    assert not rig.client.ready()
    rig.wait_until_ready()
    assert rig.process("kube-apiserver") not in (before, None)


def test_a_part_that_is_held_down_stays_down(rig):
    with rig.held_down("kube-scheduler"):
        rig.kill("kube-controller-manager")
        wait_for("the later one", lambda: rig.process("kube-controller-manager") is not None)
        assert rig.process("kube-scheduler") is None
    assert rig.process("kube-scheduler") is not None


def test_two_rigs_share_nothing(rig):
    rig.kubectl("create", "configmap", "mine")
    with api_server() as other:
        assert other.layout.index != rig.layout.index
        with pytest.raises(RuntimeError, match="not found"):
            other.get("configmap", "mine")
        layout, first = other.layout, other.process("etcd")
    assert not layout.state.exists()
    assert not Path(f"/proc/{first}").exists()
    assert not Path("/sys/class/net", layout.link).exists()
    assert rig.get("configmap", "mine")["metadata"]["name"] == "mine"


OWNER = """
from support.cluster import api_server
with api_server() as rig:
    print(rig.layout.index, rig.process("etcd"), flush=True)
    input()
"""


def test_a_rig_ends_with_a_test_process_that_is_killed(rig):
    """And what it could not remove is removed by who takes its number next."""
    env = os.environ | {"PYTHONPATH": str(HERE.parent)}
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER],
        env=env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with owner:
        index, etcd = map(int, owner.stdout.readline().split())
        outer = outer_process(Layout(index))
        owner.send_signal(signal.SIGKILL)
    wait_for_end(etcd)
    wait_for_end(outer)
    assert Layout(index).state.exists()
    taken = claim(number for number in FOR_APIS if number == index)
    taken.lock.close()
    assert not Layout(index).state.exists()


def test_the_command_line_has_a_rig_that_outlives_it(capfd):
    def said(*words):
        with contextlib.suppress(SystemExit):
            main(["--index", str(FOR_COMMANDS), *words])
        return capfd.readouterr().out

    try:
        lines = said("up", "--api", "--set=etcd=--log-level=error")
        kubeconfig = Layout(FOR_COMMANDS).kubeconfig
        assert lines.splitlines() == [f"export KUBECONFIG={kubeconfig}", f"export PATH={BIN}:$PATH"]
        assert said("kubeconfig") == f"{kubeconfig}\n"
        assert "kube-apiserver" in said("status")
        said("name", "api.example.test", "192.0.2.1")
        assert Layout(FOR_COMMANDS).names.read_text() == "192.0.2.1 api.example.test\n"
        command = [BIN / "kubectl", f"--kubeconfig={kubeconfig}", "get", "--raw=/readyz"]
        assert subprocess.run(command, capture_output=True, check=True).stdout == b"ok"
    finally:
        assert said("down") == "ended\n"
    assert said("down") == "there was none\n"
    assert not Layout(FOR_COMMANDS).state.exists()


def test_addresses_that_the_host_uses_are_left_alone(tmp_path):
    layout, resolvers = Layout(20), tmp_path / "resolv.conf"
    resolvers.write_text("nameserver fe80::1%eth0\nnameserver 10.220.3.4\n")
    assert taken(layout, resolvers)
    resolvers.write_text("search example.test\nnameserver 10.221.3.4\n")
    assert not taken(layout, resolvers)


@pytest.mark.parametrize("index", [-1, RIGS])
def test_a_number_without_addresses_is_refused(index):
    with pytest.raises(ValueError, match=f"rig {index}: numbers are 0 to {RIGS - 1}"):
        claim([index])


def test_a_flag_for_a_part_that_is_not_there_is_told():
    with (
        pytest.raises(ValueError, match="flag kwok=--x: kwok is not one of etcd, kube-apiserver"),
        api_server(flags=["kwok=--x"]),
    ):
        pass


@pytest.mark.parametrize(
    ("part", "answer", "reason"),
    [
        ("sys.platform", "darwin", "needs Linux"),
        ("platform.machine", lambda: "riscv64", "needs Linux on x86-64 or arm64"),
        ("os.geteuid", lambda: 1000, "needs root"),
        ("missing", lambda names: ["runc"], "needs runc, and there is no apt-get"),
    ],
)
def test_a_machine_that_cannot_have_a_rig_is_told_why(monkeypatch, part, answer, reason):
    monkeypatch.setattr(f"cluster.machine.{part}", answer)
    monkeypatch.setattr(machine.shutil, "which", lambda program, path=None: None)
    monkeypatch.setattr(machine, "unbuilt", lambda names: [])
    assert reason in machine.obstacle(Form.KUBELET)


@pytest.mark.parametrize(
    ("ci", "outcome", "because"),
    [
        ("true", pytest.fail.Exception, "on CI nothing is skipped"),
        ("", pytest.skip.Exception, "elsewhere one line says what is missing"),
    ],
)
def test_a_machine_without_go_is_told(monkeypatch, ci, outcome, because):
    monkeypatch.setenv("CI", ci)
    monkeypatch.setattr(machine, "unbuilt", lambda names: ["cluster"])
    monkeypatch.setattr(machine.shutil, "which", lambda program, path=None: None)
    with pytest.raises(outcome, match="Go, which is not on this machine"):
        need_machine(Form.API)


def pod(name, address, labels, port=()):
    return {
        "metadata": {"name": name, "namespace": "default", "labels": labels},
        "spec": {"containers": [{"ports": list(port)}]},
        "status": {"podIP": address},
    }


@pytest.mark.parametrize(
    ("rule", "lines", "because"),
    [
        ({}, ["ip daddr 0.0.0.0/0  return"], "an empty rule allows all"),
        (
            {"to": [{"ipBlock": {"cidr": "192.0.2.0/30", "except": ["192.0.2.0/31"]}}]},
            ["ip daddr 192.0.2.2/31  return"],
            "an exception is cut out",
        ),
        (
            {"to": [{"podSelector": {"matchLabels": {"app": "b"}}}], "ports": [{"port": "web"}]},
            ["ip daddr 10.0.0.2 tcp dport 80 return"],
            "a port's name is the target's",
        ),
        (
            {"to": [{"podSelector": {"matchLabels": {"app": "c"}}}]},
            [],
            "a selector without a match allows nothing",
        ),
        (
            {"ports": [{"port": 1000, "endPort": 2000, "protocol": "UDP"}]},
            ["ip daddr 0.0.0.0/0 udp dport 1000-2000 return"],
            "ranges and protocols are kept",
        ),
        ({"to": [{"ipBlock": {"cidr": "2001:db8::/32"}}]}, [], "the rig has no IPv6"),
    ],
)
def test_a_policy_becomes_rules(rule, lines, because):
    spec = {
        "podSelector": {"matchLabels": {"app": "a"}},
        "policyTypes": ["Egress"],
        "egress": [rule],
    }
    policy = {"metadata": {"namespace": "default"}, "spec": spec}
    web = {"name": "web", "containerPort": 80, "protocol": "TCP"}
    pods = (pod("a", "10.0.0.1", {"app": "a"}), pod("b", "10.0.0.2", {"app": "b"}, [web]))
    text = ruleset(World(pods, (), (policy,)), "10.0.0.0/24").splitlines()
    begin = text.index("chain egress0 {")
    assert text[begin + 1 : text.index("}", begin)] == [*lines, "drop"], because
    assert "ip saddr vmap { 10.0.0.1 : jump egress0 }" in text
