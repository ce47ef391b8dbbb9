import json

import pytest

from chartly.api.place import Place
from chartly.api.profile import parse_profile
from chartly.api.workflow_run import WorkflowRunSpec
from chartly.errors import Reason, SpecError
from chartly.plan.served import check_served
from support.profiles import (
    changed,
    playbook_profile,
    playbook_profiles,
    playbook_workflow,
    workflow,
)

HERE = Place(object="here")
RUN = Place(object="run r", path="spec")


def test_the_playbook_is_served():
    for profile in playbook_profiles():
        check_served(profile.spec, profile.spec_place)
    check_served(workflow().spec, HERE)


def test_pages_are_kept_where_a_profile_says_so():
    kept = changed(playbook_profile("storage"), "spec.raw", {"enabled": True})
    check_served(parse_profile(kept).spec, HERE)


@pytest.mark.parametrize(
    ("kind", "path", "value", "says"),
    [
        ("connector", "spec.auth.mode", "oauth2", 'spec.auth.mode: "oauth2" is not served by this version; served are none, bearer'),
        ("connector", "spec.pagination.mode", "linkHeader", 'spec.pagination.mode: "linkHeader"'),
        ("connector", "spec.transport.method", "POST", "spec.transport.method"),
        ("connector", "spec.transport.body", {"a": 1}, "spec.transport.body"),
        ("connector", "spec.responses", [{"status": [404], "action": "ignore"}], "spec.responses"),
        ("connector", "spec.records", {"filter": "$[?@.a]"}, "spec.records.filter"),
        ("connector", "spec.incremental", {"cursorField": "a", "requestParam": "b"}, "spec.incremental"),
        ("connector", "spec.streams", [{"name": "a"}], "spec.streams"),
        ("normalizer", "spec.unknownFields", "reject", 'spec.unknownFields: "reject"'),
        ("normalizer", "spec.sensitive", ["customer_id"], "spec.sensitive"),
        ("storage", "spec.writeMode", "replace", 'spec.writeMode: "replace"'),
        ("analytics", "spec.inputs.lookback", "P1D", "spec.inputs.lookback"),
    ],
)  # fmt: skip
def test_what_no_code_serves_is_refused_by_name(kind, path, value, says):
    profile = parse_profile(changed(playbook_profile(kind), path, value))
    with pytest.raises(SpecError) as caught:
        check_served(profile.spec, profile.spec_place)
    assert says in caught.value.message
    assert caught.value.reason is Reason.NOT_SERVED


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        ("spec.schedule", {"cron": "0 * * * *"}, "spec.schedule"),
        ("spec.runOnApply", True, "spec.runOnApply"),
        ("spec.priority", 1, "spec.priority"),
        ("spec.concurrency", "Replace", 'spec.concurrency: "Replace"'),
        ("spec.parameters", [{"name": "day"}], "spec.parameters"),
        ("spec.deadlines", {"heartbeat": 60}, "spec.deadlines.heartbeat"),
        ("spec.steps.1.stream", "orders", "spec.steps[1].stream"),
    ],
)
def test_so_is_a_workflow_s(path, value, says):
    flow = workflow(changed(playbook_workflow(), path, value))
    with pytest.raises(SpecError) as caught:
        check_served(flow.spec, flow.place.at("spec"))
    assert says in caught.value.message


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("spec.concurrency", "Queue"),
        ("spec.suspend", True),
        ("spec.retry", {"maxAttempts": 2}),
        ("spec.deadlines", {"run": 60, "pending": 10}),
        ("spec.history", {"keepSucceeded": 3}),
        ("spec.runtime", {"nodeSelector": {"disk": "fast"}}),
    ],
)
def test_what_a_cluster_serves_is_valid_everywhere(path, value):
    flow = workflow(changed(playbook_workflow(), path, value))
    check_served(flow.spec, flow.place.at("spec"))


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ({"parameters": {"day": "x"}}, "run r: spec.parameters: is not served by this version"),
        ({"rerunOf": "sales-0"}, "spec.rerunOf"),
        ({"trigger": {"fullRefresh": True}}, "spec.trigger.fullRefresh"),
        ({"trigger": {"key": "k"}}, "spec.trigger.key"),
        ({"trigger": {"requestedBy": "ann"}}, "spec.trigger.requestedBy"),
        ({"trigger": {"scheduledTime": "2026-02-02T00:00:00Z"}}, "spec.trigger.scheduledTime"),
        (
            {"trigger": {"type": "api"}},
            'spec.trigger.type: "api" is not served by this version; served are manual',
        ),
    ],
)
def test_so_is_a_run_s(spec, says):
    given = {"workflowRef": {"name": "sales"}, **spec}
    with pytest.raises(SpecError) as caught:
        check_served(WorkflowRunSpec.model_validate_json(json.dumps(given)), RUN)
    assert says in caught.value.message
    check_served(WorkflowRunSpec.model_validate_json('{"workflowRef": {"name": "a"}}'), RUN)


def test_an_analytics_profile_is_served_whole():
    check_served(parse_profile(playbook_profile("analytics")).spec, HERE)
