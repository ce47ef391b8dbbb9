import pytest

from chartly.api.profile import parse_profile
from chartly.api.reference import Project
from chartly.errors import Reason, SpecError
from chartly.plan.catalog import Catalog
from chartly.plan.resolve import homes, resolve, step_problems
from support.profiles import (
    HOME,
    changed,
    playbook_profile,
    playbook_profiles,
    playbook_workflow,
    workflow,
)

LOCAL = [(HOME, profile) for profile in playbook_profiles()]
SHARED = [(None, profile) for profile in playbook_profiles()]
SYNC, NORMALIZE, WRITE, QUERY = playbook_workflow().content["spec"]["steps"]


def _with_steps(*steps):
    return workflow(changed(playbook_workflow(), "spec.steps", list(steps)))


def test_every_reference_is_resolved_and_pinned():
    resolution = resolve(workflow(), Catalog(LOCAL), HOME)
    assert [str(one.reference.profile) for one in resolution.profiles] == [
        "connector/sales-http@1.0.0",
        "normalizer/sales-default@1.0.0",
        "storage/sales-events@1.0.0",
        "analytics/sales-daily-rollup@1.0.0",
    ]
    assert {one.found_text for one in resolution.profiles} == {"tenant-demo/proj-sales"}
    assert all(one.digest.startswith("sha256:") for one in resolution.profiles)


def test_the_project_is_asked_first_then_global():
    own = changed(playbook_profile("storage"), "spec.retentionDays", 7)
    catalog = Catalog([*SHARED, (HOME, parse_profile(own))])
    found = {
        one.reference.profile.kind: one.found_text
        for one in resolve(workflow(), catalog, HOME).profiles
    }
    assert found["storage"] == "tenant-demo/proj-sales"
    assert found["connector"] == "global"


def test_global_looks_only_there():
    step = {**WRITE, "storage_profile": "global::storage/sales-events@1.0.0"}
    flow = _with_steps(SYNC, NORMALIZE, step)
    assert resolve(flow, Catalog([*LOCAL, *SHARED]), HOME).profiles[2].found_text == "global"
    with pytest.raises(SpecError) as caught:
        resolve(flow, Catalog(LOCAL), HOME)
    assert caught.value.reason is Reason.PROFILE_NOT_FOUND


def test_short_references_belong_to_the_home():
    step = {**WRITE, "storage_profile": "storage/sales-events@1.0.0"}
    resolution = resolve(_with_steps(SYNC, NORMALIZE, step), Catalog(LOCAL), HOME)
    assert (
        str(resolution.steps[2].reference) == "tenant-demo/proj-sales::storage/sales-events@1.0.0"
    )


def test_disabled_steps_are_dropped():
    off = {**QUERY, "when": {"enabled": False}, "analytics_profile": "analytics/not-there@1.0.0"}
    resolution = resolve(_with_steps(SYNC, NORMALIZE, WRITE, off), Catalog(LOCAL), HOME)
    assert [step.type for step in resolution.steps] == [
        "connector_sync",
        "normalize",
        "write_dataset",
    ]


@pytest.mark.parametrize(
    ("steps", "reason", "says"),
    [
        ([{**SYNC, "connector_profile": "connector/sales-htp@1.0.0"}, NORMALIZE, WRITE], Reason.PROFILE_NOT_FOUND, "did you mean 'connector/sales-http@1.0.0'?"),
        ([{**SYNC, "connector_profile": "other/place::connector/sales-http@1.0.0"}, NORMALIZE, WRITE], Reason.CROSS_PROJECT_REFERENCE, "names project other/place"),
        ([{**SYNC, "connector_profile": "connector/sales-http@latest"}, NORMALIZE, WRITE], Reason.CONFIG_INVALID, 'spec.steps[0].connector_profile: "connector/sales-http@latest" version \'latest\''),
        ([{**SYNC, "connector_profile": "storage/sales-events@1.0.0"}, NORMALIZE, WRITE], Reason.CONFIG_INVALID, "a connector_sync step takes a connector profile"),
        ([NORMALIZE, SYNC, WRITE], Reason.CONFIG_INVALID, "must start with exactly one connector_sync"),
        ([SYNC, SYNC, NORMALIZE, WRITE], Reason.CONFIG_INVALID, "must start with exactly one connector_sync"),
        ([SYNC], Reason.CONFIG_INVALID, "pairs of normalize and write_dataset"),
        ([SYNC, WRITE, NORMALIZE], Reason.CONFIG_INVALID, "pairs of normalize and write_dataset"),
        ([SYNC, NORMALIZE, WRITE, NORMALIZE], Reason.CONFIG_INVALID, "pairs of normalize and write_dataset"),
        ([SYNC, NORMALIZE, QUERY, WRITE], Reason.CONFIG_INVALID, "pairs of normalize and write_dataset"),
        ([SYNC, NORMALIZE, WRITE, QUERY, NORMALIZE, WRITE], Reason.CONFIG_INVALID, "pairs of normalize and write_dataset"),
        ([SYNC, {**NORMALIZE, "stream": "a"}, {**WRITE, "stream": "b"}], Reason.CONFIG_INVALID, "stream 'a' is not 'b'"),
    ],
)  # fmt: skip
def test_what_cannot_run_is_refused_with_a_reason(steps, reason, says):
    """INV-10."""
    with pytest.raises(SpecError) as caught:
        resolve(_with_steps(*steps), Catalog(LOCAL), HOME)
    assert says in caught.value.message
    assert caught.value.reason is reason


def test_one_version_has_one_content():
    other = parse_profile(changed(playbook_profile("storage"), "spec.retentionDays", 7))
    with pytest.raises(SpecError, match="differs from the same version") as caught:
        Catalog([*LOCAL, (HOME, other)])
    assert caught.value.reason is Reason.DIGEST_CONFLICT
    assert len(list(Catalog([*LOCAL, *LOCAL, (None, other)]))) == 5


def test_homes_are_the_projects_that_references_name():
    assert homes(workflow()) == {HOME}
    mixed = _with_steps(
        {**SYNC, "connector_profile": "a/b::connector/x@1.0.0"},
        {**NORMALIZE, "normalizer_profile": "global::normalizer/x@1.0.0"},
        {**WRITE, "storage_profile": "storage/x@1.0.0"},
    )
    assert homes(mixed) == {Project("a", "b")}


@pytest.mark.parametrize(
    ("steps", "says"),
    [
        ([SYNC, NORMALIZE, WRITE, QUERY], []),
        ([NORMALIZE, SYNC, WRITE], ["spec.steps: must start with exactly one connector_sync"]),
        (
            [
                {**SYNC, "connector_profile": "a/b::connector/c@latest"},
                {**NORMALIZE, "normalizer_profile": "storage/a@1.0.0"},
                WRITE,
            ],
            [
                "spec.steps[0].connector_profile: \"a/b::connector/c@latest\" version 'latest'",
                'spec.steps[1].normalizer_profile: "storage/a@1.0.0" names a storage profile',
            ],
        ),
        ([SYNC, NORMALIZE, WRITE, {**QUERY, "when": {"enabled": False}}], []),
        (
            [SYNC, NORMALIZE, WRITE, {**QUERY, "when": {"enabled": False}, "analytics_profile": "x"}],
            ['spec.steps[3].analytics_profile: "x" must have the form'],
        ),
    ],
)  # fmt: skip
def test_steps_show_their_mistakes_without_any_profile(steps, says):
    found = list(step_problems(_with_steps(*steps)))
    assert len(found) == len(says)
    for sentence, part in zip(found, says, strict=True):
        assert f"workflow sales-onboard@1.0.0: {part}" in str(sentence)
