"""Who is looked at again after which change; and above all, who is not."""

import pytest

from chartly.names import CONFIG_LABEL, PROJECT_LABEL, RUN_LABEL, TENANT_LABEL
from chartly.reconcile.actions import Key
from chartly_operator.cache import Cache
from chartly_operator.indexes import entries, phase_of
from chartly_operator.relevance import affected, is_settled

GLOBAL = "chartly-global"


class Known:
    """A cache, and what a change in it concerns."""

    def __init__(self, *found):
        self.cache, self.version = Cache(entries), 0
        for one in found:
            self.put(one)

    def put(self, found):
        self.version += 1
        metadata = {**found["metadata"], "resourceVersion": str(self.version)}
        change = self.cache.put({**found, "metadata": metadata})
        return sorted(str(one) for one in affected(self.cache, change, GLOBAL))

    def drop(self, found):
        change = self.cache.drop(found)
        return sorted(str(one) for one in affected(self.cache, change, GLOBAL))


def thing(kind, name, namespace="a", uid=None, meta=None, **more):
    metadata = {"name": name, "uid": uid or f"{kind}-{namespace}-{name}", "generation": 1}
    if namespace:
        metadata["namespace"] = namespace
    return {"apiVersion": "v1", "kind": kind, "metadata": {**metadata, **(meta or {})}, **more}


def profile(namespace="a", **more):
    spec = {"kind": "storage", "name": "sales", "version": "1.0.0"}
    return thing("Profile", "storage-sales-1.0.0", namespace, spec=spec, **more)


def workflow(name="w", namespace="a", reference="t/p::storage/sales@1.0.0", **more):
    steps = [{"type": "write_dataset", "storage_profile": reference}]
    return thing("Workflow", name, namespace, spec={"steps": steps}, **more)


def a_run(name="r", status=None, control=None, **more):
    spec = {"workflowRef": {"name": "w"}, **({"control": control} if control else {})}
    return thing("WorkflowRun", name, spec=spec, status=status or {}, **more)


def ready(status="True", reason="Ready", generation=1):
    return {
        "type": "Ready",
        "status": status,
        "reason": reason,
        "observedGeneration": generation,
        "lastTransitionTime": "2026-02-02T00:00:00Z",
    }


def job(*conditions, uid="j", run="r"):
    owner = {"kind": "WorkflowRun", "name": run, "uid": f"WorkflowRun-a-{run}", "controller": True}
    status = {"conditions": list(conditions)} if conditions else {}
    return thing("Job", "r-a1", uid=uid, meta={"ownerReferences": [owner]}, spec={}, status=status)


def pod(**status):
    return thing("Pod", "r-a1-x", meta={"labels": {RUN_LABEL: "r"}}, status=status)


def waiting(reason):
    return {"containerStatuses": [{"name": "loader", "state": {"waiting": {"reason": reason}}}]}


def namespace(name="a", tenant="t", project="p", **meta):
    labels = {TENANT_LABEL: tenant, PROJECT_LABEL: project} if tenant else {}
    return thing("Namespace", name, "", meta={"labels": labels, **meta})


def config(name, holds, **data):
    return thing("ConfigMap", name, meta={"labels": {CONFIG_LABEL: holds}}, data=data)


ATTEMPT = {"attempts": [{"number": 1}]}
DONE = {"outcome": "Succeeded"}

NOISE = [
    (profile(), profile(status={"conditions": []}), "an empty status of its own"),
    (
        workflow(status={"conditions": [ready()]}),
        workflow(status={"conditions": [ready() | {"lastTransitionTime": "later"}]}),
        "a time in a status of its own",
    ),
    (a_run(), a_run(status=ATTEMPT), "a write of its own"),
    (a_run(status=ATTEMPT), a_run(status={**ATTEMPT, "nextRetryTime": "x"}), "and another"),
    (job(), job() | {"status": {"active": 1, "ready": 1}}, "a Job that counts its Pods"),
    (job(), job({"type": "FailureTarget", "status": "True"}), "an end that is only announced"),
    (job(), job({"type": "Complete", "status": "False"}), "an end that is none"),
    (pod(phase="Pending"), pod(phase="Pending", conditions=[]), "a Pod that is on its way"),
    (
        pod(phase="Pending"),
        pod(phase="Pending", **waiting("ContainerCreating")),
        "a container that is being made",
    ),
    (
        pod(phase="Pending", **waiting("ErrImagePull")),
        pod(phase="Pending", **waiting("ImagePullBackOff")),
        "two names of one trouble, in turns",
    ),
    (
        pod(phase="Running"),
        pod(phase="Running", conditions=[{"type": "Ready", "status": "True"}]),
        "readiness, which nobody asks for",
    ),
    (
        pod(phase="Running"),
        pod(
            phase="Running", containerStatuses=[{"name": "connector", "state": {"terminated": {}}}]
        ),
        "a connector that is through; its loader is not",
    ),
    (namespace(), namespace(annotations={"a": "b"}), "what users keep in a namespace"),
    (
        config("chartly-versions-storage-sales", "versions", a="1"),
        config("chartly-versions-storage-sales", "versions", a="1"),
        "a ConfigMap that says the same",
    ),
]


@pytest.mark.parametrize(("before", "after", "because"), NOISE, ids=[one[2] for one in NOISE])
def test_nobody_is_woken_by(before, after, because):
    known = Known(namespace(), profile(), workflow(), a_run(), before)
    assert known.put(after) == [], because


OWN = [
    (None, profile(), ["Profile a/storage-sales-1.0.0"], "a new one"),
    (
        profile(),
        profile(meta={"annotations": {"chartly.io/deprecated": "old"}}),
        ["Profile a/storage-sales-1.0.0"],
        "a deprecation",
    ),
    (workflow(), workflow(meta={"generation": 2}), ["Workflow a/w"], "a new spec"),
    (None, a_run(), ["WorkflowRun a/r"], "a new run; nobody waits for it"),
    (
        a_run(status=ATTEMPT),
        a_run(status=ATTEMPT, meta={"generation": 2}),
        ["WorkflowRun a/r"],
        "a wish",
    ),
    (job(), job({"type": "Complete", "status": "True"}), ["WorkflowRun a/r"], "its Job's end"),
    (None, job(), ["WorkflowRun a/r"], "its Job"),
    (job(uid="old"), job(uid="new"), ["WorkflowRun a/r"], "another Job of that name"),
    (pod(phase="Pending"), pod(phase="Running"), ["WorkflowRun a/r"], "its Pod's start"),
    (pod(phase="Running"), pod(phase="Failed"), ["WorkflowRun a/r"], "its Pod's end"),
    (
        pod(phase="Pending"),
        pod(phase="Pending", **waiting("CreateContainerConfigError")),
        ["WorkflowRun a/r"],
        "its Pod's trouble",
    ),
    (
        pod(phase="Pending"),
        pod(
            phase="Pending",
            conditions=[
                {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"},
            ],
        ),
        ["WorkflowRun a/r"],
        "no node has room",
    ),
    (
        pod(phase="Running"),
        pod(phase="Running", conditions=[{"type": "DisruptionTarget", "status": "True"}]),
        ["WorkflowRun a/r"],
        "an eviction",
    ),
    (
        pod(phase="Running"),
        pod(phase="Running", containerStatuses=[{"name": "loader", "state": {"terminated": {}}}]),
        ["WorkflowRun a/r"],
        "the end of its loader, whose connector may not notice",
    ),
]


@pytest.mark.parametrize(("before", "after", "woken", "because"), OWN, ids=[one[3] for one in OWN])
def test_an_object_is_woken_by(before, after, woken, because):
    known = Known(*([] if before is None else [before]))
    assert known.put(after) == woken, because


def test_a_workflow_and_its_waiting_runs_are_woken_by_a_profile_that_it_names():
    known = Known(workflow(), workflow("other", reference="storage/else@1.0.0"), a_run())
    woken = ["Profile a/storage-sales-1.0.0", "Workflow a/w", "WorkflowRun a/r"]
    assert known.put(profile()) == woken
    assert known.put(profile(status={"conditions": [ready()]})) == woken[1:]
    assert known.put(profile(status={"conditions": [ready()], "digest": "x"})) == woken[1:]
    assert known.drop(profile()) == woken[1:]


def test_a_shared_profile_concerns_every_namespace_and_another_project_s_none():
    known = Known(workflow(), workflow(namespace="b"))
    assert known.put(profile(GLOBAL))[1:] == ["Workflow a/w", "Workflow b/w"]
    assert known.put(profile("b"))[1:] == ["Workflow b/w"]


def test_runs_that_wait_are_woken_by_their_workflow():
    known = Known(a_run(), a_run("going", status=ATTEMPT), a_run("done", status=DONE))
    assert known.put(workflow()) == ["Workflow a/w", "WorkflowRun a/r"]
    checked = workflow(status={"conditions": [ready()]})
    assert known.put(checked) == ["WorkflowRun a/r"]


def test_workflows_that_wait_for_a_dataset_are_woken():
    second = workflow("second", status={"datasets": ["sales", "more"]})
    third = workflow("third", status={"datasets": ["else"]})
    known = Known(workflow(status={"datasets": ["sales"]}), second, third)
    assert known.put(workflow(status={"datasets": ["other"]})) == ["Workflow a/second"]
    assert known.put(workflow(status={"datasets": ["more"]})) == ["Workflow a/second"]
    checked = {"datasets": ["more"], "conditions": [ready()]}
    assert known.put(workflow(status=checked)) == [], "what it claims is as it was"
    assert known.drop(workflow(status=checked)) == ["Workflow a/second"]


OVER = [
    (a_run(status=DONE), "it has finished"),
    (a_run(status=ATTEMPT, meta={"deletionTimestamp": "x"}), "it is being deleted"),
    (a_run(control={"suspend": True}), "it steps back"),
]


@pytest.mark.parametrize(("after", "because"), OVER, ids=[one[1] for one in OVER])
def test_who_waits_for_a_run_is_woken_when(after, because):
    before = a_run() if "control" in after["spec"] else a_run(status=ATTEMPT)
    known = Known(workflow(), before, a_run("next"))
    woken = known.put(after)
    assert {"Workflow a/w", "WorkflowRun a/next"} <= set(woken), because


def test_a_finished_run_that_goes_wakes_nobody():
    known = Known(workflow(), a_run(status=DONE), a_run("next"))
    assert known.drop(a_run()) == []


def test_an_active_run_that_goes_makes_room():
    known = Known(workflow(), a_run(status=ATTEMPT), a_run("next"))
    assert known.drop(a_run()) == ["Workflow a/w", "WorkflowRun a/next"]


def test_frozen_inputs_that_go_wake_the_runs_that_need_them():
    frozen = {**ATTEMPT, "config": {"name": "chartly-cfg-x"}}
    inputs = config("chartly-cfg-x", "snapshot")
    known = Known(a_run(status=frozen), a_run("done", status={**frozen, **DONE}), inputs)
    assert known.drop(inputs) == ["WorkflowRun a/r"]


def test_a_memory_of_versions_wakes_whose_versions_it_remembers():
    known = Known(profile(), workflow())
    memory = config("chartly-versions-storage-sales", "versions", a="1")
    assert known.put(memory) == ["Profile a/storage-sales-1.0.0"]
    assert known.put(config("chartly-versions-workflow-w", "versions")) == ["Workflow a/w"]


def test_a_namespace_that_becomes_a_project_wakes_all_in_it_and_in_its_rivals():
    known = Known(
        namespace("a", tenant=""),
        namespace("b"),
        workflow(),
        a_run(),
        a_run("done", status=DONE),
        workflow(namespace="b"),
        workflow(namespace="c"),
    )
    assert known.put(namespace("a")) == ["Workflow a/w", "Workflow b/w", "WorkflowRun a/r"]
    assert known.put(namespace("a", project="q")) == [
        "Workflow a/w",
        "Workflow b/w",
        "WorkflowRun a/r",
    ]


def test_a_job_or_pod_of_nobody_concerns_nobody():
    known = Known()
    assert known.put(thing("Job", "x", spec={})) == []
    owner = {"kind": "CronJob", "name": "x", "uid": "u", "controller": True}
    assert known.put(thing("Job", "y", meta={"ownerReferences": [owner]}, spec={})) == []
    assert known.put(thing("Pod", "x", status={"phase": "Running"})) == []


def test_a_workflow_with_references_that_are_none_is_no_trouble():
    steps = [{"type": "write_dataset", "storage_profile": "nonsense"}, {"type": "unknown"}, {}]
    broken = thing("Workflow", "w", spec={"steps": steps})
    assert Known().put(broken) == ["Workflow a/w"]


FINISHED = {
    "outcome": "Succeeded",
    "observedGeneration": 1,
    "conditions": [{"type": "Finished", "status": "True"}],
}
TTL = {"spec": {"ttlSecondsAfterFinished": 60}}
SETTLED = [
    (a_run(status=FINISHED), [], True, "its Jobs have gone"),
    (a_run(status=FINISHED), [job() | TTL], True, "its Job may go"),
    (a_run(status=FINISHED), [job()], False, "its Job may not go yet"),
    (a_run(status=FINISHED, meta={"generation": 2}), [], False, "a change was not seen"),
    (a_run(status={"outcome": "Succeeded"}), [], False, "it does not say that it finished"),
    (a_run(status=ATTEMPT), [], False, "it goes on"),
]


@pytest.mark.parametrize(("run", "jobs", "settled", "because"), SETTLED)
def test_a_finished_run_needs_nothing_when(run, jobs, settled, because):
    known = Known(run, *jobs)
    assert is_settled(known.cache, known.cache.get(Key("WorkflowRun", "a", "r"))) is settled, (
        because
    )


@pytest.mark.parametrize(
    ("status", "phase"),
    [({}, "pending"), (ATTEMPT, "running"), (DONE, "succeeded"), ({"outcome": "Failed"}, "failed")],
)
def test_a_run_s_phase(status, phase):
    assert phase_of(a_run(status=status)) == phase
