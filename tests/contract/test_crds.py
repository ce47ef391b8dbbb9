"""The CRDs on a real API server: what they cost, how files are read, what lists show."""

import copy
import json
import re

import pytest

from chartly.api.documents import parse_documents, without_nulls
from chartly.api.object_status import MAX_ATTEMPTS
from chartly.names import API_VERSION
from support.custom_resources import (
    CRDS,
    NAMESPACE,
    api_with_crds,
    await_kinds,
    path_of,
    refusal,
    resource,
    status_of,
)
from support.profiles import PLAYBOOK, ROOT, changed

pytestmark = pytest.mark.timeout(900)
RULES = "x-kubernetes-validations"
FILES = sorted(CRDS.glob("*.yaml"))
NAMES = [path.stem for path in FILES]
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions?dryRun=All"
NOW = "2026-02-02T00:00:00Z"


@pytest.fixture(scope="module")
def rig():
    with api_with_crds() as found:
        yield found


def repeated(node, times):
    """A schema in which every rule stands several times."""
    if isinstance(node, dict):
        return {
            name: value * times if name == RULES else repeated(value, times)
            for name, value in node.items()
        }
    return [repeated(one, times) for one in node] if isinstance(node, list) else node


def copied(path, times):
    document = repeated(
        parse_documents(path.read_text(encoding="utf-8"), path.name)[0].content, times
    )
    document["metadata"]["name"] = f"{path.stem}.cost.example"
    document["spec"]["group"] = "cost.example"
    return document


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_rules_cost_less_than_half_of_what_they_may(rig, path):
    """The API server counts what the rules of a CRD cost at most, and refuses one over budget."""
    assert refusal(rig, "POST", DEFINITIONS, copied(path, 2)) == ""


def test_the_cost_is_counted(rig):
    dear = refusal(rig, "POST", DEFINITIONS, copied(CRDS / "workflows.yaml", 12))
    assert "estimated rule cost total for entire OpenAPIv3 schema exceeds budget" in dear


def test_the_repository_s_own_files_are_taken_strictly(rig):
    for project in ("sales", "flights"):
        rig.kubectl("create", "namespace", f"tenant-demo-proj-{project}")
    said = rig.kubectl(
        "apply", "--validate=strict", "-f", ROOT / "profiles", "-f", ROOT / "workflows"
    )
    files = [*(ROOT / "profiles").iterdir(), *(ROOT / "workflows").iterdir()]
    assert said.count(" created") == len(files)
    listed = rig.kubectl("get", "chartly", "-A", "--no-headers", "-o", "name").split()
    assert len(listed) == len(files)
    again = rig.kubectl(
        "apply", "--validate=strict", "-f", ROOT / "profiles", "-f", ROOT / "workflows"
    )
    assert again.count(" unchanged") == len(files)


def test_the_playbook_s_spelling_is_the_command_line_s_alone(rig):
    with pytest.raises(RuntimeError, match=r'unknown field "metadata\.kind"'):
        rig.kubectl("create", "--validate=strict", "-f", PLAYBOOK / "profiles")


SCALARS = [
    *("y", "Y", "yes", "n", "no", "on", "Off", "True", "2026-02-02", "12:30:00", "190:20:30"),
    *("017", "08", "0o17", "1e3", "1.5e3", "1.5", "2.0", ".5", "0x1F", "0b11", "1_000", "+5", "-0"),
    *("~", "", "null", "Null", "'null'", "'017'", '"y"', "1.0.0", "1.0.0-rc.1", "1.10", "="),
    *("9007199254740993", "[y, 017, 1e3, 2026-02-02]", "{a: n, b: [~, {c: 0x1F}]}"),
]
SINK = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "sinks.scalars.example"},
    "spec": {
        "group": "scalars.example",
        "scope": "Namespaced",
        "names": {"kind": "Sink", "plural": "sinks"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "x-kubernetes-preserve-unknown-fields": True,
                    }
                },
            }
        ],
    },
}


def test_scalars_are_read_as_kubectl_sends_them(rig):
    """INV-5: one text has one digest, whichever program reads it."""
    rig.apply(SINK)
    await_kinds(rig, "scalars.example/v1", ["Sink"])
    values = "".join(f"  v{place}: {text}\n" for place, text in enumerate(SCALARS))
    text = f"apiVersion: scalars.example/v1\nkind: Sink\nmetadata: {{name: a}}\nspec:\n{values}"
    rig.kubectl("create", "--validate=false", "-f", "-", text=text)
    sent = json.dumps(without_nulls(rig.get("sink", "a")["spec"]), sort_keys=True)
    ours = json.dumps(without_nulls(parse_documents(text, "a")[0].content["spec"]), sort_keys=True)
    assert json.loads(ours) == json.loads(sent)
    assert ours == sent


def test_a_null_counts_as_absent(rig, kept):
    document = changed(resource("connector"), "spec.connector.records", None)
    document = changed(document, "spec.connector.transport.body", None)
    found = kept(document)
    assert "records" not in found["spec"]["connector"]
    assert found["spec"]["connector"] == without_nulls(document.content["spec"]["connector"])


@pytest.mark.parametrize("name", ["storage", "workflow", "run"])
def test_an_object_that_nobody_looked_at_says_so(kept, name):
    """Tools that wait take an object without conditions for ready."""
    assert kept(resource(name))["status"] == {"observedGeneration": -1}


def attempt(number):
    return {"number": number, "job": f"sales-1-a{number}", "start": NOW}


@pytest.mark.parametrize(
    ("status", "says"),
    [
        ({"attempts": [attempt(n) for n in range(1, MAX_ATTEMPTS + 1)]}, ""),
        ({"attempts": [attempt(1)] * (MAX_ATTEMPTS + 1)}, "must have at most 10 items"),
        ({"outcome": "Done"}, "supported values"),
        ({"conditions": [{"type": "Ready", "status": "True"}]}, "Required value"),
    ],
)
def test_a_status_has_its_bounds(rig, kept, status, says):
    said = status_of(rig, kept(resource("run")), {"observedGeneration": 1, **status})
    assert says in said
    assert bool(says) is bool(said)


def condition(kind, status, reason):
    stamp = {"lastTransitionTime": NOW, "observedGeneration": 1}
    return {"type": kind, "status": status, "reason": reason, "message": "", **stamp}


def test_conditions_are_kept_by_type_under_server_side_apply(rig, kept):
    found = kept(resource("storage"))
    place = f"{path_of(found)}/status?fieldManager=%s&force=true"
    identity = {name: found[name] for name in ("apiVersion", "kind")}
    for manager, kind in (("one", "Ready"), ("two", "Stalled")):
        status = {"conditions": [condition(kind, "True", "Because")]}
        whole = {**identity, "metadata": {"name": found["metadata"]["name"]}, "status": status}
        rig.client.call("PATCH", place % manager, whole, "application/apply-patch+yaml")
    conditions = rig.client.call("GET", path_of(found))["status"]["conditions"]
    assert [one["type"] for one in conditions] == ["Ready", "Stalled"]


def columns(text):
    """The cells of a table of one row by their heading."""
    head, row = text.rstrip("\n").splitlines()
    found = list(re.finditer(r"\S+(?: \S+)*\s*", head))
    return {one[0].strip(): row[slice(*one.span())].strip() for one in found}


def test_lists_tell_the_state(rig, kept):
    profile, workflow, run = (kept(resource(name)) for name in ("storage", "workflow", "run"))
    ready = {"observedGeneration": 1, "conditions": [condition("Ready", "True", "Ready")]}
    result = {"read": 9, "loaded": 7, "rejected": 2}
    succeeded = [condition("Succeeded", "False", "RejectThreshold")]
    attempts = [attempt(1), attempt(2)]
    going = {"frozenAt": NOW, "attempts": attempts, "result": result, "conditions": succeeded}
    assert status_of(rig, profile, {**ready, "digest": "sha256:1"}) == ""
    assert status_of(rig, workflow, ready) == ""
    assert status_of(rig, run, {"observedGeneration": 1, **going}) == ""

    shown = columns(rig.kubectl("get", "prof", "-n", NAMESPACE))
    state = [shown[name] for name in ("KIND", "VERSION", "READY", "REASON")]
    assert state == ["storage", "1.0.0", "True", "Ready"]
    assert columns(rig.kubectl("get", "prof", "-o", "wide"))["DIGEST"] == "sha256:1"
    shown = columns(rig.kubectl("get", "wf", "-n", NAMESPACE))
    assert (shown["VERSION"], shown["READY"]) == ("1.0.0", "True")
    shown = columns(rig.kubectl("get", "wfr", "-n", NAMESPACE))
    assert {name: shown[name] for name in shown if name not in ("AGE", "STARTED")} == {
        "NAME": "sales-1",
        "WORKFLOW": "sales-onboard",
        "SUCCEEDED": "False",
        "REASON": "RejectThreshold",
        "ATTEMPT": "2",
        "READ": "9",
        "LOADED": "7",
    }
    assert sorted(rig.kubectl("get", "chartly", "-n", NAMESPACE, "-o", "name").split()) == [
        "profile.chartly.io/storage-sales-events-1.0.0",
        "workflow.chartly.io/sales-onboard",
        "workflowrun.chartly.io/sales-1",
    ]


@pytest.mark.parametrize(
    ("name", "selector", "found"),
    [
        ("storage", "spec.kind=storage,spec.name=sales-events", 1),
        ("storage", "spec.kind=connector", 0),
        ("workflow", "spec.version=1.0.0", 1),
        ("run", "spec.workflowRef.name=sales-onboard", 1),
        ("run", "spec.workflowRef.name=other", 0),
        ("run", "status.outcome=Succeeded", 0),
    ],
)
def test_objects_are_selected_by_field(rig, kept, name, selector, found):
    made = kept(resource(name))
    place = path_of(made, named=False)
    listed = rig.client.call("GET", f"{place}?fieldSelector={selector.replace('=', '%3D')}")
    assert len(listed["items"]) == found


@pytest.mark.parametrize(
    "path",
    [
        "profile.spec.normalizer.transforms.op",
        "workflow.spec.steps.type",
        "workflowrun.status.outcome",
    ],
)
def test_kubectl_explains_fields(rig, path):
    said = rig.kubectl("explain", path, f"--api-version={API_VERSION}")
    assert "DESCRIPTION" in said
    assert "<empty>" not in said


def test_the_crds_are_those_of_the_cluster(rig):
    """What the API server made of them is what was written, but for what it adds."""
    for path in FILES:
        written = parse_documents(path.read_text(encoding="utf-8"), path.name)[0].content
        stored = rig.get("crd", str(written["metadata"]["name"]))
        versions = copy.deepcopy(written["spec"]["versions"])
        assert stored["spec"]["versions"] == versions


def references(kind, count):
    """References of the greatest length."""
    scope = f"{'t' * 40}/{'p' * 40}::"
    return [f"{scope}{kind}/{'n' * 35}-{place:04}@1.0.0-{'a' * 57}" for place in range(count)]


def largest(name):
    """An object with as much of everything as there may be."""
    fields = [f"f{place:03}{'x' * 59}" for place in range(500)]
    document = resource(name)
    if name == "workflow":
        pairs = zip(references("normalizer", 20), references("storage", 20), strict=True)
        steps = [{"type": "connector_sync", "connector_profile": references("connector", 1)[0]}]
        for one, two in pairs:
            steps += [
                {"type": "normalize", "profile": one},
                {"type": "write_dataset", "dataset_id": two},
            ]
        steps += [
            {"type": "analytics_query", "query_ref": one} for one in references("analytics", 23)
        ]
        return changed(document, "spec.steps", steps)
    if name == "normalizer":
        transforms = [{"op": "rename", "field": fields[0], "to": fields[1]}] * 1000
        document = changed(document, "spec.normalizer.transforms", transforms)
        document = changed(document, "spec.normalizer.requiredFields", fields)
        return changed(document, "spec.normalizer.mapping", dict.fromkeys(fields, "$" + ".a" * 400))
    if name == "storage":
        types = dict.fromkeys(fields, f"Decimal({' ' * 40}38,38)")
        return changed(document, "spec.storage.columns", types)
    hosts = [f"{'a' * 60}.{'b' * 60}.{'c' * 60}.{'d' * 60}.h{place:02}" for place in range(63)]
    cidrs = [f"fd00:0:0:0:0:0:{place:x}:0/112" for place in range(256)]
    document = changed(
        document, "spec.connector.egressPolicy.dnsAllowlist", ["api.example.invalid", *hosts]
    )
    document = changed(document, "spec.connector.egressPolicy.blockCidrs", cidrs)
    headers = {f"X-{place:02}-{'a' * 200}": "v" for place in range(64)}
    return changed(document, "spec.connector.transport.headers", headers)


@pytest.mark.parametrize("name", ["workflow", "normalizer", "storage", "connector"])
def test_the_largest_object_is_still_checked(rig, kept, name):
    """Beside what rules may cost at most, the API server counts what they do cost."""
    found = kept(largest(name))
    found["metadata"]["labels"] = {"tier": "gold"}
    assert refusal(rig, "PUT", path_of(found), found) == ""
    newest = rig.client.call("GET", path_of(found))
    assert "must have at most" in refusal(rig, "PUT", path_of(found), overfull(newest))


def overfull(found):
    """The object with one more of something than there may be."""
    more = copy.deepcopy(found)
    spec = more["spec"]
    if more["kind"] == "Workflow":
        spec["steps"] += [spec["steps"][-1]]
    elif spec["kind"] == "normalizer":
        spec["normalizer"]["mapping"]["more"] = "$.a"
    elif spec["kind"] == "storage":
        spec["storage"]["columns"]["more"] = "String"
    else:
        spec["connector"]["egressPolicy"]["blockCidrs"] += ["10.0.0.0/8"]
    return more
