"""Which prerequisites are checked, in which order, and how often each is listed."""

import pytest

from chartly_service.doctor import doctor
from chartly_service.prerequisites import Prerequisite
from support.playbook_workspace import playbook_workspace
from support.profiles import changed, playbook_profile, playbook_workflow


class Site:
    """A machine that lacks at most one thing."""

    def __init__(self, lacking=""):
        self.lacking = lacking

    def check(self, name):
        return Prerequisite(name, name != self.lacking, "a sentence")

    def machine(self):
        yield self.check("machine")

    def secret(self, _reference, _connector):
        return self.check("secret")

    def store(self):
        yield self.check("store")


def accepts(_plan):
    return None


def refuses(plan):
    raise plan.analytics[0].text_place.refusal("the query cannot run")


def unasked(_plan):
    pytest.fail("a query was checked although a run would not come so far")


TWIN = changed(playbook_workflow(), "metadata.name", "sales-twin")
BROKEN = changed(TWIN, "spec.steps.0.connector_profile", "connector/sales-http@2.0.0")
FILES = ["machine", "store", "profiles", "workflows"]
WHOLE = [*FILES, "project", "plan", "secret", "queries"]
CASES = [
    ((), accepts, "", WHOLE, [], "all is there"),
    ((), unasked, "secret", WHOLE[:-1], ["secret"], "queries wait for the rest"),
    ((), refuses, "", WHOLE, ["queries"], "an engine refuses a query"),
    ((TWIN,), accepts, "", [*WHOLE, "plan", "queries"], [], "what two workflows share is listed once"),
    ((BROKEN,), accepts, "", [*WHOLE, "plan"], ["plan"], "one of two does not resolve"),
    ((changed(playbook_profile("storage"), "spec.x", 1),), unasked, "", FILES, ["profiles"], "a file has a problem"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("more", "check_queries", "lacking", "listed", "failed", "because"),
    CASES,
    ids=[case[-1] for case in CASES],
)
def test_prerequisites_are_checked_in_order(more, check_queries, lacking, listed, failed, because):
    checked = doctor(playbook_workspace(*more), Site(lacking), check_queries)
    assert [prerequisite.name for prerequisite in checked] == listed, because
    assert [prerequisite.name for prerequisite in checked if not prerequisite.ok] == failed
    assert len(set(checked)) == len(checked)
