from datetime import UTC, datetime

import pytest

from chartly.api.reference import Project
from chartly.evidence.chain import Head, verify
from chartly.evidence.event import Source
from chartly.evidence.trail import Trail, closing, missing_types, required_types

NOON = datetime(2026, 2, 2, 12, tzinfo=UTC)
RUN = Source(Project("tenant-demo", "proj-sales"), "user:ada", "sales-onboard-7f3k2m", 1)
KINDS = ("connector", "normalizer", "storage", "analytics")


def trail(*kinds, head=None):
    made = Trail(RUN, lambda: NOON, head)
    for kind in kinds:
        made.say(kind)
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
    made.say(f"workflow.run.{outcome}", {"loaded": 3})
    said = {"actor": "user:ada", "loaded": 3}
    assert closing(made.entries) == (f"workflow.run.{outcome}", said)


def test_an_attempt_without_a_last_word_has_failed():
    kind, data = closing(trail("workflow.run.started", "connector.run.started").entries)
    assert kind == "workflow.run.failed"
    assert data == {
        "actor": "user:ada",
        "reason": "Unclassified",
        "message": "the process ended without naming a reason",
    }


def test_an_unreadable_last_word_is_none():
    made = trail("workflow.run.started")
    broken = [type(made.entries[0])(1, "", "", {"type": "dataset.updated", "data": "?"})]
    assert closing(broken)[1]["actor"] == "unverified"
