import pytest

from chartly.names import versions_name
from chartly.reconcile.actions import ApplyData, ApplyStatus, Decision, Key, Post
from chartly.reconcile.objects import condition_of
from chartly.reconcile.profile_decision import decide_profile
from chartly.reconcile.world import ProfileWorld
from support.profiles import playbook_profiles
from support.small_cluster import GLOBAL, SETTINGS, SPACE, Cluster, namespace, profile_resource

STORAGE = next(one for one in playbook_profiles() if one.id.kind == "storage")
KEY = Key("Profile", SPACE, STORAGE.id.object_name)
MEMORY = versions_name("storage", "sales-events")


@pytest.fixture
def cluster():
    found = Cluster()
    found.add(profile_resource(STORAGE, SPACE))
    return found


def ready(cluster):
    return condition_of(cluster.objects[KEY], "Ready")


def test_a_valid_profile_is_remembered_then_ready(cluster):
    actions = cluster.decide(cluster.objects[KEY]).actions
    assert [type(one) for one in actions] == [ApplyData, ApplyStatus, Post]
    cluster.settle()
    digest = cluster.objects[KEY]["status"]["digest"]
    assert cluster.get("ConfigMap", MEMORY)["data"] == {"1.0.0": digest}
    assert (ready(cluster)["status"], ready(cluster)["reason"]) == ("True", "Ready")
    assert cluster.decide(cluster.objects[KEY]) == Decision(), "a second look writes nothing"


def test_the_same_version_with_other_content_is_a_conflict_for_ever(cluster):
    cluster.settle()
    cluster.remove(KEY)
    changed = {**STORAGE.written, "retentionDays": 7}
    document = profile_resource(STORAGE, SPACE)
    document["spec"] = {**document["spec"], "storage": changed}
    cluster.add(document)
    cluster.settle()
    assert ready(cluster)["reason"] == "DigestConflict"
    assert condition_of(cluster.objects[KEY], "Stalled") is not None
    assert ("DigestConflict", ready(cluster)["message"]) in cluster.told
    cluster.remove(KEY)
    cluster.add(profile_resource(STORAGE, SPACE))
    cluster.settle()
    assert ready(cluster)["status"] == "True"


@pytest.mark.parametrize(
    ("spec", "reason", "says"),
    [
        ({"dataset": "Sales"}, "ConfigInvalid", "spec.storage.dataset"),
        (
            {"dataset": "sales", "writeMode": "replace"},
            "NotServed",
            'spec.storage.writeMode: "replace"',
        ),
    ],
)
def test_what_the_schema_cannot_see_is_said_in_ready(cluster, spec, reason, says):
    """INV-10: the command line's sentence."""
    cluster.change(KEY, storage=spec)
    cluster.settle()
    assert ready(cluster)["reason"] == reason
    assert says in ready(cluster)["message"]
    assert cluster.get("ConfigMap", MEMORY) is None, "what is refused is not remembered"


def test_a_namespace_without_labels_is_no_project(cluster):
    cluster.objects[Key("Namespace", "", SPACE)]["metadata"]["labels"] = {}
    cluster.settle()
    assert ready(cluster)["reason"] == "NotAProject"
    assert "chartly project create" in ready(cluster)["message"]


def test_a_namespace_that_is_not_known_yet_is_none_either(cluster):
    world = ProfileWorld(cluster.objects[KEY], None, (), None)
    status = decide_profile(world, SETTINGS, cluster.now).actions[0].status
    assert status["conditions"][0]["reason"] == "NotAProject"


def test_the_older_of_two_namespaces_keeps_the_project(cluster):
    space = cluster.objects[Key("Namespace", "", SPACE)]
    other = cluster.add(namespace("copy", "tenant-demo", "proj-sales"))
    world = ProfileWorld(cluster.objects[KEY], space, (space, other), None)
    assert (
        decide_profile(world, SETTINGS, cluster.now).actions[1].status["conditions"][0]["status"]
        == "True"
    )
    world = ProfileWorld(cluster.objects[KEY], other, (space, other), None)
    condition = decide_profile(world, SETTINGS, cluster.now).actions[0].status["conditions"][0]
    assert condition["reason"] == "DuplicateProject"
    assert SPACE in condition["message"]


def test_a_shared_profile_needs_no_project(cluster):
    shared = cluster.add(profile_resource(STORAGE, GLOBAL))
    cluster.settle()
    assert condition_of(shared, "Ready")["status"] == "True"


def test_a_profile_that_goes_is_left_alone(cluster):
    cluster.objects[KEY]["metadata"]["deletionTimestamp"] = "2026-02-10T06:00:00Z"
    assert cluster.decide(cluster.objects[KEY]) == Decision()


def test_a_condition_keeps_its_time_while_its_status_does(cluster):
    cluster.settle()
    before = ready(cluster)["lastTransitionTime"]
    cluster.pass_time(60)
    cluster.change(KEY, storage={**STORAGE.written, "retentionDays": 7})
    cluster.settle()
    failed = ready(cluster)["lastTransitionTime"]
    assert failed > before
    cluster.pass_time(60)
    cluster.change(KEY, storage={"dataset": "Sales"})
    cluster.settle()
    assert ready(cluster)["reason"] == "ConfigInvalid"
    assert ready(cluster)["lastTransitionTime"] == failed
