import pytest

from chartly.api.profile import parse_profile
from chartly.errors import Reason, SpecError
from chartly.plan.served import check_served
from support.profiles import (
    changed,
    playbook_profile,
    playbook_profiles,
    playbook_workflow,
    workflow,
)


def test_the_playbook_is_served():
    for profile in playbook_profiles():
        check_served(profile.spec, str(profile.id))
    check_served(workflow().spec, "sales-onboard")


@pytest.mark.parametrize(
    ("kind", "path", "value", "says"),
    [
        ("connector", "spec.auth.mode", "oauth2", "spec.auth.mode 'oauth2': is not served by this version; served are none, bearer"),
        ("connector", "spec.pagination.mode", "linkHeader", "spec.pagination.mode 'linkHeader'"),
        ("connector", "spec.transport.method", "POST", "spec.transport.method"),
        ("connector", "spec.transport.body", {"a": 1}, "spec.transport.method"),
        ("connector", "spec.responses", [{"status": [404], "action": "ignore"}], "spec.responses"),
        ("connector", "spec.records", {"filter": "$[?@.a]"}, "spec.records.filter"),
        ("connector", "spec.incremental", {"cursorField": "a", "requestParam": "b"}, "spec.incremental"),
        ("connector", "spec.streams", [{"name": "a"}], "spec.streams"),
        ("normalizer", "spec.unknownFields", "reject", "spec.unknownFields 'reject'"),
        ("normalizer", "spec.sensitive", ["customer_id"], "spec.sensitive"),
        ("storage", "spec.writeMode", "replace", "spec.writeMode 'replace'"),
        ("storage", "spec.raw", {"enabled": True}, "spec.raw.enabled"),
        ("analytics", "spec.inputs.lookback", "P1D", "spec.inputs.lookback"),
    ],
)  # fmt: skip
def test_what_no_code_serves_is_refused_by_name(kind, path, value, says):
    profile = parse_profile(changed(playbook_profile(kind), path, value))
    with pytest.raises(SpecError) as caught:
        check_served(profile.spec, str(profile.id))
    assert says in caught.value.message
    assert caught.value.reason is Reason.NOT_SERVED


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        ("spec.schedule", {"cron": "0 * * * *"}, "spec.schedule"),
        ("spec.runOnApply", True, "spec.runOnApply"),
        ("spec.concurrency", "Queue", "spec.concurrency 'Queue'"),
        ("spec.parameters", [{"name": "day"}], "spec.parameters"),
        ("spec.suspend", True, "spec.suspend"),
        ("spec.steps.1.stream", "orders", "spec.steps[].stream"),
    ],
)
def test_so_is_a_workflow_s(path, value, says):
    flow = workflow(changed(playbook_workflow(), path, value))
    with pytest.raises(SpecError) as caught:
        check_served(flow.spec, str(flow))
    assert says in caught.value.message


def test_an_analytics_profile_is_served_whole():
    check_served(parse_profile(playbook_profile("analytics")).spec, "x")
