"""The chart, as it is rendered: rights, Pods, fences, values, and what the docs say of them."""

import functools
import importlib.util
import json
import os
import re
import shutil
import subprocess
import tomllib

import pytest
import yaml

from chartly.errors import REASONS, Reason
from chartly.names import MANAGED_BY, OURS
from chartly.reconcile.world import Settings
from chartly_operator.settings import read_options
from cluster.layout import BIN, ROOT
from support.missing import missing

CHART = ROOT / "charts" / "chartly"
CRDS = ROOT / "crds"
INSTALL = ROOT / "docs" / "operations" / "install.md"
TROUBLE = ROOT / "docs" / "operations" / "troubleshooting.md"
NAMESPACE = "chartly-system"
DIGEST = "sha256:" + "0123456789abcdef" * 4

SETS = {
    "default": (),
    "trial": ("clickhouse.install=true",),
    "namespaced": ("watchNamespaces={tenant-demo-a,tenant-demo-b}",),
    "monitored": ("metrics.serviceMonitor.enabled=true", "metrics.serviceMonitor.labels.a=b"),
    "pinned": tuple(f"images.{one}.digest={DIGEST}" for one in ("operator", "connector", "loader")),
    "placed": (
        "operator.nodeSelector.a=b",
        "operator.tolerations[0].key=a",
        "operator.priorityClassName=high",
        "operator.podAnnotations.a=b",
        "operator.affinity.nodeAffinity.x=y",
        "images.pullSecrets={one,two}",
        "serviceAccount.annotations.a=b",
    ),
    "fenced": (
        "networkPolicy.apiServerCidrs={10.0.0.1/32}",
        "networkPolicy.metricsFrom[0].namespaceSelector.matchLabels.a=b",
    ),
    "bare": (
        "operator.replicas=1",
        "networkPolicy.enabled=false",
        "rbac.create=false",
        "rbac.aggregate=false",
        "crds.install=false",
        "globalNamespace.create=false",
        "tests.enabled=false",
        "podDisruptionBudget.enabled=false",
    ),
}
READS = {"get", "list", "watch"}


def helm(*arguments):
    program = BIN / "helm" if (BIN / "helm").exists() else shutil.which("helm")
    if program is None:
        missing("helm is neither in the test cluster's cache (make cluster) nor on the path")
    # No cluster may be asked: what is rendered is the same everywhere.
    environment = {**os.environ, "KUBECONFIG": os.devnull}
    return subprocess.run(
        [program, *map(str, arguments)], capture_output=True, text=True, check=False, env=environment
    )  # fmt: skip


def template(*sets, release="chartly"):
    options = [word for one in sets for word in ("--set", one)]
    return helm("template", release, CHART, "--namespace", NAMESPACE, *options)


@functools.cache
def rendered(name):
    done = template(*SETS[name])
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return [one for one in yaml.safe_load_all(done.stdout) if one]


def of_kind(name, *kinds):
    return [one for one in rendered(name) if one["kind"] in kinds]


def the(name, kind, title):
    (found,) = [one for one in of_kind(name, kind) if one["metadata"]["name"] == title]
    return found


def operator(name="default"):
    return the(name, "Deployment", "chartly-operator")


def container(name="default"):
    (found,) = operator(name)["spec"]["template"]["spec"]["containers"]
    return found


def environment(name="default"):
    return {one["name"]: one.get("value") for one in container(name)["env"]}


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


# Rights


def rules(name, *kinds):
    return [
        (one["metadata"]["name"], rule)
        for one in of_kind(name, *(kinds or ("Role", "ClusterRole")))
        for rule in one["rules"]
    ]


@pytest.mark.parametrize("name", SETS)
def test_no_right_is_a_wildcard_and_none_is_on_secrets(name):
    """INV-6: the operator has no verb on Secrets; nor may it pass on rights."""
    for title, rule in rules(name):
        words = [*rule["apiGroups"], *rule["resources"], *rule["verbs"]]
        assert "*" not in "".join(words), title
        assert not {one.partition("/")[0] for one in rule["resources"]} & {"secrets", "*"}
        assert not set(rule["verbs"]) & {"escalate", "bind", "impersonate"}
        assert "exec" not in "".join(rule["resources"])


def operator_rules(name):
    bound = {
        one["roleRef"]["name"] for one in of_kind(name, "RoleBinding", "ClusterRoleBinding")
    }  # fmt: skip
    return [rule for title, rule in rules(name) if title in bound]


def test_the_operator_s_rights_are_those_of_the_docs():
    text = INSTALL.read_text(encoding="utf-8").partition("## What the operator may do")[2]
    rows = re.findall(r"^\| (\S+) \| (`.*?`) \| (`.*?`) \| [\w ]+ \|$", text, re.MULTILINE)
    told = {
        (group.strip("`").replace("core", ""), one, verb)
        for group, resources, verbs in rows
        for one in re.findall(r"`([\w/]+)`", resources)
        for verb in re.findall(r"`(\w+)`", verbs)
    }
    granted = {
        (group, one, verb)
        for rule in operator_rules("default")
        for group in rule["apiGroups"]
        for one in rule["resources"]
        for verb in rule["verbs"]
    }
    assert granted == told


def test_the_operator_writes_of_our_kinds_the_status_only():
    """GitOps-clean: nothing into what users own; only runs go, when history does not keep them."""
    for rule in operator_rules("default"):
        for one in rule["resources"]:
            if rule["apiGroups"] == ["chartly.io"] and not one.endswith("/status"):
                removes = rule == {
                    "apiGroups": ["chartly.io"],
                    "resources": ["workflowruns"],
                    "verbs": ["delete"],
                }
                assert removes or set(rule["verbs"]) == READS
            if one.endswith("/status"):
                assert rule["verbs"] == ["patch"]


def test_namespaced_the_operator_writes_nowhere_else():
    """INV-8."""
    for title, rule in rules("namespaced", "ClusterRole"):
        assert rule == {
            "apiGroups": [""],
            "resources": ["namespaces"],
            "resourceNames": ["chartly-global", "tenant-demo-a", "tenant-demo-b"],
            "verbs": ["get"],
        }, title
    places = {
        one["metadata"]["namespace"]
        for one in of_kind("namespaced", "RoleBinding")
        if one["roleRef"]["name"] == "chartly-operator"
    }
    assert places == {"tenant-demo-a", "tenant-demo-b", "chartly-global"}
    assert environment("namespaced")["CHARTLY_WATCH_NAMESPACES"].split(",") == sorted(places)


def test_namespaced_the_rights_in_a_namespace_are_the_same():
    everywhere = [rule for rule in operator_rules("default") if rule["resources"] != ["namespaces"]]
    (found,) = [
        one["rules"]
        for one in of_kind("namespaced", "Role")
        if one["metadata"]["name"] == "chartly-operator"
        and one["metadata"]["namespace"] == "tenant-demo-a"
    ]
    leases = ["leases"]
    assert found == [rule for rule in everywhere if rule["resources"] != leases]


def test_the_lease_is_in_the_operator_s_own_namespace():
    role = the("default", "Role", "chartly-lease")
    assert role["metadata"]["namespace"] == NAMESPACE
    create, rest = role["rules"]
    assert create["resources"] == rest["resources"] == ["leases"]
    assert create["verbs"] == ["create"]
    assert rest["resourceNames"] == [environment()["CHARTLY_LEASE_NAME"]]


def test_every_binding_is_to_the_operator_s_account():
    account = {"kind": "ServiceAccount", "name": "chartly", "namespace": NAMESPACE}
    for name in ("default", "namespaced"):
        found = of_kind(name, "RoleBinding", "ClusterRoleBinding")
        assert all(one["subjects"] == [account] for one in found)
    assert operator()["spec"]["template"]["spec"]["serviceAccountName"] == "chartly"


def test_who_may_view_or_edit_a_namespace_may_do_so_with_our_kinds():
    view, edit = (the("default", "ClusterRole", f"chartly-{one}") for one in ("view", "edit"))
    assert {verb for rule in view["rules"] for verb in rule["verbs"]} == READS
    assert not {verb for rule in edit["rules"] for verb in rule["verbs"]} & READS
    for role, levels in ((view, ("view", "edit", "admin")), (edit, ("edit", "admin"))):
        aggregated = {f"rbac.authorization.k8s.io/aggregate-to-{one}": "true" for one in levels}
        labels = role["metadata"]["labels"].items()
        assert {key: value for key, value in labels if "aggregate" in key} == aggregated
        assert all(rule["apiGroups"] == ["chartly.io"] for rule in role["rules"])
        assert not any("status" in one for rule in role["rules"] for one in rule["resources"])


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


def options(*sets):
    """What the operator makes of the environment that the chart gives it."""
    documents = [one for one in yaml.safe_load_all(template(*sets).stdout) if one]
    (found,) = [one for one in documents if one["kind"] == "Deployment"]
    (one,) = found["spec"]["template"]["spec"]["containers"]
    given = {entry["name"]: entry.get("value", NAMESPACE) for entry in one["env"]}
    return read_options([], given, "identity")


def test_the_operator_reads_every_setting_of_the_chart():
    names = {one for one in environment() if one != "POD_NAME"}
    flags = "\n".join(option_names())
    assert [one for one in names if one not in flags] == []


def option_names():
    source = (ROOT / "operator" / "chartly_operator" / "settings.py").read_text(encoding="utf-8")
    for flag in re.findall(r'add\(\s*"--([a-z-]+)"', source):
        yield "CHARTLY_" + flag.replace("-", "_").upper()


def test_the_operator_s_settings_are_the_values():
    found = options(
        "images.registry=r.test",
        "images.loader.tag=v2",
        f"images.connector.digest={DIGEST}",
        "images.pullPolicy=Always",
        "globalNamespace.name=shared",
        "watchNamespaces={one,two}",
        "operator.logLevel=debug",
        "egress.grantableCidrs={10.0.0.0/8,fd00::/8}",
        "runners.connector.resources.limits.memory=1Gi",
        "runners.spoolBytes=1099511627776",
        "deadlines.pending=1",
        "deadlines.run=31536000",
        "runs.jobTtl=2",
        "runs.freeAttempts=0",
    )
    defaults = {one.split(".")[1]: value["requests"] for one, value, _ in VALUES if "resources" in one and "runners" in one}  # fmt: skip
    assert found.decisions == Settings(
        connector_image=f"r.test/chartly-connector@{DIGEST}",
        loader_image="r.test/chartly-loader:v2",
        global_namespace="shared",
        image_pull_policy="Always",
        grantable_cidrs=("10.0.0.0/8", "fd00::/8"),
        connector_resources={"requests": defaults["connector"], "limits": {"memory": "1Gi"}},
        loader_resources={"requests": defaults["loader"], "limits": {"memory": "1536Mi"}},
        spool_bytes=2**40,
        pending_deadline=1,
        run_deadline=31_536_000,
        job_ttl=2,
        free_attempts=0,
    )
    assert set(found.namespaces) == {"one", "two", "shared"}
    assert found.lease == (NAMESPACE, "chartly-operator")
    assert found.log_level == "debug"


def test_by_default_the_operator_works_everywhere():
    assert options().namespaces == ()
    assert options().decisions.spool_bytes == 268_435_456


@pytest.mark.parametrize(
    ("sets", "image", "because"),
    [
        ((), "localhost/chartly-operator:0.1.0", "the tag is the chart's version"),
        (("images.operator.tag=v2",), "localhost/chartly-operator:v2", "a tag is a tag"),
        (("images.registry=r.test/a",), "r.test/a/chartly-operator:0.1.0", "the registry stands before"),
        (("images.registry=", "images.operator.repository=x/y"), "x/y:0.1.0", "none is needed"),
        ((f"images.operator.digest={DIGEST}", "images.operator.tag=v2"), f"localhost/chartly-operator@{DIGEST}", "a digest goes before a tag"),
    ],
)  # fmt: skip
def test_the_image(sets, image, because):
    text = template(*sets).stdout
    assert re.search(rf"^ +image: {re.escape(image)}$", text, re.MULTILINE), because


def test_digests_go_into_the_runs_too():
    found = environment("pinned")
    for one in ("connector", "loader"):
        assert found[f"CHARTLY_{one.upper()}_IMAGE"] == f"localhost/chartly-{one}@{DIGEST}"


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


# Values


def leaves(node, path=()):
    """Each value's path, what it is, and the comment over it; resources are one value."""
    lines = (CHART / "values.yaml").read_text(encoding="utf-8").splitlines()
    for key, value in node.value:
        here = (*path, key.value)
        if isinstance(value, yaml.MappingNode) and value.value and key.value != "resources":
            yield from leaves(value, here)
            continue
        line, words = key.start_mark.line - 1, []
        while lines[line].strip().startswith("#"):
            words.insert(0, lines[line].strip()[1:].strip())
            line -= 1
        yield ".".join(here), yaml.safe_load(yaml.serialize(value)), " ".join(words)


VALUES = list(leaves(yaml.compose((CHART / "values.yaml").read_text(encoding="utf-8"))))
SCHEMA = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(("path", "value", "comment"), VALUES, ids=[one[0] for one in VALUES])
def test_every_value_is_explained_in_the_docs_as_in_the_file(path, value, comment):
    assert comment
    row = f"| `{path}` | `{json.dumps(value)}` | {comment} |"
    assert row in INSTALL.read_text(encoding="utf-8").splitlines()


def test_the_docs_know_no_other_values():
    text = INSTALL.read_text(encoding="utf-8").partition("## Values")[2].partition("\n## ")[0]
    assert re.findall(r"^\| `(\S+)` \|", text, re.MULTILINE) == [path for path, _, _ in VALUES]


def test_values_that_the_docs_mention_are_there():
    known = {path for path, _, _ in VALUES} | {path.rpartition(".")[0] for path, _, _ in VALUES}
    for page in (INSTALL, TROUBLE):
        text = page.read_text(encoding="utf-8")
        options = set(re.findall(r"--set ([\w.]+)=", text))
        heads = {path.partition(".")[0] for path in known} - {"operator", "images", "runs", "tests"}
        options |= {one for one in re.findall(r"`([a-zA-Z.]+)`", text) if one.partition(".")[0] in heads and "." in one}  # fmt: skip
        assert options - known == set(), page


def closed(schema):
    if "properties" in schema:
        assert schema["additionalProperties"] is False
        for one in schema["properties"].values():
            closed(one)


def test_the_schema_is_closed():
    closed(SCHEMA)
    for path, _, _ in VALUES:
        found = SCHEMA
        for name in path.split("."):
            found = found["properties"][name]


@pytest.mark.parametrize(
    ("value", "because"),
    [
        ("unknown=1", "an unknown value is a typo"),
        ("operator.replica=1", "also below"),
        ("images.operator.name=x", "also deeper"),
        ("runners.loader.resources.limit.memory=1Gi", "also in resources"),
        ("operator.replicas=two", "a number is a number"),
        ("operator.replicas=-1", "and not negative"),
        ("watchNamespaces={*}", "no globs: they would need rights on all namespaces"),
        ("watchNamespaces={A}", "names are names"),
        ("egress.grantableCidrs={10.0.0.0}", "a range has a length"),
        ("images.operator.digest=latest", "a digest is a digest"),
        ("images.pullPolicy=Sometimes", "one of three"),
        ("clickhouse.url=https://user:canary@ch:8443", "a URL with a password would be in a ConfigMap"),
        ("clickhouse.url=ch:8123", "a URL has a scheme"),
        ("deadlines.run=0", "a deadline leaves time"),
        ("runners.spoolBytes=1", "a page must fit"),
    ],
)  # fmt: skip
def test_wrong_values_are_refused(value, because):
    done = template(value)
    assert done.returncode != 0, because
    assert "values don't meet the specifications of the schema" in done.stderr


@pytest.mark.parametrize("value", ["clickhouse.url=http://ch:8123", "clickhouse.existingSecret=a"])
def test_a_store_is_given_or_installed_and_not_both(value):
    done = template("clickhouse.install=true", value)
    assert "set one or the other" in done.stderr


def test_the_notes_are_the_next_commands():
    sets = ("--set", "clickhouse.install=true")
    done = helm("install", "demo", CHART, "--namespace", NAMESPACE, "--dry-run=client", *sets)
    notes = done.stdout.partition("NOTES:")[2]
    for command in (
        "helm test demo --namespace chartly-system",
        "chartly project create TENANT/PROJECT --chart chartly-system --apply",
        "kubectl apply -f profiles/ -f workflows/",
        "port-forward service/demo-chartly-clickhouse 8123",
        "FOR TRIALS",
    ):
        assert command in notes


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


# Docs


def test_every_reason_has_a_row_of_what_to_do():
    rows = re.findall(
        r"^\| (`.*?`) \| .+? \| .+? \|$", TROUBLE.read_text(encoding="utf-8"), re.MULTILINE
    )
    told = [name for row in rows for name in re.findall(r"`(\w+)`", row)]
    assert sorted(one for one in told if one in set(Reason)) == sorted(REASONS)
