from datetime import UTC, datetime

import pytest

from chartly.api.reference import Project
from chartly.errors import Reason
from chartly.evidence.audit_event import Source
from chartly.evidence.audit_trail import (
    Trail,
    closing_event,
    end_type,
    is_ended,
    missing_types,
    required_types,
)
from chartly.evidence.hash_chain import Head, verify

NOON = datetime(2026, 2, 2, 12, tzinfo=UTC)
RUN = Source(Project("tenant-demo", "proj-sales"), "user:ada", "sales-onboard-7f3k2m", 1)
KINDS = ("connector", "normalizer", "storage", "analytics")


def trail(*kinds, head=None):
    made = Trail(RUN, lambda: NOON, head)
    for kind in kinds:
        made.record(kind)
    return made


def test_a_trail_is_a_whole_chain():
    made = trail("workflow.run.started", "dataset.updated")
    verdict = verify(made.entries, made.head)
    assert verdict.fault is None
    assert made.head == Head(2, made.entries[-1].hash)
    assert [entry.event["id"] for entry in made.entries] == [
        "sales-onboard-7f3k2m/1/1",
        "sales-onboard-7f3k2m/1/2",
    ]


def test_a_trail_goes_on_after_a_head():
    first = trail("workflow.run.started")
    second = trail("dataset.updated", head=first.head)
    assert verify([*first.entries, *second.entries], second.head).fault is None


def test_a_complete_run_lacks_nothing():
    required = required_types(KINDS, 1)
    assert "analytics.profile.resolved" in required
    assert missing_types(trail(*required).entries, required) == ()


@pytest.mark.parametrize("lost", required_types(KINDS, 1))
def test_each_required_event_is_missed(lost):
    """The playbook: if audit evidence is missing, the onboarding is incomplete."""
    required = required_types(KINDS, 1)
    made = trail(*(kind for kind in required if kind != lost))
    assert missing_types(made.entries, required) == (lost,)


def test_analytics_are_optional():
    required = required_types(KINDS[:3], 0)
    assert not [kind for kind in required if kind.startswith("analytics")]


@pytest.mark.parametrize("outcome", ["succeeded", "failed", "cancelled"])
def test_the_last_word_of_an_attempt_closes_it(outcome):
    made = trail("workflow.run.started")
    made.record(f"workflow.run.{outcome}", {"loaded": 3})
    said = {"actor": "user:ada", "loaded": 3}
    assert closing_event(made.entries) == (f"workflow.run.{outcome}", said)


def test_an_attempt_without_a_last_word_has_failed():
    kind, data = closing_event(trail("workflow.run.started", "connector.run.started").entries)
    assert kind == "workflow.run.failed"
    assert data == {
        "actor": "user:ada",
        "reason": "Unclassified",
        "message": "the process ended without naming a reason",
    }


def test_an_unreadable_last_word_is_none():
    made = trail("workflow.run.started")
    broken = [type(made.entries[0])(1, "", "", {"type": "dataset.updated", "data": "?"})]
    assert closing_event(broken)[1]["actor"] == "unverified"


RESOLVED = [f"{kind}.profile.resolved" for kind in KINDS]
BEGUN = [*RESOLVED, "workflow.run.started"]
LOST = Reason.PEER_LOST


@pytest.mark.parametrize(
    ("kinds", "reason", "told", "whole", "because"),
    [
        ([*BEGUN, "workflow.run.failed"], LOST, "PeerLost", True, "all that was said of it"),
        ([*BEGUN, "connector.run.started", "workflow.run.failed"], LOST, "PeerLost", True, "far"),
        ([*BEGUN, "workflow.run.cancelled"], Reason.CANCELLED, "Cancelled", True, "cancelled"),
        ([*BEGUN, "workflow.run.failed"], LOST, "AuthRejected", False, "of another reason"),
        ([*BEGUN, "workflow.run.succeeded"], LOST, "PeerLost", False, "another last word"),
        ([*BEGUN, "workflow.run.failed"], Reason.CANCELLED, "Cancelled", False, "not cancelled"),
        ([*BEGUN, "connector.run.failed"], LOST, "PeerLost", False, "no last word"),
        ([*RESOLVED, "workflow.run.failed"], LOST, "PeerLost", False, "it did not start"),
        ([*BEGUN[1:], "workflow.run.failed"], LOST, "PeerLost", False, "a profile is not told"),
        ([BEGUN[-1], *RESOLVED, "workflow.run.failed"], LOST, "PeerLost", False, "out of order"),
        ([], LOST, "PeerLost", False, "nothing"),
    ],
)
def test_a_failure_has_a_beginning_and_an_end(kinds, reason, told, whole, because):
    made = trail(*kinds[:-1])
    if kinds:
        made.record(kinds[-1], {"reason": told})
    assert is_ended(made.entries, KINDS, reason) is whole, because


def test_a_last_word_that_cannot_be_read_ends_nothing():
    made = trail(*BEGUN)
    broken = type(made.entries[0])(6, "", "", {"type": "workflow.run.failed", "data": "?"})
    assert not is_ended([*made.entries, broken], KINDS, LOST)


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_a_last_word(reason):
    ends = {Reason.SUCCEEDED: "succeeded", Reason.CANCELLED: "cancelled"}
    assert end_type(reason) == f"workflow.run.{ends.get(reason, 'failed')}"
