"""The chart, as it is rendered: names, Pods, fences, definitions, and what its test says."""

import importlib.util
import re
import tomllib

import pytest
import yaml

from chartly.names import MANAGED_BY, OURS
from cluster.layout import ROOT
from support.chart import (
    CHART,
    NAMESPACE,
    SETS,
    container,
    environment,
    helm,
    of_kind,
    operator,
    rendered,
    template,
    the,
)

CRDS = ROOT / "crds"


def pods(name):
    """Every Pod's spec, and Pods that others make."""
    for one in rendered(name):
        if one["kind"] == "Pod":
            yield one["metadata"]["name"], one["spec"]
        elif "template" in one.get("spec", {}):
            yield one["metadata"]["name"], one["spec"]["template"]["spec"]


@pytest.mark.parametrize("name", SETS)
def test_it_renders_without_a_word(name):
    assert rendered(name)
    options = [word for one in SETS[name] for word in ("--set", one)]
    done = helm("lint", "--strict", "--quiet", CHART, *options)
    assert done.returncode == 0, done.stdout + done.stderr


def test_any_release_name_gives_legal_names():
    done = template(release="a-release-with-a-name-that-is-as-long-as-helm-allows")
    names = [one["metadata"]["name"] for one in yaml.safe_load_all(done.stdout) if one]
    assert all(re.fullmatch(r"[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?", one) for one in names), names


def test_chart_and_project_have_one_version():
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert chart["version"] == chart["appVersion"] == project["version"]


def test_objects_stand_where_they_belong():
    outside = {"tenant-demo-a", "tenant-demo-b", "chartly-global"}
    for name in SETS:
        for one in rendered(name):
            place = one["metadata"].get("namespace")
            cluster_wide = one["kind"].startswith(("Cluster", "CustomResource")) or (
                one["kind"] == "Namespace"
            )
            assert (place is None) is cluster_wide, one["kind"]
            assert place in {None, NAMESPACE} or (
                one["kind"].startswith("Role") and place in outside
            )


@pytest.mark.parametrize("name", SETS)
def test_nothing_of_the_chart_is_taken_for_the_operator_s_own(name):
    """The operator watches, and sweeps, what carries its label."""
    for one in rendered(name):
        assert (one["metadata"].get("labels") or {}).get(MANAGED_BY) != OURS


# Pods


@pytest.mark.parametrize("name", SETS)
def test_every_pod_passes_the_restricted_standard(name):
    for title, spec in pods(name):
        assert spec["securityContext"]["runAsNonRoot"] is True, title
        assert spec["securityContext"]["runAsUser"] > 0
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys()
        assert not any("hostPath" in one for one in spec.get("volumes", ()))
        for one in (*spec["containers"], *spec.get("initContainers", ())):
            assert one["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }, title
            assert {"cpu", "memory"} <= one["resources"]["requests"].keys()
            assert "memory" in one["resources"]["limits"]


@pytest.mark.parametrize("name", SETS)
def test_a_token_is_only_where_it_is_used(name):
    using = {"chartly-operator", "chartly-test"}
    for title, spec in pods(name):
        assert spec["automountServiceAccountToken"] is (title in using), title


def test_the_operator_runs_as_nobody_with_two_replicas_apart():
    spec = operator()["spec"]
    assert spec["replicas"] == 2
    assert spec["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}
    pod = spec["template"]["spec"]
    assert pod["securityContext"]["runAsUser"] == 65532
    (spread,) = pod["topologySpreadConstraints"]
    assert spread["topologyKey"] == "kubernetes.io/hostname"
    assert spread["labelSelector"] == spec["selector"]
    labels = spec["template"]["metadata"]["labels"].items()
    assert spec["selector"]["matchLabels"].items() <= labels


def test_the_operator_is_asked_whether_it_lives_and_is_ready():
    one = container()
    paths = {
        probe: one[f"{probe}Probe"]["httpGet"] for probe in ("startup", "liveness", "readiness")
    }
    assert paths == {
        "startup": {"path": "/livez", "port": "http"},
        "liveness": {"path": "/livez", "port": "http"},
        "readiness": {"path": "/readyz", "port": "http"},
    }
    assert one["ports"] == [{"name": "http", "containerPort": 8080}]
    assert environment()["CHARTLY_LISTEN"] == "0.0.0.0:8080"
    service = the("default", "Service", "chartly-operator")["spec"]
    assert (
        service["selector"].items() <= operator()["spec"]["template"]["metadata"]["labels"].items()
    )


def test_a_budget_keeps_one_operator_where_there_are_two():
    budget = the("default", "PodDisruptionBudget", "chartly-operator")["spec"]
    assert budget["minAvailable"] == 1
    assert budget["selector"] == operator()["spec"]["selector"]
    # With one replica a budget would only keep nodes from being drained.
    assert of_kind("bare", "PodDisruptionBudget") == []


# Fences


def policy(name, title):
    return the(name, "NetworkPolicy", title)["spec"]


def test_the_operator_talks_to_names_and_the_api_server_and_is_read_only():
    found = policy("default", "chartly-operator")
    assert found["podSelector"] == operator()["spec"]["selector"]
    assert found["policyTypes"] == ["Ingress", "Egress"]
    assert found["ingress"] == [{"ports": [{"protocol": "TCP", "port": "http"}]}]
    names, server = found["egress"]
    assert {one["port"] for one in names["ports"]} == {53}
    assert "to" in names
    assert server == {"ports": [{"protocol": "TCP", "port": one} for one in (443, 6443)]}


def test_the_operator_can_be_fenced_in_further():
    found = policy("fenced", "chartly-operator")
    assert found["egress"][1]["to"] == [{"ipBlock": {"cidr": "10.0.0.1/32"}}]
    assert found["ingress"][0]["from"] == [{"namespaceSelector": {"matchLabels": {"a": "b"}}}]


def test_the_operator_s_fence_holds_nobody_else():
    """The policy of one component must not select another: the test Pod, or the store."""
    selector = policy("trial", "chartly-operator")["podSelector"]["matchLabels"].items()
    others = [
        the("trial", "Pod", "chartly-test"),
        the("trial", "StatefulSet", "chartly-clickhouse"),
    ]
    for one in others:
        labels = one["spec"].get("template", one)["metadata"]["labels"].items()
        assert not selector <= labels


def test_the_trial_s_store_is_open_to_runs_and_its_own_namespace():
    """INV-8: a Pod in a project that is not a run's gets no way to the store."""
    found = policy("trial", "chartly-clickhouse")
    stateful = the("trial", "StatefulSet", "chartly-clickhouse")["spec"]
    assert found["podSelector"] == stateful["selector"]
    assert found["egress"] == []
    own, runs = found["ingress"][0]["from"]
    assert own == {"podSelector": {}}
    assert runs["podSelector"] == {"matchLabels": {MANAGED_BY: OURS}}
    assert runs["namespaceSelector"]["matchExpressions"][0]["key"] == "chartly.io/project"


def test_the_trial_s_pod_and_disk_know_a_hash_only():
    """INV-6."""
    secret = the("trial", "Secret", "chartly-clickhouse")
    assert secret["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}
    (one,) = the("trial", "StatefulSet", "chartly-clickhouse")["spec"]["template"]["spec"][
        "containers"
    ]
    (variable,) = one["env"]
    assert variable["valueFrom"]["secretKeyRef"]["key"] == "password-sha256"
    users = the("trial", "ConfigMap", "chartly-clickhouse")["data"]["users.xml"]
    assert '<default remove="remove"/>' in users
    assert f'from_env="{variable["name"]}"' in users


def test_the_trial_s_passwords_are_not_alike():
    first, second = template(*SETS["trial"]).stdout, template(*SETS["trial"]).stdout
    assert re.search(r"password: (\S+)", first)[1] != re.search(r"password: (\S+)", second)[1]


def test_what_new_projects_are_told():
    told = the("trial", "ConfigMap", "chartly-project-defaults")["data"]
    assert told == {
        "store-url": "http://chartly-clickhouse.chartly-system.svc:8123",
        "store-admin-secret": "chartly-clickhouse",
        "grantable-cidrs": "",
    }
    sets = ("clickhouse.url=https://ch:8443", "clickhouse.existingSecret=admin")
    text = template(*sets, "egress.grantableCidrs={10.0.0.0/8}").stdout
    assert 'store-url: "https://ch:8443"' in text
    assert 'store-admin-secret: "admin"' in text
    assert 'grantable-cidrs: "10.0.0.0/8"' in text


# Definitions


def test_the_chart_s_definitions_are_the_repository_s():
    ours = {path.name: path.read_bytes() for path in (CHART / "files" / "crds").glob("*.yaml")}
    assert ours == {path.name: path.read_bytes() for path in CRDS.glob("*.yaml")}
    assert len(ours) == 3


def test_definitions_are_rendered_as_they_are_and_kept():
    found = {one["metadata"]["name"]: one for one in of_kind("default", "CustomResourceDefinition")}
    sources = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in CRDS.glob("*.yaml")]
    assert found.keys() == {one["metadata"]["name"] for one in sources}
    for source in sources:
        source["metadata"]["annotations"] = {"helm.sh/resource-policy": "keep"}
        assert found[source["metadata"]["name"]] == source


def test_the_shared_namespace_and_the_definitions_can_be_somebody_else_s():
    assert of_kind("bare", "CustomResourceDefinition", "Namespace") == []
    shared = the("default", "Namespace", "chartly-global")["metadata"]
    assert shared["annotations"] == {"helm.sh/resource-policy": "keep"}
    assert shared["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    assert environment()["CHARTLY_GLOBAL_NAMESPACE"] == "chartly-global"


# helm test


@pytest.fixture
def answers():
    spec = importlib.util.spec_from_file_location("answers", CHART / "files" / "answers.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_test_pod_runs_this_script_on_the_operator_s_image():
    pod = the("default", "Pod", "chartly-test")
    assert pod["metadata"]["annotations"]["helm.sh/hook"] == "test"
    (one,) = pod["spec"]["containers"]
    assert one["image"] == container()["image"]
    script = (CHART / "files" / "answers.py").read_text(encoding="utf-8")
    assert one["args"][0].strip() == script.strip()
    # Every account may discover kinds; this one has no other right.
    assert pod["spec"]["serviceAccountName"] == "chartly-test"
    assert all(
        one["subjects"][0]["name"] != "chartly-test"
        for one in of_kind("default", "RoleBinding", "ClusterRoleBinding")
    )


@pytest.mark.parametrize(
    ("kinds", "ready", "said"),
    [
        ({"profiles", "workflows", "workflowruns"}, True, None),
        ({"profiles", "workflows", "workflowruns"}, False, "the operator is not ready"),
        ({"profiles"}, True, "the API server does not know workflowruns, workflows"),
    ],
)
def test_the_script_tells_what_does_not_answer(answers, monkeypatch, capsys, kinds, ready, said):
    monkeypatch.setattr(answers, "kinds", lambda: kinds)
    monkeypatch.setattr(answers, "ready", lambda: ready)
    monkeypatch.setattr(answers, "PATIENCE", 0)
    assert answers.main() == (1 if said else 0)
    assert capsys.readouterr().out.strip() == (
        said or "the operator is ready, and the API server knows its kinds"
    )


def test_the_script_survives_silence(answers, monkeypatch):
    monkeypatch.setattr(answers, "kinds", lambda: (_ for _ in ()).throw(OSError("refused")))
    assert answers.problem() == "no answer: refused"
