import json

import pytest

from chartly.names import CONFIG_LABEL, DEPRECATED_ANNOTATION
from chartly.reconcile.actions import Key
from chartly_operator.cache import Cache
from chartly_operator.indexes import awaits_launch
from chartly_operator.trimming import trim

KEY = Key("Job", "a", "one")


def found(version, uid="u1", **more):
    metadata = {"name": "one", "namespace": "a", "uid": uid, "resourceVersion": str(version)}
    return {"kind": "Job", "metadata": metadata, **more}


def cache():
    return Cache(lambda one: [("colour", one.get("colour")), ("colour", one.get("colour"))])


def test_what_is_newer_replaces_what_is_known():
    known = cache()
    first = known.put(found(5))
    assert (first.before, first.after) == (None, found(5))
    second = known.put(found(10, colour="red"))
    assert (second.before, second.after) == (found(5), found(10, colour="red"))
    assert known.get(KEY) == found(10, colour="red")


def test_what_is_older_or_the_same_is_no_news():
    known = cache()
    known.put(found(10))
    assert known.put(found(9)) is None, "9 < 10 as numbers, not as text"
    assert known.put(found(10)) is None
    assert known.get(KEY) == found(10)


def test_versions_that_are_no_numbers_are_only_told_apart():
    known = cache()
    known.put(found("x9"))
    assert known.put(found("x9")) is None
    assert known.put(found("x10")) is not None


def test_what_was_deleted_stays_deleted():
    """A watch that tells old things again brings nothing back."""
    known = cache()
    known.put(found(5))
    gone = known.drop(found(7))
    assert (gone.before, gone.after) == (found(5), None)
    for version in (4, 5, 7, 99):
        assert known.put(found(version)) is None
    assert known.get(KEY) is None
    assert known.drop(found(7)) is None


def test_another_object_of_that_name_takes_its_place():
    known = cache()
    known.put(found(5))
    assert known.put(found(9, uid="u2")) is not None
    assert known.put(found(12)) is None, "the earlier object is over"
    assert known.drop(found(12)) is None, "its deletion does not concern the later one"
    assert known.get(KEY) == found(9, uid="u2")


def test_an_earlier_object_of_that_name_comes_too_late():
    known = cache()
    known.put(found(9, uid="u2"))
    assert known.put(found(5)) is None
    assert known.get(KEY) == found(9, uid="u2")


def test_a_deletion_that_comes_first_is_remembered():
    known = cache()
    assert known.drop(found(7)) is None
    assert known.put(found(5)) is None


def test_objects_are_found_by_what_they_are_now():
    known = cache()
    known.put(found(5, colour="red"))
    assert known.find("colour", "red") == (found(5, colour="red"),)
    known.put(found(6, colour="blue"))
    assert (known.find("colour", "red"), known.count("colour", "red")) == ((), 0)
    assert known.count("colour", "blue") == 1
    known.drop(found(7))
    assert known.find("colour", "blue") == ()
    assert not known._index


def test_memory_of_the_deleted_is_bounded(monkeypatch):
    monkeypatch.setattr("chartly_operator.cache._REMEMBERED", 2)
    known = cache()
    for uid in ("a", "b", "c"):
        known.drop(found(1, uid=uid))
    assert list(known._gone) == ["b", "c"]


def test_objects_lose_what_nothing_reads():
    applied = "kubectl.kubernetes.io/last-applied-configuration"
    deprecated = {DEPRECATED_ANNOTATION: "old"}
    noise = {applied: "{}", "theirs": "x" * 100_000}
    metadata = {"managedFields": [1], "finalizers": ["x"], "annotations": {**noise, **deprecated}}
    given = {"metadata": metadata, "spec": {"a": 1}}
    assert trim(given) == {"metadata": {"annotations": deprecated}, "spec": {"a": 1}}
    assert "managedFields" in metadata, "what was given is not changed"
    assert trim({"metadata": {"annotations": noise}}) == {"metadata": {}}


def test_only_the_memory_of_versions_keeps_its_data():
    for labels, kept in (
        ({CONFIG_LABEL: "snapshot"}, False),
        ({CONFIG_LABEL: "versions"}, True),
        ({}, False),
    ):
        given = {"kind": "ConfigMap", "metadata": {"labels": labels}, "data": {"a": "1"}}
        assert ("data" in trim(given)) is kept
        assert "binaryData" not in trim({**given, "binaryData": {"a": "MQ=="}})


def test_jobs_and_pods_keep_what_decisions_read():
    """Their templates are most of what there is, and thousands of them are there."""
    metadata = {"name": "a", "uid": "1", "annotations": {"x": "y"}, "labels": {"l": "m"}}
    job = {
        "kind": "Job",
        "metadata": metadata,
        "spec": {"ttlSecondsAfterFinished": 5, "template": {}},
        "status": {"active": 1, "conditions": [{"type": "Complete"}]},
    }
    assert trim(job) == {
        "kind": "Job",
        "metadata": {"name": "a", "uid": "1", "labels": {"l": "m"}},
        "spec": {"ttlSecondsAfterFinished": 5},
        "status": {"conditions": [{"type": "Complete"}]},
    }
    state = {"terminated": {"exitCode": 0}}
    status = {
        "phase": "Failed",
        "reason": "Evicted",
        "podIP": "10.0.0.1",
        "containerStatuses": [{"name": "loader", "image": "x", "state": state}],
    }
    pod = trim({"kind": "Pod", "metadata": metadata, "spec": {"containers": []}, "status": status})
    assert pod["spec"] == {}
    assert pod["status"] == {
        "phase": "Failed",
        "reason": "Evicted",
        "containerStatuses": [{"name": "loader", "state": state}],
    }
    assert trim({"kind": "Pod", "metadata": metadata})["status"] == {"containerStatuses": []}


def test_objects_share_their_words():
    one, other = (
        trim(json.loads('{"kind": "Thing", "metadata": {"name": "a"}, "x": [{"status": "True"}]}'))
        for _ in range(2)
    )
    assert one == other
    assert one["x"][0]["status"] is other["x"][0]["status"]
    assert next(iter(one["x"][0])) is next(iter(other["x"][0]))


@pytest.mark.parametrize(
    ("found", "awaits", "because"),
    [
        (None, False, "it is gone"),
        ({"kind": "Workflow"}, False, "nothing launches it"),
        ({"kind": "WorkflowRun"}, True, "it is new"),
        ({"kind": "WorkflowRun", "status": {"attempts": [{}]}}, False, "it was launched"),
        ({"kind": "WorkflowRun", "status": {"outcome": "Failed"}}, False, "it never will be"),
    ],
)
def test_who_awaits_a_launch(found, awaits, because):
    assert awaits_launch(found) is awaits, because
