import pytest

from chartly.reconcile.actions import Decision, Key
from chartly.reconcile.objects import condition_of
from support.profiles import playbook_profiles, workflow
from support.small_cluster import (
    GLOBAL,
    SPACE,
    Cluster,
    playbook_cluster,
    profile_resource,
    workflow_resource,
)

FLOW = Key("Workflow", SPACE, "sales-onboard")
STORAGE = next(one for one in playbook_profiles() if one.id.kind == "storage")
STORED = Key("Profile", SPACE, STORAGE.id.object_name)


@pytest.fixture
def cluster():
    return playbook_cluster()


def ready(cluster, key=FLOW):
    return condition_of(cluster.objects[key], "Ready")


def test_a_workflow_pins_what_it_resolves_to(cluster):
    status = cluster.objects[FLOW]["status"]
    assert status["resolvedGeneration"] == status["observedGeneration"] == 1
    assert [one["foundIn"] for one in status["resolvedProfiles"]] == ["tenant-demo/proj-sales"] * 4
    assert status["datasets"] == ["sales-events", "sales-rollup-daily"]
    assert ready(cluster)["status"] == "True"
    assert cluster.decide(cluster.objects[FLOW]) == Decision()


def test_digests_are_those_of_the_laptop(cluster):
    """INV-5: the same files, the same config digest, whoever reads them."""
    from chartly.plan.catalog import Catalog
    from chartly.plan.resolve import resolve
    from chartly.plan.snapshot import freeze
    from support.profiles import HOME

    catalog = Catalog((HOME, profile) for profile in playbook_profiles())
    assert (
        cluster.objects[FLOW]["status"]["configDigest"]
        == freeze(resolve(workflow(), catalog, HOME)).digest
    )


def test_a_missing_profile_is_named_with_the_nearest_and_comes_later(cluster):
    cluster.remove(STORED)
    cluster.add(
        profile_resource(STORAGE, SPACE)
        | {
            "metadata": {"name": "storage-sales-event-1.0.0", "namespace": SPACE},
            "spec": {
                "kind": "storage",
                "name": "sales-event",
                "version": "1.0.0",
                "storage": dict(STORAGE.written),
            },
        }
    )
    cluster.settle()
    assert ready(cluster)["reason"] == "ProfileNotFound"
    assert "did you mean 'storage/sales-event@1.0.0'?" in ready(cluster)["message"]
    assert condition_of(cluster.objects[FLOW], "Reconciling") is not None, "it may still come"
    assert ("ProfileNotFound", ready(cluster)["message"]) in cluster.told
    cluster.add(profile_resource(STORAGE, SPACE))
    cluster.settle()
    assert ready(cluster)["status"] == "True"


def test_a_profile_that_is_not_checked_yet_is_waited_for_silently():
    cluster = Cluster()
    for profile in playbook_profiles():
        cluster.add(profile_resource(profile, SPACE))
    flow = cluster.add(workflow_resource(workflow(), SPACE))
    cluster.step(flow)
    assert ready(cluster)["reason"] == "Checking"
    assert cluster.told == []


def test_a_profile_that_may_not_be_used_lends_its_reason(cluster):
    cluster.change(STORED, storage={**STORAGE.written, "retentionDays": 7})
    cluster.settle()
    assert ready(cluster)["reason"] == "DigestConflict"
    assert "may not be used" in ready(cluster)["message"]


def test_profiles_that_nobody_can_read_are_no_hint(cluster):
    cluster.remove(STORED)
    document = profile_resource(STORAGE, SPACE)
    document["metadata"] = {"name": "storage-sales-evnts-1.0.0", "namespace": SPACE}
    document["spec"] = {"kind": "storage", "name": "sales-evnts", "version": "1.0.0"}
    cluster.add(document)
    cluster.settle()
    assert ready(cluster)["reason"] == "ProfileNotFound"
    assert "sales-evnts" not in ready(cluster)["message"]


def test_a_profile_that_nobody_can_read_tells_why_it_is_not_used(cluster):
    cluster.objects[STORED]["spec"].pop("storage")
    cluster.objects[STORED]["metadata"]["generation"] += 1
    cluster.settle()
    assert ready(cluster)["reason"] == "ConfigInvalid"
    assert "spec.storage: is required" in ready(cluster)["message"]


def test_a_profile_that_may_be_used_is_not_blamed_for_another(cluster):
    cluster.remove(STORED)
    cluster.settle()
    assert "may not be used" not in ready(cluster)["message"]


def test_what_a_reference_resolved_to_is_kept_until_the_workflow_changes(cluster):
    """A fallback never swaps content silently."""
    shared = profile_resource(STORAGE, GLOBAL)
    shared["spec"] = {**shared["spec"], "storage": {**STORAGE.written, "retentionDays": 7}}
    cluster.add(shared)
    cluster.settle()
    before = cluster.objects[FLOW]["status"]["resolvedProfiles"]
    cluster.remove(STORED)
    cluster.settle()
    assert ready(cluster)["reason"] == "ResolutionChanged"
    assert "is now" in ready(cluster)["message"]
    assert cluster.objects[FLOW]["status"]["resolvedProfiles"] == before
    cluster.change(FLOW, retry={"maxAttempts": 2})
    cluster.settle()
    assert ready(cluster)["status"] == "True"
    assert cluster.objects[FLOW]["status"]["resolvedProfiles"][2]["foundIn"] == "global"


def test_a_version_keeps_its_steps_even_when_the_workflow_is_made_anew(cluster):
    steps = cluster.objects[FLOW]["spec"]["steps"]
    cluster.remove(FLOW)
    document = workflow_resource(workflow(), SPACE)
    document["spec"] = {**document["spec"], "steps": steps[:3]}
    cluster.add(document)
    cluster.settle()
    assert ready(cluster)["reason"] == "VersionReused"
    cluster.change(FLOW, version="1.0.1")
    cluster.settle()
    assert ready(cluster)["status"] == "True"


def test_a_dataset_has_one_writer_and_the_older_one_keeps_it(cluster):
    document = workflow_resource(workflow(), SPACE)
    document["metadata"] = {"name": "another", "namespace": SPACE}
    cluster.pass_time(10)
    cluster.add(document)
    cluster.settle()
    other = Key("Workflow", SPACE, "another")
    assert ready(cluster, other)["reason"] == "DatasetInUse"
    assert "'sales-onboard'" in ready(cluster, other)["message"]
    assert ready(cluster)["status"] == "True"
    cluster.remove(FLOW)
    cluster.settle()
    assert ready(cluster, other)["status"] == "True"


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        ({"steps": []}, "ConfigInvalid"),
        ({"schedule": {"cron": "0 * * * *"}}, "NotServed"),
        (
            {"steps": [{"type": "connector_sync", "connector_profile": "connector/x@latest"}]},
            "ConfigInvalid",
        ),
    ],
)
def test_a_workflow_that_cannot_run_says_so(cluster, spec, reason):
    """INV-10."""
    cluster.change(FLOW, version="1.0.1", **spec)
    cluster.settle()
    assert ready(cluster)["reason"] == reason
    assert condition_of(cluster.objects[FLOW], "Stalled") is not None


def test_a_workflow_outside_any_project_cannot_run(cluster):
    cluster.objects[Key("Namespace", "", SPACE)]["metadata"]["labels"] = {}
    cluster.settle()
    assert ready(cluster)["reason"] == "NotAProject"


def test_a_workflow_that_goes_is_left_alone(cluster):
    cluster.objects[FLOW]["metadata"]["deletionTimestamp"] = "2026-02-10T06:00:00Z"
    assert cluster.decide(cluster.objects[FLOW]) == Decision()
