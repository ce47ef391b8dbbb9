"""The table of docs/dev/run-states.md against ``decide_run``."""

import re

import pytest

from chartly.reconcile.actions import Decision, Key
from chartly.reconcile.objects import condition_of
from support.run_states import PAGE, names, rows, state_of
from support.small_cluster import RUN, SPACE, playbook_cluster, said

FLOW = Key("Workflow", SPACE, "sales-onboard")
RUN_KEY = Key("WorkflowRun", SPACE, RUN)
RETRYABLE = said("UpstreamUnavailable", 10)


def job(cluster, attempt=1):
    return cluster.get("Job", f"{RUN}-a{attempt}")


def unlaunched():
    cluster = playbook_cluster()
    cluster.add_run()
    return cluster


def launched():
    cluster = unlaunched()
    cluster.step(cluster.run())
    return cluster


def running():
    cluster = launched()
    cluster.start_pod(job(cluster))
    cluster.step(cluster.run())
    return cluster


def retrying():
    cluster = running()
    cluster.end_pod(job(cluster), RETRYABLE)
    cluster.step(cluster.run())
    return cluster


def finished():
    cluster = running()
    cluster.end_pod(job(cluster), said())
    cluster.settle()
    return cluster


BEGIN = {
    "Unlaunched": unlaunched,
    "Launched": launched,
    "Running": running,
    "Retrying": retrying,
    "Finished": finished,
}


def _without_workflow(cluster):
    cluster.remove(FLOW)


def _told_already(cluster):
    _without_workflow(cluster)
    cluster.step(cluster.run())


def _being_checked(cluster):
    cluster.change(FLOW, retry={"maxAttempts": 2})


def _suspended(cluster):
    cluster.change(RUN_KEY, control={"suspend": True})


def _behind_another(cluster, concurrency):
    cluster.change(FLOW, concurrency=concurrency)
    cluster.objects.pop(RUN_KEY)
    cluster.add_run("first")
    cluster.settle()
    cluster.pass_time(1)
    cluster.add_run()


def _in_a_queue(cluster):
    _behind_another(cluster, "Queue")


def _forbidden(cluster):
    _behind_another(cluster, "Forbid")


def _too_late(cluster):
    _without_workflow(cluster)
    cluster.pass_time(601)


def _cancelled(cluster):
    cluster.change(RUN_KEY, control={"cancel": "terminate"})


def _without_job(cluster):
    cluster.remove(Key("Job", SPACE, f"{RUN}-a1"))


def _nothing(_cluster):
    pass


def _pod_cannot_start(cluster):
    waiting = {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}
    cluster.get("Pod", f"{RUN}-a1-pod")["status"] = {
        "phase": "Pending",
        "containerStatuses": [{"name": "loader", "state": waiting}],
    }


def _pod_starts_too_late(cluster):
    _pod_cannot_start(cluster)
    cluster.step(cluster.run())
    cluster.pass_time(601)


def _without_inputs(cluster):
    cluster.remove(Key("ConfigMap", SPACE, cluster.run()["status"]["config"]["name"]))


def _ended_well(cluster):
    cluster.end_pod(job(cluster), said())


def _ended_and_may_again(cluster):
    cluster.end_pod(job(cluster), RETRYABLE)


def _ended_for_good(cluster):
    cluster.end_pod(job(cluster), said("AuthRejected", 5))


def _took_too_long(cluster):
    cluster.end_pod(job(cluster), {"exitCode": 143})
    job(cluster)["status"] = {
        "conditions": [
            {
                "type": "Failed",
                "status": "True",
                "reason": "DeadlineExceeded",
                "lastTransitionTime": cluster.now.isoformat(),
            }
        ]
    }


def _due(cluster):
    cluster.pass_time(60)


def _without_ttl(cluster):
    del job(cluster)["spec"]["ttlSecondsAfterFinished"]


def _job_still_runs(cluster):
    """The outcome was written, and the operator died before it removed the Job."""
    _cancelled(cluster)
    for action in cluster.decide(cluster.run()).actions[:-1]:
        cluster.perform(action)


def _changed(cluster):
    cluster.change(RUN_KEY, control={"suspend": True})


EVENTS = {
    "it may start": _nothing,
    "its workflow is not there": _without_workflow,
    "nothing has changed since": _told_already,
    "its workflow is being checked": _being_checked,
    "it is suspended": _suspended,
    "another run goes on, and it queues": _in_a_queue,
    "another run goes on, and it may not": _forbidden,
    "it could not start in time": _too_late,
    "somebody cancels it": _cancelled,
    "the Job is not there": _without_job,
    "the Job is there": _nothing,
    "the Pod runs": _nothing,
    "the Pod cannot start": _pod_cannot_start,
    "the frozen inputs are gone": _without_inputs,
    "the attempt ended well": _ended_well,
    "the attempt ended, and another may come": _ended_and_may_again,
    "the attempt ended, and no other may come": _ended_for_good,
    "the Job was deleted": _without_job,
    "the Pod did not start in time": _pod_starts_too_late,
    "the run took too long": _took_too_long,
    "the next attempt is not due": _nothing,
    "the next attempt is due": _due,
    "nothing is left to do": _nothing,
    "its Job has no TTL": _without_ttl,
    "its Job still runs": _job_still_runs,
    "somebody changes it": _changed,
}


@pytest.mark.parametrize("row", rows(), ids=lambda row: f"{row.state}: {row.event}")
def test_a_run_does_what_the_table_says(row):
    begins = "Running" if row.event == "its Job still runs" else row.state
    cluster = BEGIN[begins]()
    EVENTS[row.event](cluster)
    assert state_of(cluster.run()) == row.state
    decision = cluster.step(cluster.run())
    assert names(decision.actions) == row.actions
    assert state_of(cluster.run()) == row.then
    assert condition_of(cluster.run(), "Succeeded")["reason"] == row.reason


@pytest.mark.parametrize("state", BEGIN)
def test_what_is_being_deleted_gets_nothing(state):
    cluster = BEGIN[state]()
    cluster.run()["metadata"]["deletionTimestamp"] = "2026-02-10T06:00:00Z"
    assert state_of(cluster.run()) == state
    assert cluster.decide(cluster.run()) == Decision()


def test_the_table_names_each_state_and_no_event_that_nothing_brings_about():
    table = rows()
    assert {row.state for row in table} == set(BEGIN)
    assert {row.event for row in table} == set(EVENTS)
    assert len({(row.state, row.event) for row in table}) == len(table)


def test_the_picture_has_the_steps_of_the_table():
    drawn = set(
        re.findall(r"^    (\w+) --> (\w+):", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    )
    assert drawn == {(row.state, row.then) for row in rows() if row.state != row.then}
