"""Conditions and Events are projections of problems: one reason and one message for one mistake."""

import pytest

from chartly.api.profile import parse_profile
from chartly.errors import Problem, Reason, SpecError
from chartly.reconcile.actions import Decision, Key, Post
from chartly.reconcile.conditions import verdict_actions, verdict_conditions
from chartly.reconcile.objects import condition_of, document_of
from chartly.reconcile.obstacle import refuse, refused, wait
from support.profiles import playbook_profiles
from support.small_cluster import SPACE, Cluster, namespace, profile_resource

STORAGE = next(profile for profile in playbook_profiles() if profile.id.kind == "storage")
KEY = Key("Profile", SPACE, STORAGE.id.object_name)
FIRST = Problem("must be above 0", object="a", path="spec.x", value=0)
SECOND = Problem("is required", Reason.NOT_SERVED, object="a", path="spec.y")
MISTAKES = [
    (refused(SpecError([FIRST])), "a: spec.x: 0 must be above 0", "one problem is its sentence"),
    (
        refused(SpecError([FIRST, SECOND, SECOND])),
        "a: spec.x: 0 must be above 0 (and 2 more)",
        "of several the first is shown, and how many more there are",
    ),
    (
        refused(SpecError([FIRST, SECOND])).awaited(),
        "a: spec.x: 0 must be above 0 (and 1 more)",
        "what is waited for is the same mistake",
    ),
    (refuse(SECOND), "a: spec.y: is required", "a check's own problem"),
    (wait(SECOND), "a: spec.y: is required", "a check's own problem"),
]


@pytest.mark.parametrize(("obstacle", "message", "because"), MISTAKES)
def test_conditions_and_events_show_the_problems(obstacle, message, because):
    profile = profile_resource(STORAGE, SPACE)
    profile["metadata"] |= {"uid": "u"}
    *_, event = verdict_actions(profile, {}, obstacle)
    assert isinstance(event, Post)
    shown = {(one.reason.value, one.message) for one in verdict_conditions(obstacle)}
    assert shown == {(obstacle.problems[0].reason.value, message)}, because
    assert (event.reason, event.message) == (obstacle.problems[0].reason.value, message), because


def test_an_obstacle_that_is_waited_for_keeps_its_problems():
    refusal = refused(SpecError([FIRST, SECOND]))
    assert not refusal.waits
    assert refusal.awaited().waits
    assert refusal.awaited().problems == refusal.problems == (FIRST, SECOND)


def without_name_and_key(cluster):
    cluster.change(KEY, storage={"dataset": "Sales", "retentionDays": -1})


def labels_gone(cluster):
    cluster.objects[Key("Namespace", "", SPACE)]["metadata"]["labels"] = {}


def changed(cluster):
    cluster.settle()
    cluster.change(KEY, storage={**STORAGE.written, "retentionDays": 7})


@pytest.mark.parametrize("mistake", [without_name_and_key, labels_gone, changed])
def test_a_mistake_is_reported_alike_everywhere(mistake):
    cluster = Cluster()
    cluster.add(profile_resource(STORAGE, SPACE))
    mistake(cluster)
    cluster.settle()
    profile = cluster.objects[KEY]
    ready, stalled = (condition_of(profile, kind) for kind in ("Ready", "Stalled"))
    assert (ready["reason"], ready["message"]) == (stalled["reason"], stalled["message"])
    assert (ready["reason"], ready["message"]) in cluster.told
    assert cluster.decide(profile) == Decision()


def test_several_mistakes_are_the_parsers_sentence():
    cluster = Cluster()
    cluster.add(profile_resource(STORAGE, SPACE))
    without_name_and_key(cluster)
    cluster.settle()
    with pytest.raises(SpecError) as caught:
        parse_profile(document_of(cluster.objects[KEY]))
    assert len(caught.value.problems) > 1
    ready = condition_of(cluster.objects[KEY], "Ready")
    assert (ready["reason"], ready["message"]) == (
        caught.value.problems[0].reason.value,
        f"{caught.value.problems[0]} (and {len(caught.value.problems) - 1} more)",
    )


def test_a_second_claim_of_a_project_names_its_namespace():
    from chartly.reconcile.namespace_project import project_of

    first = namespace("first", "tenant-demo", "proj-sales")
    second = namespace("second", "tenant-demo", "proj-sales")
    for document, created in ((first, "2026-01-01"), (second, "2026-01-02")):
        document["metadata"]["creationTimestamp"] = f"{created}T00:00:00Z"
    obstacle = project_of(second, (first, second))
    assert obstacle.problems[0].object == "namespace 'second'"
    assert obstacle.message.startswith("namespace 'second': project tenant-demo/proj-sales is")
