"""The chart's values: what the docs say, what the operator makes of them, what is refused."""

import json
import re

import pytest
import yaml

from chartly.reconcile.world import Settings
from chartly_operator.settings import read_options
from cluster.layout import ROOT
from support.chart import CHART, DIGEST, INSTALL, NAMESPACE, environment, helm, template

TROUBLE = ROOT / "docs" / "operations" / "troubleshooting.md"


# Settings


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
