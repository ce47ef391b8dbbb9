"""Waiting and refusing are different answers: what may pass by itself never ends a run."""

import pytest

from chartly.api.profile import as_resource
from chartly.reconcile.actions import Key
from chartly.reconcile.admission import CHECKS, Admitted, admitted
from chartly.reconcile.objects import condition_of, key_of
from chartly.reconcile.obstacle import Answer
from support.profiles import playbook_profiles
from support.small_cluster import RUN, SPACE, namespace, playbook_cluster

WORKFLOW = Key("Workflow", SPACE, "sales-onboard")
PROFILES = {one.id.kind: one for one in playbook_profiles()}


@pytest.fixture
def cluster():
    return playbook_cluster()


def profile_key(kind):
    return key_of(as_resource(PROFILES[kind], SPACE))


def gone(cluster):
    cluster.remove(profile_key("connector"))


def recreated(cluster):
    gone(cluster)
    cluster.add(as_resource(PROFILES["connector"], SPACE))


def looked_at_before(cluster):
    cluster.objects[profile_key("storage")]["metadata"]["generation"] += 1


def namespace_unknown(cluster):
    del cluster.objects[Key("Namespace", "", SPACE)]


def labels_gone(cluster):
    cluster.objects[Key("Namespace", "", SPACE)]["metadata"]["labels"] = {}


def workflow_unreadable(cluster):
    cluster.objects[WORKFLOW]["spec"]["steps"][0]["type"] = "teleport"


def refused_by_a_newer_version(cluster):
    ready = condition_of(cluster.objects[profile_key("connector")], "Ready")
    ready |= {"status": "False", "reason": "MoonPhaseWrong", "message": "it is waning"}


CHANGES = [
    (gone, "ProfileNotFound", "the Workflow was ready before, and is not looked at yet"),
    (recreated, "Checking", "a Profile that is being recreated has no verdict for a moment"),
    (looked_at_before, "Checking", "a verdict about an older generation is none"),
    (namespace_unknown, "NotAProject", "what was not seen may come"),
    (labels_gone, "NotAProject", "the Workflow is about to say so itself"),
    (workflow_unreadable, "ConfigInvalid", "the Workflow is about to say so itself"),
    (refused_by_a_newer_version, "Unclassified", "a reason that this version does not know"),
]


@pytest.mark.parametrize(("change", "reason", "because"), CHANGES)
def test_a_run_waits_while_what_it_names_changes(cluster, change, reason, because):
    before = {key: dict(found) for key, found in cluster.objects.items()}
    change(cluster)
    cluster.add_run()
    cluster.step(cluster.run())
    assert "outcome" not in cluster.run()["status"], because
    assert condition_of(cluster.run(), "Succeeded")["reason"] == reason
    if change in (gone, recreated):
        for key, found in before.items():
            cluster.objects.setdefault(key, found)
        cluster.settle()
        assert cluster.get("Job", f"{RUN}-a1") is not None, "it starts when it can"


@pytest.mark.parametrize(("change", "reason", "because"), CHANGES)
def test_it_does_not_wait_for_ever(cluster, change, reason, because):
    change(cluster)
    cluster.add_run()
    cluster.pass_time(601)
    cluster.step(cluster.run())
    assert cluster.run()["status"]["outcome"] == "Failed", because
    assert condition_of(cluster.run(), "Succeeded")["reason"] == reason


def test_a_word_that_only_a_newer_version_knows_is_told(cluster):
    refused_by_a_newer_version(cluster)
    cluster.add_run()
    cluster.step(cluster.run())
    message = condition_of(cluster.run(), "Succeeded")["message"]
    assert message.endswith("may not be used: MoonPhaseWrong: it is waning")


@pytest.mark.parametrize("spec", [{"parameters": {"a": "b"}}, {"rerunOf": "sales-0"}])
def test_what_nobody_but_its_author_can_change_is_refused(cluster, spec):
    """A run's spec never changes, so that waiting would help nothing."""
    obstacle = admitted(cluster.run_world(cluster.add_run(**spec)), cluster.now)
    assert obstacle.answer is Answer.REFUSE


def test_a_run_that_nothing_is_in_the_way_of_is_admitted(cluster):
    assert isinstance(admitted(cluster.run_world(cluster.add_run()), cluster.now), Admitted)
    assert len(CHECKS) == len(set(CHECKS))


def test_labels_that_name_no_project_are_a_mistake(cluster):
    cluster.objects[Key("Namespace", "", SPACE)] |= namespace(SPACE, "Tenant Demo", "proj")
    cluster.step(cluster.objects[WORKFLOW])
    ready = condition_of(cluster.objects[WORKFLOW], "Ready")
    assert ready["reason"] == "ConfigInvalid"
    assert condition_of(cluster.objects[WORKFLOW], "Stalled") is not None
