"""What is stored and recorded stays so, whatever else ends a run; and no word makes a loop."""

import copy
import json

import pytest
from hypothesis import given
from hypothesis import settings as budget
from hypothesis import strategies as st

from chartly.api.object_status import WorkflowRunStatus
from chartly.reconcile.actions import Key
from chartly.reconcile.decision_failure import failure_actions
from chartly.reconcile.objects import condition_of, timestamp
from support.small_cluster import RUN, SPACE, playbook_cluster, said

KEY = Key("WorkflowRun", SPACE, RUN)
COUNTS = {"counts": {"read": 5, "loaded": 5}}
GOOD, STOPPED = said(**COUNTS), said("Terminated", 143, audited=False, **COUNTS)
FAILED = said("UpstreamUnavailable", 10, audited=False, **COUNTS)


@pytest.fixture
def cluster():
    return copy.deepcopy(BEGUN)


def begun():
    cluster = playbook_cluster()
    cluster.add_run()
    cluster.settle()
    return cluster


BEGUN = begun()


def job(cluster, number=1):
    return cluster.get("Job", f"{RUN}-a{number}")


def cancelled(cluster):
    cluster.change(KEY, control={"cancel": "terminate"})


def over_deadline(cluster, kind="Failed"):
    job(cluster)["status"] = {
        "conditions": [
            {
                "type": kind,
                "status": "True",
                "reason": "DeadlineExceeded",
                "lastTransitionTime": timestamp(cluster.now),
            }
        ]
    }


def being_killed(cluster):
    over_deadline(cluster, "FailureTarget")


def lost(cluster):
    """Its Job is deleted; its Pod is not yet."""
    del cluster.objects[Key("Job", SPACE, f"{RUN}-a1")]


ENDS = [
    (cancelled, GOOD, "Succeeded", "Succeeded"),
    (over_deadline, GOOD, "Succeeded", "Succeeded"),
    (being_killed, GOOD, "Succeeded", "Succeeded"),
    (lost, GOOD, "Succeeded", "Succeeded"),
    (cancelled, STOPPED, "Cancelled", "Cancelled"),
    (over_deadline, STOPPED, "Failed", "DeadlineExceeded"),
    (being_killed, STOPPED, "Failed", "DeadlineExceeded"),
    (cancelled, FAILED, "Cancelled", "Cancelled"),
]


@pytest.mark.parametrize(("event", "word", "outcome", "reason"), ENDS)
def test_a_loader_that_finished_is_not_overruled_and_its_counts_are_kept(
    cluster, event, word, outcome, reason
):
    cluster.end_pod(job(cluster), word)
    event(cluster)
    cluster.settle()
    status = cluster.run()["status"]
    assert (status["outcome"], status["attempts"][0]["reason"]) == (outcome, reason)
    assert condition_of(cluster.run(), "Succeeded")["reason"] == reason
    assert (status["result"]["read"], status["result"]["loaded"]) == (5, 5)


@pytest.mark.parametrize("event", [cancelled, over_deadline, being_killed])
def test_a_loader_that_finished_beside_a_connector_that_did_not_is_not_overruled(cluster, event):
    pod = cluster.start_pod(job(cluster))
    ended = {"terminated": {**GOOD, "finishedAt": timestamp(cluster.now)}}
    pod["status"]["containerStatuses"] = [{"name": "loader", "state": ended}]
    event(cluster)
    cluster.settle()
    assert "outcome" not in cluster.run()["status"]
    cluster.pass_time(20)
    cluster.settle()
    assert cluster.run()["status"]["outcome"] == "Succeeded"


def test_a_cancel_that_comes_before_the_end_cancels(cluster):
    cluster.start_pod(job(cluster))
    cancelled(cluster)
    cluster.settle()
    assert cluster.run()["status"]["outcome"] == "Cancelled"
    assert cluster.run()["status"]["attempts"][0]["uid"], "what was seen of its Job is recorded"


@pytest.mark.parametrize("event", [over_deadline, being_killed])
def test_a_pod_that_is_being_killed_may_say_its_last_word(cluster, event):
    cluster.start_pod(job(cluster))
    event(cluster)
    decision = cluster.step(cluster.run())
    assert "outcome" not in cluster.run()["status"]
    assert 1.0 <= decision.look_again <= 60.0
    cluster.pass_time(61)
    cluster.settle()
    assert condition_of(cluster.run(), "Succeeded")["reason"] == "DeadlineExceeded"


def test_an_evicted_loader_that_finished_has_succeeded(cluster):
    cluster.end_pod(job(cluster), GOOD)
    pod = cluster.get("Pod", f"{RUN}-a1-pod")
    pod["status"]["reason"] = "Evicted"
    cluster.settle()
    assert cluster.run()["status"]["outcome"] == "Succeeded"


NEW_WORDS = [
    (said("MoonPhaseWrong", 1), "Unclassified", 3, "its code says nothing"),
    (said("MoonPhaseWrong", 0), "Unclassified", 3, "nor does this one: it is no success"),
    (said("MoonPhaseWrong", 99), "Unclassified", 3, "a code that is as new"),
    (said("MoonPhaseWrong", 3), "ConfigInvalid", 1, "a code keeps its meaning and its class"),
    (said("MoonPhaseWrong", 10), "UpstreamUnavailable", 3, "a code keeps its meaning"),
    (said("Running", 0), "Unclassified", 3, "a word of ours that ends nothing"),
]


@pytest.mark.parametrize(("loader", "reason", "attempts", "because"), NEW_WORDS)
def test_a_reason_of_a_newer_runner_is_told_and_tried_again_as_its_code_says(
    cluster, loader, reason, attempts, because
):
    loader = {**loader, "message": json.dumps({**json.loads(loader["message"]), **COUNTS,
                                               "message": "it is waning"})}  # fmt: skip
    for number in range(1, 11):
        if job(cluster, number) is None:
            break
        cluster.end_pod(job(cluster, number), loader)
        cluster.settle()
        cluster.pass_time(400)
        cluster.settle()
    status = cluster.run()["status"]
    assert status["outcome"] == "Failed", because
    assert [one["reason"] for one in status["attempts"]] == [reason] * attempts, because
    word = json.loads(loader["message"])["reason"]
    assert status["attempts"][0]["message"] == f"{word}: it is waning"
    assert status["result"]["read"] == 5


def test_attempts_that_a_newer_operator_recorded_are_counted_as_unclassified(cluster):
    cluster.end_pod(job(cluster), FAILED)
    cluster.settle()
    cluster.run()["status"]["attempts"][0]["reason"] = "MoonPhaseWrong"
    cluster.pass_time(400)
    cluster.settle()
    cluster.end_pod(job(cluster, 2), FAILED)
    cluster.settle()
    assert condition_of(cluster.run(), "Succeeded")["reason"] == "Retrying"


SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(allow_nan=False),
    st.text(st.characters(codec="utf-8"), max_size=300),
)  # fmt: skip
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=8,
)
OUTPUTS = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("dataset", "rows", "windows", "fingerprint"), VALUES)
)
WORDS = st.fixed_dictionaries(
    {"reason": st.sampled_from(["Succeeded", "Pending", "New"]) | VALUES},
    optional={
        "message": VALUES,
        "counts": VALUES | st.dictionaries(st.sampled_from(["read", "loaded"]), VALUES),
        "counters": VALUES,
        "outputs": VALUES | st.lists(OUTPUTS | VALUES, max_size=3),
        "auditHead": VALUES,
        "audited": VALUES,
    },
)


@pytest.mark.no_cover  # four times as fast; smaller tests cover the same code
@budget(max_examples=60, deadline=None)
@given(word=WORDS)
def test_whatever_a_runner_says_gives_a_status_that_the_api_server_takes(word):
    """One that it refuses would be written again and again, and the run would never end."""
    cluster = copy.deepcopy(BEGUN)
    cluster.end_pod(job(cluster), {"exitCode": 3, "message": json.dumps(word)})
    cluster.settle()
    status = cluster.run()["status"]
    assert "outcome" in status or "nextRetryTime" in status
    WorkflowRunStatus.model_validate_json(json.dumps(status))
    numbers = [one for one in status.get("result", {}).values() if isinstance(one, int)]
    assert all(0 <= one < 2**63 for one in numbers)


def test_what_a_loader_says_of_an_output_is_taken_as_far_as_it_has_the_form(cluster):
    outputs = [{"dataset": "d", "rows": -1, "windows": 2, "fingerprint": 3}, {"rows": 1}, "x"]
    cluster.end_pod(job(cluster), said(outputs=outputs))
    cluster.settle()
    assert cluster.run()["status"]["result"]["outputs"] == [{"dataset": "d", "windows": 2}]


def test_a_message_that_is_nothing_but_brackets_is_none(cluster):
    cluster.end_pod(job(cluster), {"exitCode": 11, "message": "[" * 100_000})
    cluster.settle()
    assert cluster.run()["status"]["attempts"][0]["reason"] == "StoreUnavailable"


def test_a_failure_to_decide_is_not_told_of_what_is_over(cluster):
    """INV-2."""
    now = cluster.now
    assert len(failure_actions(cluster.run(), "run.py:1: KeyError", now)) == 2
    for action in failure_actions(cluster.run(), "run.py:1: KeyError", now):
        cluster.perform(action)
    assert failure_actions(cluster.run(), "run.py:1: KeyError", now) == ()
    cancelled(cluster)
    cluster.settle()
    assert cluster.run()["status"]["outcome"] == "Cancelled", "it goes on when it can"
    assert failure_actions(cluster.run(), "run.py:1: KeyError", now) == ()
    going = cluster.objects[Key("Workflow", SPACE, "sales-onboard")]
    going["metadata"]["deletionTimestamp"] = timestamp(now)
    assert failure_actions(going, "run.py:1: KeyError", now) == ()


@pytest.mark.parametrize("kind", ["Workflow", "Profile"])
def test_a_failure_to_decide_is_told_of_what_is_no_run(cluster, kind):
    found = next(one for key, one in cluster.objects.items() if key.kind == kind)
    actions = failure_actions(found, "run.py:1: KeyError", cluster.now)
    for action in actions:
        cluster.perform(action)
    told = next(one for key, one in cluster.objects.items() if key.kind == kind)
    ready = next(one for one in told["status"]["conditions"] if one["type"] == "Ready")
    assert (ready["status"], ready["reason"]) == ("False", "InternalError")
