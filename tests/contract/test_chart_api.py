"""The chart and a project at a real API server: what is taken, what it lets whom do, what stays."""

import base64
import json

import pytest
import yaml

from chartly.names import API_VERSION
from cluster.build import CLUSTER
from cluster.layout import ROOT
from support.clickhouse_access import User
from support.clickhouse_process import clickhouse
from support.cluster import api_server
from support.command import chartly
from support.custom_resources import PLURALS, await_kinds

CHART = ROOT / "charts" / "chartly"
SYSTEM, SALES = "chartly-system", "tenant-demo-proj-sales"
SECRETS = ("chartly-store", "chartly-analyst")
ADMIN = "canary-admin-71aa"
OPERATOR = f"system:serviceaccount:{SYSTEM}:chartly"
TRIAL = ("--set", "clickhouse.install=true")


@pytest.fixture(scope="module")
def rig():
    with api_server() as found:
        yield found


@pytest.fixture(scope="module")
def installed(rig):
    """The chart with a trial's store; there is no node, so nothing of it runs."""
    rig.helm("install", "chartly", CHART, "-n", SYSTEM, "--create-namespace", *TRIAL)
    await_kinds(rig, API_VERSION, PLURALS)
    return rig


@pytest.fixture
def kubectl(rig, tmp_path, monkeypatch):
    """The rig's kubectl and context, where the command line looks for them."""
    program = tmp_path / "bin" / "kubectl"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {CLUSTER} kubectl "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    monkeypatch.setenv("KUBECONFIG", str(rig.kubeconfig))
    monkeypatch.setenv("STORE_PASSWORD", ADMIN)


def may(rig, who, verb, what, namespace=SALES, name=""):
    """What the server's authorizer says; ``what`` is ``resource[.group][/subresource]``."""
    whole, _, subresource = what.partition("/")
    resource, _, group = whole.partition(".")
    asked = {"verb": verb, "resource": resource, "group": group, "subresource": subresource}
    where = {"namespace": "" if resource == "namespaces" else namespace, "name": name}
    groups = ["system:serviceaccounts"] if ":" in who else []
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {"user": who, "groups": groups, "resourceAttributes": {**asked, **where}},
    }
    answer = rig.kubectl("create", "-f", "-", "-o", "json", text=json.dumps(review))
    return json.loads(answer)["status"]["allowed"]


def secret(rig, name, namespace):
    data = rig.get("secret", name, namespace)["data"]
    return {key: base64.b64decode(value).decode() for key, value in data.items()}


def create(folder, *options):
    return chartly(folder, "project", "create", "tenant-demo/proj-sales", *options)


def test_a_project_is_made_taken_up_and_kept(installed, kubectl, tmp_path):
    """Every document passes the server's own checks; a second time, too."""
    password = secret(installed, "chartly-clickhouse", SYSTEM)["password"]
    with clickhouse(tmp_path / "clickhouse", [User("chartly_admin", password)]) as store:
        options = ("--chart", SYSTEM, "--store-via", store.url, "--apply")
        first = create(tmp_path, *options)
        assert first.code == 0, first
        before = {one: secret(installed, one, SALES) for one in SECRETS}
        again = create(tmp_path, *options)
        assert again.code == 0, again
    labels = installed.get("namespace", SALES)["metadata"]["labels"]
    assert labels["chartly.io/tenant"] == "tenant-demo"
    assert labels["chartly.io/project"] == "proj-sales"
    assert before["chartly-store"]["url"] == f"http://chartly-clickhouse.{SYSTEM}.svc:8123"
    assert {one: secret(installed, one, SALES) for one in before} == before
    shown = first.out + first.err + again.out + again.err
    assert [one["password"] for one in before.values() if one["password"] in shown] == []
    assert password not in shown


def test_what_is_printed_is_what_kubectl_takes(installed, tmp_path):
    options = ("--store-url", "https://10.0.0.9", "--grant-cidr", "10.20.0.0/16")
    printed = chartly(tmp_path, "project", "create", "tenant-demo/printed", *options).out
    documents = list(yaml.safe_load_all(printed))
    installed.kubectl("apply", "--server-side", "-f", "-", text=json.dumps(documents[0]))
    taken = installed.kubectl(
        "apply", "--dry-run=server", "--validate=strict", "-f", "-", text=printed
    )
    assert len(taken.splitlines()) == len(documents)
    installed.kubectl("delete", "namespace", "tenant-demo-printed", "--wait=false")


def test_the_operator_may_do_its_work_and_read_no_secret(installed):
    """INV-6."""
    for verb, what in (
        ("watch", "workflowruns.chartly.io"),
        ("patch", "workflowruns.chartly.io/status"),
        ("delete", "workflowruns.chartly.io"),
        ("create", "jobs.batch"),
        ("create", "configmaps"),
        ("create", "events.events.k8s.io"),
        ("list", "namespaces"),
    ):
        assert may(installed, OPERATOR, verb, what), (verb, what)
    for verb, what in (
        ("get", "secrets"),
        ("list", "secrets"),
        ("patch", "workflowruns.chartly.io"),
        ("delete", "profiles.chartly.io"),
        ("create", "pods"),
        ("create", "pods/exec"),
        ("create", "rolebindings.rbac.authorization.k8s.io"),
        ("patch", "namespaces"),
        ("create", "leases.coordination.k8s.io"),
    ):
        assert not may(installed, OPERATOR, verb, what), (verb, what)
    assert may(installed, OPERATOR, "create", "leases.coordination.k8s.io", SYSTEM)


def test_who_may_edit_a_namespace_may_make_runs_and_who_may_view_may_not(installed):
    for name, level in (("vera", "view"), ("edith", "edit"), ("adam", "admin")):
        installed.kubectl("create", "rolebinding", name, f"--clusterrole={level}", f"--user={name}")
        assert may(installed, name, "list", "workflowruns.chartly.io", "default")
        writes = may(installed, name, "create", "workflowruns.chartly.io", "default")
        assert writes is (level != "view")
        assert not may(installed, name, "patch", "workflowruns.chartly.io/status", "default")


def test_every_pod_is_let_into_a_restricted_namespace(installed):
    installed.apply({
        "apiVersion": "v1", "kind": "Namespace",
        "metadata": {"name": "strict", "labels": {"pod-security.kubernetes.io/enforce": "restricted"}},
    })  # fmt: skip
    text = installed.helm("template", "chartly", CHART, "-n", SYSTEM, *TRIAL)
    specs = [
        one["spec"] if one["kind"] == "Pod" else one["spec"]["template"]["spec"]
        for one in yaml.safe_load_all(text)
        if one and (one["kind"] == "Pod" or "template" in one.get("spec", {}))
    ]
    assert len(specs) == 3
    for number, spec in enumerate(specs):
        spec.pop("serviceAccountName", None)
        for one in spec["containers"]:  # the claim of a StatefulSet is made for it
            known = {volume["name"] for volume in spec["volumes"]} if "volumes" in spec else set()
            one["volumeMounts"] = [
                mount for mount in one.get("volumeMounts", ()) if mount["name"] in known
            ]
        pod = {"apiVersion": "v1", "kind": "Pod", "spec": spec,
               "metadata": {"name": f"pod-{number}", "namespace": "strict"}}  # fmt: skip
        said = installed.kubectl("create", "--dry-run=server", "-f", "-", text=json.dumps(pod))
        assert "created" in said


def test_an_upgrade_keeps_the_trial_s_password(installed):
    before = secret(installed, "chartly-clickhouse", SYSTEM)
    installed.helm(
        "upgrade", "chartly", CHART, "-n", SYSTEM, *TRIAL, "--set", "operator.replicas=3"
    )
    assert secret(installed, "chartly-clickhouse", SYSTEM) == before
    assert installed.get("deployment", "chartly-operator", SYSTEM)["spec"]["replicas"] == 3


def test_a_second_release_in_its_own_namespaces_writes_nowhere_else(installed):
    """INV-8: the namespaced mode, at the server's own authorizer."""
    installed.kubectl("create", "namespace", "team-a")
    installed.helm(
        "install", "team", CHART, "-n", "team-system", "--create-namespace",
        "--set", "watchNamespaces={team-a}", "--set", "crds.install=false",
        "--set", "globalNamespace.create=false",
    )  # fmt: skip
    who = "system:serviceaccount:team-system:team-chartly"
    for namespace, allowed in (("team-a", True), ("chartly-global", True), ("default", False)):
        assert may(installed, who, "create", "jobs.batch", namespace) is allowed
        assert may(installed, who, "list", "workflows.chartly.io", namespace) is allowed
    assert not may(installed, who, "list", "namespaces")
    assert may(installed, who, "get", "namespaces", name="team-a")
    assert not may(installed, who, "get", "namespaces", name="default")


@pytest.fixture
def removed(rig):
    """The chart installed by itself and removed again, in a cluster of its own."""
    with api_server() as other:
        other.helm("install", "chartly", CHART, "-n", SYSTEM, "--create-namespace", *TRIAL)
        other.helm("uninstall", "chartly", "-n", SYSTEM)
        yield other


def test_removal_keeps_what_users_made(removed):
    """Definitions, and so every object; the shared namespace; the store's password."""
    assert removed.get("crd", "profiles.chartly.io")["spec"]["group"] == "chartly.io"
    assert removed.get("namespace", "chartly-global")["status"]["phase"] == "Active"
    assert secret(removed, "chartly-clickhouse", SYSTEM)["password"]
    left = json.loads(removed.kubectl("get", "deployments,services", "-n", SYSTEM, "-o", "json"))
    assert left["items"] == []
    # Installed anew, it takes up what was kept.
    removed.helm("install", "chartly", CHART, "-n", SYSTEM, *TRIAL)
