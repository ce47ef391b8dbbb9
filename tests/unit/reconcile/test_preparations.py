import copy
from collections.abc import Mapping

import pytest

from chartly.errors import Reason
from chartly.reconcile import preparations as module
from chartly.reconcile.objects import name_of
from chartly.reconcile.obstacle import Obstacle
from chartly.reconcile.preparations import Preparations
from chartly.reconcile.reachable_profiles import ReachableProfiles, UsableProfiles
from chartly.reconcile.resolution import Resolved
from chartly.reconcile.workflow_content import Policy, WorkflowContent
from support.profiles import HOME
from support.small_cluster import GLOBAL, SPACE, playbook_cluster


class Counted(Mapping):
    """Profiles by name that note what is read of them."""

    def __init__(self, objects):
        self.objects, self.read = objects, []

    def __getitem__(self, name):
        self.read.append(name)
        return self.objects[name]

    def __iter__(self):
        raise AssertionError("all of them were listed")

    def __len__(self):
        return len(self.objects)


@pytest.fixture
def cluster():
    return playbook_cluster()


@pytest.fixture
def made(monkeypatch):
    """How often something was resolved."""
    made = []

    def resolved(*arguments):
        made.append(arguments)
        return real(*arguments)

    real = module.resolved
    monkeypatch.setattr(module, "resolved", resolved)
    return made


def flow(cluster):
    return cluster.get("Workflow", "sales-onboard")


def reachable(cluster):
    own, shared = (
        {name_of(one): one for one in cluster.of("Profile", place)} for place in (SPACE, GLOBAL)
    )
    return ReachableProfiles(own, shared)


def test_the_second_time_it_is_not_resolved_again(cluster, made):
    preparations = Preparations()
    first = preparations.resolved(flow(cluster), HOME, reachable(cluster))
    assert isinstance(first, Resolved)
    assert preparations.resolved(flow(cluster), HOME, reachable(cluster)) is first
    assert len(made) == 1


def test_what_status_says_of_a_workflow_changes_nothing(cluster, made):
    preparations, before = Preparations(), flow(cluster)
    preparations.resolved(before, HOME, reachable(cluster))
    after = copy.deepcopy(before)
    after["metadata"]["resourceVersion"] = "999"
    after["status"]["active"] = [{"run": "r", "uid": "u"}]
    preparations.resolved(after, HOME, reachable(cluster))
    assert len(made) == 1


def _new_generation(workflow, _profiles, _shared):
    workflow["metadata"]["generation"] += 1


def _another_workflow(workflow, _profiles, _shared):
    workflow["metadata"]["uid"] = "another"


def _profile_changes(_workflow, profiles, _shared):
    profile = profiles["storage-sales-events-1.0.0"]
    profile["metadata"]["generation"] += 1
    profile["status"]["conditions"][0]["observedGeneration"] += 1


def _profile_is_checked_anew(_workflow, profiles, _shared):
    profiles["storage-sales-events-1.0.0"]["metadata"]["generation"] += 1


def _profile_is_another(_workflow, profiles, _shared):
    profiles["storage-sales-events-1.0.0"]["metadata"]["uid"] = "another"


def _profile_digest_differs(_workflow, profiles, _shared):
    profiles["storage-sales-events-1.0.0"]["status"]["digest"] = "sha256:other"


def _profile_moves_to_global(_workflow, profiles, shared):
    shared["storage-sales-events-1.0.0"] = profiles.pop("storage-sales-events-1.0.0")


def _a_twin_comes_into_the_project(_workflow, profiles, shared):
    shared["storage-sales-events-1.0.0"] = profiles["storage-sales-events-1.0.0"]


@pytest.mark.parametrize(
    ("change", "because"),
    [
        (_new_generation, "its spec may say something else"),
        (_another_workflow, "one of that name was made anew"),
        (_profile_changes, "the profile's spec may say something else"),
        (_profile_is_checked_anew, "it may not be used until it is checked"),
        (_profile_is_another, "one of that name was made anew"),
        (_profile_digest_differs, "what was checked is not what was resolved"),
        (_profile_moves_to_global, "evidence says where each was found"),
        (_a_twin_comes_into_the_project, "a reference looks in both places"),
    ],
)
def test_whatever_may_change_the_result_makes_it_resolve_again(cluster, made, change, because):
    preparations = Preparations()
    workflow, reach = copy.deepcopy(flow(cluster)), reachable(cluster)
    preparations.resolved(workflow, HOME, reach)
    own, shared = copy.deepcopy(dict(reach.own)), copy.deepcopy(dict(reach.shared))
    change(workflow, own, shared)
    preparations.resolved(workflow, HOME, ReachableProfiles(own, shared))
    assert len(made) == 2, because


def test_a_reference_to_global_has_nothing_to_do_with_the_project(cluster, made):
    workflow, reach = copy.deepcopy(flow(cluster)), reachable(cluster)
    for step in workflow["spec"]["steps"]:
        for field in set(step) & {"storage_profile", "dataset_id"}:
            step[field] = f"global::{step[field].rpartition('::')[2]}"
    name = "storage-sales-events-1.0.0"
    shared = {name: reach.own[name]}
    preparations = Preparations()
    for own in (reach.own, {key: one for key, one in reach.own.items() if key != name}):
        found = preparations.resolved(workflow, HOME, ReachableProfiles(own, shared))
        assert isinstance(found, Resolved)
    assert {one["foundIn"] for one in found.pins} == {str(HOME), "global"}
    assert len(made) == 1


def test_an_obstacle_is_looked_at_again_each_time(cluster, made):
    preparations = Preparations()
    for _ in range(2):
        found = preparations.resolved(flow(cluster), HOME, ReachableProfiles())
        assert isinstance(found, Obstacle)
        assert found.reason is Reason.PROFILE_NOT_FOUND
    assert len(made) == 2


@pytest.mark.parametrize("others", [0, 10, 10_000])
def test_a_launch_reads_the_named_profiles_whatever_else_the_project_has(cluster, others):
    """INV: what a launch costs does not grow with the project."""
    named = {name_of(one): one for one in cluster.of("Profile", SPACE)}
    own = Counted({**{f"storage-other-{n}-1.0.0": {} for n in range(others)}, **named})
    preparations = Preparations()
    for _ in range(2):
        found = preparations.resolved(flow(cluster), HOME, ReachableProfiles(own, Counted({})))
        assert isinstance(found, Resolved)
    assert set(own.read) == set(named)
    # Found, stamped when kept, stamped when asked for again.
    assert len(own.read) == 3 * len(named)


def test_a_missing_profile_is_told_with_the_nearest_of_those_that_may_be_used(cluster):
    reach = reachable(cluster)
    own = {
        name.replace("1.0.0", "1.0.1"): {**one, "spec": {**one["spec"], "version": "1.0.1"}}
        for name, one in reach.own.items()
    }
    found = Preparations().resolved(flow(cluster), HOME, ReachableProfiles(own, {}))
    assert isinstance(found, Obstacle)
    assert "connector/sales-http@1.0.1" in found.message
    assert UsableProfiles(ReachableProfiles(own, {})).names(None) == []


def test_only_so_many_frozen_inputs_are_kept(cluster, made):
    size = len(Preparations().resolved(flow(cluster), HOME, reachable(cluster)).snapshot.content)
    made.clear()
    small, large = Preparations(room=size), Preparations(room=2 * size)
    other = copy.deepcopy(flow(cluster))
    other["metadata"]["uid"] = "other"
    for preparations in (small, large):
        for workflow in (flow(cluster), other, flow(cluster)):
            preparations.resolved(workflow, HOME, reachable(cluster))
    assert len(made) == 3 + 2


def test_content_is_read_once_and_only_so_many_are_kept(cluster, monkeypatch):
    reads = []
    real = module.read_content
    monkeypatch.setattr(module, "read_content", lambda one: reads.append(one) or real(one))
    preparations, first = Preparations(contents=1), flow(cluster)
    assert isinstance(preparations.content(first), WorkflowContent)
    assert preparations.content(first) is preparations.content(first)
    assert len(reads) == 1
    preparations.content({**first, "metadata": {**first["metadata"], "uid": "other"}})
    preparations.content(first)
    assert len(reads) == 3


def test_what_cannot_be_read_has_no_policy(cluster):
    run = cluster.add_run()
    broken = flow(cluster)
    broken["spec"]["steps"] = "none"
    broken["metadata"]["generation"] += 1
    world = cluster.run_world(run)
    assert isinstance(world.preparations.content(broken), Obstacle)
    assert world.policy == Policy()
