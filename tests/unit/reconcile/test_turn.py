"""Whose turn it is: when a holder is over, and what a run waits for until then."""

from datetime import UTC, datetime, timedelta

import pytest

from chartly.reconcile.actions import Key, TakeTurn
from chartly.reconcile.objects import condition_of, timestamp, uid_of
from chartly.reconcile.turn import Holder, HolderState, holder_state, holders_of, next_epoch
from support.small_cluster import SPACE, ConflictError, playbook_cluster, said

NOW = datetime(2026, 2, 10, 6, tzinfo=UTC)
WORKFLOW = Key("Workflow", SPACE, "sales-onboard")


def run(outcome=None, *attempts, **more):
    status = {"attempts": list(attempts)} if attempts else {}
    if outcome:
        status["outcome"] = outcome
    spec = {"workflowRef": {"name": "w"}, "control": more.get("control", {})}
    going = {"deletionTimestamp": "x"} if more.get("going") else {}
    return {"metadata": {"name": "r", "uid": "u", **going}, "spec": spec, "status": status}


def attempt(uid="j", ended=60):
    seen = {"uid": uid} if uid else {}
    end = {} if ended is None else {"end": timestamp(NOW - timedelta(seconds=ended))}
    return {"number": 1, "job": "r-a1", **seen, **end}


def job(over=True):
    conditions = [{"type": "Complete", "status": "True"}] if over else []
    return {"metadata": {"name": "r-a1", "uid": "j"}, "status": {"conditions": conditions}}


def pod(over=True):
    owner = {"ownerReferences": [{"uid": "j"}]}
    return {"metadata": owner, "status": {"phase": "Succeeded" if over else "Running"}}


SUSPENDED = {"suspend": True}
STANDINGS = [
    (run(), [], [], False, "ACTIVE", "it holds the turn and is about to start"),
    (run(), [], [], True, "ACTIVE", "the same, as the API server knows it"),
    (run(None, attempt()), [job()], [pod()], False, "ACTIVE", "an attempt may follow"),
    (run(control=SUSPENDED), [], [], False, "UNKNOWN", "it may not start; but that may be old"),
    (run(control=SUSPENDED), [], [], True, "OVER", "it may not start, and nothing began"),
    (run(None, attempt(), control=SUSPENDED), [], [], True, "ACTIVE", "suspending stops no Pod"),
    (run(going=True), [], [], True, "ENDING", "nothing is begun for what is being deleted"),
    (run("Succeeded", attempt()), [job()], [], False, "OVER", "an end that is seen is one for ever"),
    (run("Succeeded", attempt()), [job()], [pod()], False, "OVER", "a Pod that ended runs no more"),
    (run("Failed"), [], [], False, "OVER", "it never had an attempt"),
    (run("Failed", attempt()), [job(over=False)], [pod(over=False)], False, "ENDING", "it still runs"),
    (run("Failed", attempt()), [job()], [pod(over=False)], False, "ENDING", "its Pod still runs"),
    (run("Failed", attempt()), [job(over=False)], [], False, "ENDING", "its Job may make a Pod"),
    (run("Failed", attempt()), [job(over=False)], [pod()], False, "OVER", "its one Pod has ended"),
    (run("Failed", attempt()), [], [], False, "UNKNOWN", "its Job may not have been seen yet"),
    (run("Failed", attempt("other")), [job()], [], False, "UNKNOWN", "that is another Job"),
    (run("Failed", attempt()), [], [], True, "OVER", "nothing of it is there"),
    (run("Cancelled", attempt(None, 2)), [], [], True, "ENDING", "its Job may be on its way"),
    (run("Cancelled", attempt(None, 11)), [], [], True, "OVER", "a write is given up after five"),
    (run("Cancelled", attempt(None, None)), [], [], True, "OVER", "an end that nobody recorded"),
    (run("Cancelled", attempt(None, 2)), [job()], [], True, "OVER", "its Job is there, and over"),
    (None, [], [], False, "UNKNOWN", "gone, as far as is known"),
    (None, [], [], True, "OVER", "gone"),
    (None, [], [pod(over=False)], True, "ENDING", "a Pod outlives its run for a moment"),
]  # fmt: skip


@pytest.mark.parametrize(("found", "jobs", "pods", "live", "standing", "because"), STANDINGS)
def test_a_holder_is_over_when_nothing_of_it_can_run(found, jobs, pods, live, standing, because):
    holder = Holder("r", "u", found, tuple(jobs), tuple(pods), live)
    assert holder_state(holder, NOW) is HolderState[standing], because


@pytest.fixture
def cluster():
    return playbook_cluster()


def holders(cluster):
    return list(holders_of(cluster.objects[WORKFLOW]))


def reason(cluster, name):
    return condition_of(cluster.run(name), "Succeeded")["reason"]


def test_a_run_takes_the_turn_before_it_says_that_it_runs(cluster):
    first = cluster.add_run("sales-1")
    take, *_ = cluster.decide(first).actions
    flow = cluster.objects[WORKFLOW]
    epoch = int(cluster.now.timestamp() * 1000)
    assert take == TakeTurn(WORKFLOW, uid_of(flow), ("sales-1", uid_of(first)), epoch)
    cluster.settle()
    assert holders(cluster) == [("sales-1", uid_of(first))]


def test_of_two_that_look_at_once_one_starts(cluster):
    """Both are decided on before either does anything, as two workers do."""
    runs = [cluster.add_run(name) for name in ("sales-1", "sales-2")]
    decisions = [cluster.decide(one).actions for one in runs]
    for action in decisions[0]:
        cluster.perform(action)
    take, *_ = decisions[1]
    with pytest.raises(ConflictError):
        cluster.perform(take)
    assert len(cluster.jobs_made) == 1


@pytest.mark.parametrize(
    ("concurrency", "reasons"), [("Forbid", "ConcurrencyForbidden"), ("Queue", "Queued")]
)
def test_whoever_comes_while_one_is_active(cluster, concurrency, reasons):
    cluster.change(WORKFLOW, concurrency=concurrency)
    cluster.add_run("sales-1")
    cluster.settle()
    cluster.add_run("sales-2")
    cluster.settle()
    assert reason(cluster, "sales-2") == reasons
    cluster.objects[WORKFLOW]["status"].pop("active")
    cluster.add_run("sales-3")
    cluster.settle()
    assert reason(cluster, "sales-3") == reasons, "one that started without a turn counts as well"


@pytest.mark.parametrize("concurrency", ["Forbid", "Queue"])
def test_what_is_left_of_a_run_is_waited_for_and_not_refused(cluster, concurrency):
    """Whoever cancels a run and asks for another one has done nothing wrong."""
    cluster.change(WORKFLOW, concurrency=concurrency)
    cluster.add_run("sales-1")
    cluster.settle()
    pod = cluster.start_pod(cluster.get("Job", "sales-1-a1"))
    cluster.change(Key("WorkflowRun", SPACE, "sales-1"), control={"cancel": "terminate"})
    cluster.settle()
    cluster.objects[Key("Pod", SPACE, "sales-1-a1-pod")] = pod
    cluster.add_run("sales-2")
    decision = cluster.step(cluster.run("sales-2"))
    assert reason(cluster, "sales-2") == "Queued"
    said_of = condition_of(cluster.run("sales-2"), "Succeeded")["message"]
    assert said_of == "run 'sales-1' is over, but something of it still runs"
    assert decision.look_again == 10
    cluster.remove(Key("Pod", SPACE, "sales-1-a1-pod"))
    cluster.settle()
    assert reason(cluster, "sales-2") == "Running"


def test_a_run_that_cannot_start_holds_nobody_up(cluster):
    cluster.change(WORKFLOW, concurrency="Queue")
    cluster.settle()
    cluster.add_run("sales-1", workflowRef={"name": "sales-onboard", "version": "9.9.9"})
    cluster.add_run("sales-2", control={"suspend": True})
    cluster.add_run("sales-3")
    cluster.settle()
    assert reason(cluster, "sales-3") == "Running"


def test_a_queue_goes_in_the_order_of_asking(cluster):
    cluster.change(WORKFLOW, concurrency="Queue")
    cluster.settle()
    names = [f"sales-{number}" for number in (3, 1, 4, 2)]
    for name in names:
        cluster.add_run(name)
    for _ in names:
        cluster.settle()
        for found in cluster.of("Job"):
            cluster.end_pod(found, said())
    assert [name for _, name in cluster.jobs_made] == [f"{name}-a1" for name in names]


def test_allow_takes_no_turn(cluster, monkeypatch):
    monkeypatch.setattr("chartly.plan.plan_check.check_served", lambda *_: None)
    cluster.objects[WORKFLOW]["spec"] = {
        **cluster.objects[WORKFLOW]["spec"],
        "concurrency": "Allow",
    }
    runs = [cluster.add_run(name) for name in ("sales-1", "sales-2")]
    for one in runs:
        cluster.step(one)
    assert len(cluster.jobs_made) == 2
    assert holders(cluster) == []
    assert [_epoch_of(job) for job in cluster.of("Job")] == [None, None]


def test_verdicts_leave_the_turn_alone_and_are_not_written_for_it(cluster):
    cluster.add_run("sales-1")
    cluster.settle()
    before = holders(cluster)
    assert before
    assert cluster.decide(cluster.objects[WORKFLOW]).actions == ()
    cluster.change(WORKFLOW, suspend=True)
    cluster.settle()
    assert holders(cluster) == before


_NOW = int(NOW.timestamp() * 1000)


@pytest.mark.parametrize(
    ("last", "epoch", "because"),
    [
        (None, _NOW, "the first turn, maybe of a workflow that was made again"),
        (5, _NOW, "a clock that went on"),
        (_NOW, _NOW + 1, "two turns in one millisecond"),
        (_NOW + 500, _NOW + 501, "a clock that went back"),
    ],
)
def test_each_turn_has_a_higher_number(last, epoch, because):
    assert next_epoch({"status": {} if last is None else {"epoch": last}}, NOW) == epoch, because


def _epoch_of(job):
    (loader,) = [
        container
        for container in job["spec"]["template"]["spec"]["containers"]
        if container["name"] == "loader"
    ]
    arguments = loader["args"]
    return int(arguments[arguments.index("--epoch") + 1]) if "--epoch" in arguments else None


def test_the_job_of_a_run_has_the_number_of_its_turn(cluster):
    cluster.add_run("sales-1")
    cluster.settle()
    epoch = _epoch_of(cluster.of("Job")[0])
    assert epoch == cluster.objects[WORKFLOW]["status"]["epoch"]
    assert epoch == cluster.run("sales-1")["status"]["epoch"]
