"""What never changes of an object that is there, and what may, as a real API server has it."""

import pytest

from chartly.api.documents import Document
from chartly.api.workflow import VERSION_REUSED_MESSAGE
from chartly.api.workflow_run import RUN_CHANGED_MESSAGE
from chartly.crds.object_rules import PROFILE_CHANGED_MESSAGE
from chartly.crds.root_rules import OUTCOME_MESSAGE
from support.custom_resources import api_with_crds, path_of, refusal, resource, status_of
from support.profiles import changed

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def rig():
    with api_with_crds() as found:
        yield found


STREAM = {"name": "a", "transport": {"headers": {"A": "b"}}}
FROZEN = [
    ("connector", "spec.description", "other words"),
    ("connector", "spec.owners", ["team:other"]),
    ("connector", "spec.connector.transport.timeoutMs", 5),
    ("connector", "spec.connector.transport.path", "/v2"),
    ("connector", "spec.connector.rateLimit", None),
    ("connector", "spec.connector.transport.body", {"b": 1}),
    ("connector", "spec.connector.transport.body", {"a": {"deep": 2}}),
    ("connector", "spec.connector.streams", [{**STREAM, "transport": {"headers": {"A": "c"}}}]),
    ("connector", "spec.connector.transport.headers", {"B": "application/json"}),
    ("normalizer", "spec.normalizer.transforms.0.value", False),
    ("normalizer", "spec.normalizer.transforms.0.value", 1),
    ("normalizer", "spec.normalizer.transforms.0.default", "y"),
    ("normalizer", "spec.normalizer.transforms.1.values", {"b": True}),
    ("normalizer", "spec.normalizer.transforms.1.values", {"a": 1}),
    ("normalizer", "spec.normalizer.mapping", {"event_id": "$.other"}),
    ("storage", "spec.storage.columns", {"amount": "String"}),
    ("analytics", "spec.analytics.queryTemplate.text", "SELECT 2"),
]


def frozen_resource(name):
    """A profile that has values of every kind of type."""
    document = resource(name)
    if name == "connector":
        document = changed(document, "spec.connector.transport.body", {"a": {"deep": 1}})
        return changed(document, "spec.connector.streams", [STREAM])
    if name == "normalizer":
        values = {"op": "mapValues", "field": "b", "values": {"a": True}}
        const = {"op": "const", "field": "a", "value": True, "default": "x"}
        return changed(document, "spec.normalizer.transforms", [const, values])
    return document


@pytest.mark.parametrize(("name", "field", "value"), FROZEN)
def test_a_profile_never_changes(rig, kept, name, field, value):
    """INV-3: also where its types are open and rules see nothing."""
    document = frozen_resource(name)
    found = kept(document)
    other = changed(Document("x", 1, found), field, value, drop=value is None)
    said = refusal(rig, "PUT", path_of(found), other.content)
    assert f"spec: Forbidden: {PROFILE_CHANGED_MESSAGE}" in said


def test_what_stands_beside_a_profile_s_spec_is_free(rig, kept):
    found = kept(resource("storage"))
    found["metadata"]["annotations"] = {"chartly.io/deprecated": "use 2.0.0"}
    found["metadata"]["labels"] = {"tier": "gold"}
    assert refusal(rig, "PUT", path_of(found), found) == ""
    again = rig.client.call("GET", path_of(found))
    assert again["metadata"]["annotations"] == {"chartly.io/deprecated": "use 2.0.0"}


WORKFLOW_CHANGES = [
    ("spec.steps.3.when.enabled", False, True),
    ("spec.steps.0.connector_profile", "connector/sales-http@2.0.0", True),
    ("spec.parameters", [{"name": "a"}], True),
    ("spec.schedule", {"cron": "0 * * * *"}, False),
    ("spec.suspend", True, False),
    ("spec.retry", {"maxAttempts": 5}, False),
    ("spec.history", {"keepFailed": 3}, False),
]


@pytest.mark.parametrize(("field", "value", "needs_version"), WORKFLOW_CHANGES)
def test_a_workflow_s_version_changes_with_its_steps(rig, kept, field, value, needs_version):
    found = kept(resource("workflow"))
    other = changed(Document("x", 1, found), field, value)
    said = refusal(rig, "PUT", path_of(found), other.content)
    assert (f"spec.version: Invalid value: {VERSION_REUSED_MESSAGE}" in said) is needs_version
    assert needs_version or said == ""
    newer = changed(other, "spec.version", "1.0.1")
    newer.content["metadata"] = rig.client.call("GET", path_of(found))["metadata"]
    assert refusal(rig, "PUT", path_of(found), newer.content) == ""


def test_a_default_of_a_parameter_is_a_change_too(rig, kept):
    document = changed(resource("workflow"), "spec.parameters", [{"name": "a", "default": True}])
    found = kept(document)
    found["spec"]["parameters"][0]["default"] = 1
    assert VERSION_REUSED_MESSAGE in refusal(rig, "PUT", path_of(found), found)


RUN_CHANGES = [
    ("spec.workflowRef.version", "2.0.0"),
    ("spec.window.start", "2026-01-01T00:00:00Z"),
    ("spec.window", None),
    ("spec.trigger", {"type": "api"}),
    ("spec.rerunOf", "sales-0"),
    ("spec.parameters", {"a": False}),
    ("spec.parameters", {"b": True}),
]


@pytest.mark.parametrize(("field", "value"), RUN_CHANGES)
def test_a_run_never_changes_but_its_control(rig, kept, field, value):
    """INV-3."""
    found = kept(changed(resource("run"), "spec.parameters", {"a": True}))
    other = changed(Document("x", 1, found), field, value, drop=value is None)
    said = refusal(rig, "PUT", path_of(found), other.content)
    assert f"spec: Forbidden: {RUN_CHANGED_MESSAGE}" in said


def test_a_run_can_be_controlled(rig, kept):
    found = kept(resource("run"))
    for control in ({"suspend": True}, {"cancel": "terminate"}):
        found["spec"]["control"] = control
        found = rig.client.call("PUT", path_of(found), found)
        assert found["spec"]["control"] == control


def test_an_outcome_never_changes(rig, kept):
    """INV-2: neither by another, nor by dropping it, nor by dropping the whole status."""
    found = kept(resource("run"))
    done = {"observedGeneration": 1, "outcome": "Failed"}
    assert status_of(rig, found, {"observedGeneration": 1}) == ""
    assert status_of(rig, found, done) == ""
    for status in ({**done, "outcome": "Succeeded"}, {"observedGeneration": 2}, None):
        assert f"status.outcome: Forbidden: {OUTCOME_MESSAGE}" in status_of(rig, found, status)
    assert status_of(rig, found, {**done, "observedGeneration": 2}) == ""
    spec = rig.client.call("GET", path_of(found))
    spec["spec"]["control"] = {"suspend": True}
    assert refusal(rig, "PUT", path_of(found), spec) == ""
