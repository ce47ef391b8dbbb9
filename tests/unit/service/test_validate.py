"""What a validation finds, without a command line and without files."""

import pytest

from chartly.api.place import Place
from chartly_service.validate import validate
from chartly_service.workspace import Workspace
from support.playbook_workspace import playbook_workspace
from support.profiles import changed, playbook_profile, playbook_workflow


def no_engine(_plan):
    pytest.fail("there was no query to check")


def accepts(_plan):
    return None


def refuses(plan):
    raise plan.analytics[0].text_place.refusal("the query cannot run")


def named(*documents):
    workspace = Workspace(playbook_workspace().root)
    for document in documents:
        workspace.add(document, shared=False)
    return workspace


TWIN = changed(playbook_workflow(), "metadata.name", "sales-twin")
CASES = [
    ((), [], "the playbook is valid"),
    ((changed(playbook_profile("storage"), "spec.retentionDays", 31),), ["DigestConflict"], "one version, two contents"),
    ((changed(playbook_profile("storage"), "spec.retention", 31),), ["ConfigInvalid"], "an unknown field"),
    ((changed(playbook_workflow(), "spec.steps.3.when.enabled", False),), ["VersionReused"], "one version, other steps"),
    ((TWIN,), ["DatasetInUse", "DatasetInUse"], "two workflows write both datasets"),
    ((changed(TWIN, "spec.steps.0.connector_profile", "connector/sales-http@2.0.0"),), ["ProfileNotFound"], "a reference to nothing"),
]  # fmt: skip


@pytest.mark.parametrize(("more", "reasons", "because"), CASES, ids=[case[2] for case in CASES])
def test_every_problem_is_found_once(more, reasons, because):
    workspace = playbook_workspace(*more)
    validation = validate(workspace, None, accepts)
    assert [problem.reason.value for problem in validation.problems] == reasons, because
    assert validation.checked == workspace.size
    assert validation.unchecked == []


def test_what_an_engine_refuses_is_a_problem_of_the_profile():
    (problem,) = validate(playbook_workspace(), None, refuses).problems
    assert "analytics/sales-daily-rollup@1.0.0" in str(problem)
    assert "the query cannot run" in str(problem)


def test_no_workflow_is_resolved_while_an_object_has_a_problem():
    workspace = playbook_workspace(TWIN)
    workspace.problems.append(Place(object="a file").problem("cannot be read"))
    validation = validate(workspace, None, no_engine)
    assert [str(problem) for problem in validation.problems] == ["a file: cannot be read"]


def test_a_named_workflow_is_resolved_with_the_profiles_of_the_folder():
    alone = named(playbook_workflow())
    beside = validate(playbook_workspace(), alone, refuses)
    assert (beside.checked, len(beside.problems), beside.unchecked) == (1, 1, [])
    apart = validate(Workspace(alone.root), alone, no_engine)
    assert apart.problems == []
    assert [part.rpartition("profile ")[2] for part in apart.unchecked] == [
        f"'tenant-demo/proj-sales::{name}@1.0.0' is not in the named files or the folder"
        for name in (
            "connector/sales-http",
            "normalizer/sales-default",
            "storage/sales-events",
            "analytics/sales-daily-rollup",
        )
    ]


def test_a_named_profile_stands_before_the_folder_s_own():
    mine = changed(playbook_profile("normalizer"), "spec.mapping.event_id", "$.other")
    validation = validate(playbook_workspace(), named(mine, playbook_workflow()), accepts)
    assert (validation.checked, list(validation.problems)) == (2, [])
