from datetime import UTC, datetime, timedelta, timezone

import pytest

from chartly.api.reference import Project
from chartly.errors import Bug
from chartly.evidence.audit_event import EVENT_TYPES, Source, audit_event

NOON = datetime(2026, 2, 2, 12, tzinfo=UTC)
HOME = Project("tenant-demo", "proj-sales")
RUN = Source(HOME, "user:ada", "sales-onboard-7f3k2m", 2)


def test_an_event_is_a_cloudevent():
    assert audit_event("dataset.updated", RUN, 7, NOON, {"loaded": 3}) == {
        "specversion": "1.0",
        "id": "sales-onboard-7f3k2m/2/7",
        "source": "chartly/tenant-demo/proj-sales",
        "type": "dataset.updated",
        "subject": "sales-onboard-7f3k2m",
        "time": "2026-02-02T12:00:00.000Z",
        "datacontenttype": "application/json",
        "data": {"actor": "user:ada", "loaded": 3},
    }


def test_an_event_without_a_run_is_about_its_project():
    event = audit_event("workflow.created", Source(HOME), 1, NOON, {})
    assert event["subject"] == "tenant-demo/proj-sales"
    assert event["id"] == "tenant-demo/proj-sales/1"
    assert event["data"] == {"actor": "unverified"}


def test_the_same_event_has_the_same_id_whenever_it_is_said():
    """CloudEvents: source and id are the identity by which duplicates are found."""
    later = audit_event("dataset.updated", RUN, 7, NOON + timedelta(hours=1), {"loaded": 4})
    assert later["id"] == audit_event("dataset.updated", RUN, 7, NOON, {})["id"]
    ids = {
        audit_event("dataset.updated", source, number, NOON, {})["id"]
        for source in (RUN, Source(HOME, run_id="other", attempt=2), Source(HOME, run_id="other"))
        for number in (1, 2)
    }
    assert len(ids) == 6


def test_the_time_is_in_utc_wherever_the_clock_hangs():
    """INV-5."""
    here = NOON.astimezone(timezone(timedelta(hours=-5)))
    assert audit_event("dataset.updated", RUN, 1, here, {})["time"] == "2026-02-02T12:00:00.000Z"


def test_an_unknown_type_is_a_bug():
    with pytest.raises(Bug, match="'dataset.renamed' is not an audit event"):
        audit_event("dataset.renamed", RUN, 1, NOON, {})


def test_the_types_are_the_playbooks():
    assert {
        "connector.profile.resolved",
        "connector.run.started",
        "connector.run.succeeded",
        "workflow.run.started",
        "workflow.run.succeeded",
        "dataset.updated",
        "analytics.query.executed",
    } <= set(EVENT_TYPES)
    assert len(set(EVENT_TYPES)) == len(EVENT_TYPES)
