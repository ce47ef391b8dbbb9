from datetime import timedelta

import pytest

from chartly.names import config_name
from chartly.reconcile.actions import ApplyStatus, Create, Decision, Key, Post, TakeTurn
from chartly.reconcile.objects import condition_of, uid_of
from support.small_cluster import RUN, SETTINGS, SPACE, Cluster, playbook_cluster, said

COUNTS = {
    "counts": {"pages": 2, "bytes": 10, "read": 5, "loaded": 3, "rejected": 1, "duplicate": 1,
               "filtered": 0, "late": 0, "corrected": 0},
    "counters": {"requests": 2, "retries": 0},
    "outputs": [{"dataset": "sales-rollup-daily", "rows": 2, "windows": 1, "fingerprint": "f", "other": 1}],
}  # fmt: skip


@pytest.fixture
def cluster():
    return playbook_cluster()


def reason(cluster, name=RUN, kind="Succeeded"):
    condition = condition_of(cluster.run(name), kind)
    return condition and condition["reason"]


def job(cluster, attempt=1, name=RUN):
    return cluster.get("Job", f"{name}-a{attempt}")


def launched(cluster, **spec):
    cluster.add_run(**spec)
    cluster.settle()
    return job(cluster)


def test_a_run_is_frozen_then_recorded_then_launched(cluster):
    """INV-3, and intent before act: the order of the writes."""
    run = cluster.add_run()
    actions = cluster.decide(run).actions
    assert [type(one) for one in actions] == [TakeTurn, Create, ApplyStatus, Create, Post]
    _, config, intent, started, _ = actions
    digest = intent.status["config"]["digest"]
    assert config.document["metadata"]["name"] == config_name(digest)
    assert config.document["immutable"] is True
    assert (
        intent.status["attempts"][0]["job"] == started.document["metadata"]["name"] == "sales-1-a1"
    )
    assert started.owner == uid_of(run)
    assert intent.status["config"]["secret"] == "sales-http/token"
    assert "ttlSecondsAfterFinished" not in started.document["spec"]


def test_a_successful_run_costs_at_most_ten_reconciles_and_nine_writes(cluster):
    cluster.add_run()
    before = cluster.writes
    reconciles = cluster.settle()
    cluster.end_pod(job(cluster), said(**COUNTS))
    reconciles += cluster.settle()
    assert reason(cluster) == "Succeeded"
    assert cluster.writes - before <= 9
    assert reconciles <= 10
    assert cluster.settle() == 0


def test_a_finished_run_tells_the_whole_story(cluster):
    cluster.end_pod(launched(cluster), said(**COUNTS))
    cluster.settle()
    status = cluster.run()["status"]
    assert status["outcome"] == "Succeeded"
    assert status["result"] == {
        "pages": 2, "bytes": 10, "read": 5, "loaded": 3, "rejected": 1, "duplicate": 1,
        "filtered": 0, "late": 0, "corrected": 0, "requests": 2, "retries": 0, "auditHead": "3:abc",
        "outputs": [{"dataset": "sales-rollup-daily", "rows": 2, "windows": 1, "fingerprint": "f"}],
    }  # fmt: skip
    states = {one["type"]: one["status"] for one in status["conditions"]}
    assert states == {
        "Succeeded": "True",
        "Finished": "True",
        "Frozen": "True",
        "Audited": "True",
        "Ready": "True",
    }
    assert (
        condition_of(cluster.run(), "Succeeded")["message"]
        == "read 5, loaded 3, rejected 1, duplicate 1"
    )
    assert status["runId"] == f"{RUN}.{uid_of(cluster.run())[:8]}"
    assert len(status["resolvedProfiles"]) == 4
    assert job(cluster)["spec"]["ttlSecondsAfterFinished"] == SETTINGS.job_ttl
    assert [told for told, _ in cluster.told if told in ("Running", "Succeeded")] == [
        "Running",
        "Succeeded",
    ]


def test_a_run_that_goes_on_reconciles_and_one_that_failed_is_stalled(cluster):
    """kstatus: absent when fine, true while it goes on, stalled when waiting helps no more."""
    found = launched(cluster)
    assert condition_of(cluster.run(), "Reconciling")["status"] == "True"
    assert condition_of(cluster.run(), "Stalled") is None
    cluster.end_pod(found, said("AuthRejected", 5, audited=False))
    cluster.settle()
    assert condition_of(cluster.run(), "Reconciling") is None
    assert condition_of(cluster.run(), "Stalled")["reason"] == "AuthRejected"
    assert cluster.run()["status"]["outcome"] == "Failed"


@pytest.mark.parametrize(
    ("loader", "audited", "reason"),
    [
        (said(), "True", "Succeeded"),
        (said("AuthRejected", 5), "True", "AuthRejected"),
        (said("AuthRejected", 5, audited=False), "False", "AuthRejected"),
        (said(audited=False), "False", "EvidenceMissing"),
    ],
)
def test_a_run_is_audited_when_its_chain_is_whole_however_it_ended(
    cluster, loader, audited, reason
):
    cluster.end_pod(launched(cluster), loader)
    cluster.settle()
    told = condition_of(cluster.run(), "Audited")
    assert (told["status"], told["reason"]) == (audited, reason)
    assert condition_of(cluster.run(), "Succeeded")["reason"] == reason


@pytest.mark.parametrize(
    ("loader", "connector", "tells", "attempts", "because"),
    [
        (said("ConfigInvalid", 3), None, "ConfigInvalid", 1, "a mistake is never retried"),
        (said("SnapshotTampered", 6), None, "SnapshotTampered", 1, "INV-3"),
        (said("UpstreamUnavailable", 10), None, "UpstreamUnavailable", 3, "retry.maxAttempts"),
        ({"exitCode": 11}, None, "StoreUnavailable", 3, "the exit code tells, without a message"),
        ({"exitCode": 11, "message": "not json"}, None, "StoreUnavailable", 3, "a broken message is none"),
        ({"exitCode": 11, "message": '["a"]'}, None, "StoreUnavailable", 3, "nor is one of another form"),
        ({"exitCode": 137, "reason": "OOMKilled"}, None, "OutOfMemory", 3, "memory counts as the run's own"),
        ({"exitCode": 137}, None, "Killed", 6, "whoever kills, it is not the run's fault"),
        ({"exitCode": 0}, None, "ResultUnknown", 6, "no word: the next attempt asks the store"),
        (said("PeerLost", 12), {"exitCode": 137, "reason": "OOMKilled"}, "OutOfMemory", 3, "the cause, not its echo"),
        (said("PeerLost", 12), {"exitCode": 12}, "PeerLost", 3, "both say it"),
        (said("PeerLost", 12), {"exitCode": 0}, "PeerLost", 3, "the connector saw nothing"),
        (said("Succeeded", audited=False), None, "EvidenceMissing", 1, "no evidence, not complete"),
    ],
)  # fmt: skip
def test_what_ends_an_attempt_decides_on_the_next(
    cluster, loader, connector, tells, attempts, because
):
    launched(cluster)
    for number in range(1, 11):
        found = job(cluster, number)
        if found is None:
            break
        cluster.end_pod(found, loader, connector)
        cluster.settle()
        cluster.pass_time(400)
        cluster.settle()
    assert reason(cluster) == tells
    assert len(cluster.run()["status"]["attempts"]) == attempts
    assert all(one["reason"] == tells for one in cluster.run()["status"]["attempts"])


def test_a_replacement_waits_its_time_and_then_runs(cluster):
    cluster.end_pod(launched(cluster), said("UpstreamUnavailable", 10))
    cluster.settle()
    assert reason(cluster) == "Retrying"
    assert "nextRetryTime" in cluster.run()["status"]
    decision = cluster.decide(cluster.run())
    assert 0 < decision.look_again <= 13
    assert job(cluster, 2) is None
    cluster.pass_time(13)
    cluster.settle()
    assert job(cluster, 2) is not None
    assert "nextRetryTime" not in cluster.run()["status"]
    cluster.end_pod(job(cluster, 2), said(**COUNTS))
    cluster.settle()
    assert cluster.run()["status"]["outcome"] == "Succeeded"


def test_a_deleted_job_is_lost_and_replaced_and_never_silently_made_again(cluster):
    """INV-1: what was seen once is not created a second time."""
    launched(cluster)
    cluster.remove(Key("Job", SPACE, "sales-1-a1"))
    cluster.settle()
    assert cluster.run()["status"]["attempts"][0]["reason"] == "JobLost"
    assert "JobLost" in [told for told, _ in cluster.told]
    cluster.pass_time(5)
    cluster.settle()
    assert cluster.jobs_made.count((uid_of(cluster.run()), "sales-1-a1")) == 1
    assert job(cluster, 2) is not None


def test_a_job_of_that_name_made_by_somebody_else_is_not_ours(cluster):
    found = launched(cluster)
    found["metadata"]["uid"] = "another"
    cluster.settle()
    assert cluster.run()["status"]["attempts"][0]["reason"] == "JobLost"


def test_a_job_that_goes_is_lost_once_it_left_no_end(cluster):
    found = launched(cluster)
    found["metadata"]["deletionTimestamp"] = "2026-02-10T06:00:00Z"
    cluster.settle()
    assert cluster.run()["status"]["attempts"][0]["reason"] == "JobLost"


def test_a_job_that_goes_before_it_was_seen_is_waited_for(cluster):
    run = cluster.add_run()
    for action in cluster.decide(run).actions:
        cluster.perform(action)
    job(cluster)["metadata"]["deletionTimestamp"] = "2026-02-10T06:00:00Z"
    assert cluster.decide(cluster.run()) == Decision((), 1.0)


def test_an_intent_without_job_is_carried_out(cluster):
    """A crash between the two writes: the same Job, once."""
    run = cluster.add_run()
    config, intent, *_ = cluster.decide(run).actions
    cluster.perform(config)
    cluster.perform(intent)
    assert job(cluster) is None
    cluster.settle()
    assert cluster.jobs_made == [(uid_of(run), "sales-1-a1")]
    assert cluster.run()["status"]["attempts"][0]["uid"] == uid_of(job(cluster))


def test_frozen_inputs_that_somebody_removed_are_made_again(cluster):
    launched(cluster)
    name = cluster.run()["status"]["config"]["name"]
    content = cluster.get("ConfigMap", name)["data"]
    cluster.remove(Key("ConfigMap", SPACE, name))
    cluster.settle()
    assert cluster.get("ConfigMap", name)["data"] == content


@pytest.mark.parametrize("gone", ["workflow", "profile", "changed"])
def test_but_not_from_anything_else(cluster, gone):
    """INV-3: bytes of another digest never take their place."""
    launched(cluster)
    name = cluster.run()["status"]["config"]["name"]
    cluster.remove(Key("ConfigMap", SPACE, name))
    if gone == "workflow":
        cluster.remove(Key("Workflow", SPACE, "sales-onboard"))
    elif gone == "profile":
        cluster.remove(Key("Profile", SPACE, "storage-sales-events-1.0.0"))
    else:
        steps = cluster.get("Workflow", "sales-onboard")["spec"]["steps"][:3]
        cluster.change(Key("Workflow", SPACE, "sales-onboard"), version="1.1.0", steps=steps)
    cluster.settle()
    assert cluster.get("ConfigMap", name) is None


def test_an_eviction_is_free_of_charge(cluster):
    cluster.end_pod(launched(cluster), {"exitCode": 143})
    pod = cluster.get("Pod", "sales-1-a1-pod")
    pod["status"]["conditions"] = [{"type": "DisruptionTarget", "status": "True"}]
    cluster.settle()
    assert cluster.run()["status"]["attempts"][0]["reason"] == "Evicted"


def test_a_pod_that_failed_before_its_containers_did_anything(cluster):
    found = launched(cluster)
    pod = cluster.start_pod(found)
    pod["status"] = {
        "phase": "Failed",
        "reason": "Evicted",
        "message": "the node was low on memory",
    }
    cluster.settle()
    first = cluster.run()["status"]["attempts"][0]
    assert (first["reason"], first["message"]) == ("Evicted", "the node was low on memory")


def test_a_pod_that_is_gone_leaves_the_word_to_the_store(cluster):
    found = launched(cluster)
    found["status"] = {
        "conditions": [{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded"}]
    }
    cluster.settle()
    assert cluster.run()["status"]["attempts"][0]["reason"] == "ResultUnknown"


def test_a_job_over_its_deadline_ends_the_run(cluster):
    found = launched(cluster)
    found["status"] = {
        "conditions": [{"type": "Failed", "status": "True", "reason": "DeadlineExceeded"}]
    }
    cluster.settle()
    assert reason(cluster) == "DeadlineExceeded"


def test_no_attempt_comes_after_the_run_s_deadline(cluster):
    cluster.change(Key("Workflow", SPACE, "sales-onboard"), deadlines={"run": 60})
    cluster.settle()
    found = launched(cluster)
    assert found["spec"]["activeDeadlineSeconds"] == 60
    cluster.pass_time(58)
    cluster.end_pod(found, said("UpstreamUnavailable", 10))
    cluster.settle()
    assert reason(cluster) == "UpstreamUnavailable"
    assert cluster.run()["status"]["outcome"] == "Failed"


@pytest.mark.parametrize(
    ("status", "says"),
    [
        ({"phase": "Pending", "containerStatuses": [{"name": "loader", "state": {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}}]}, "loader: ImagePullBackOff: no such image"),
        ({"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes"}]}, "Unschedulable: 0/1 nodes"),
    ],
)  # fmt: skip
def test_a_pod_that_does_not_start_says_why_and_ends_at_its_deadline(cluster, status, says):
    found = launched(cluster)
    cluster.start_pod(found)["status"] = status
    decision = cluster.step(cluster.run())
    assert decision.look_again == pytest.approx(600, abs=1)
    assert reason(cluster) == "Pending"
    assert condition_of(cluster.run(), "Succeeded")["message"] == says
    cluster.pass_time(601)
    cluster.settle()
    assert reason(cluster) == "DeadlineExceeded"
    assert says in condition_of(cluster.run(), "Succeeded")["message"]
    assert job(cluster) is None


def test_a_pod_that_is_being_started_is_no_news(cluster):
    found = launched(cluster)
    cluster.start_pod(found)["status"] = {
        "phase": "Pending",
        "containerStatuses": [{"name": "loader", "state": {"waiting": {"reason": "ContainerCreating"}}}],
    }  # fmt: skip
    assert cluster.decide(cluster.run()).actions == ()
    assert reason(cluster) == "Running"


def test_a_job_that_gets_no_pod_ends_at_the_pending_deadline(cluster):
    launched(cluster)
    cluster.pass_time(601)
    cluster.settle()
    assert reason(cluster) == "DeadlineExceeded"


def test_a_run_waits_for_what_is_missing_and_starts_when_it_is_there():
    cluster = Cluster()
    cluster.add_run()
    cluster.settle()
    assert reason(cluster) == "WorkflowNotFound"
    assert cluster.decide(cluster.run()).look_again == pytest.approx(600, abs=1)
    cluster.add_playbook()
    cluster.settle()
    assert reason(cluster) == "Running"


def test_a_run_that_waits_too_long_fails_with_what_it_waited_for():
    cluster = Cluster()
    cluster.add_run()
    cluster.settle()
    cluster.pass_time(601)
    cluster.settle()
    assert cluster.run()["status"]["outcome"] == "Failed"
    assert reason(cluster) == "WorkflowNotFound"
    assert cluster.jobs_made == []


def test_a_workflow_that_may_not_run_lends_its_reason(cluster):
    cluster.remove(Key("Profile", SPACE, "storage-sales-events-1.0.0"))
    cluster.settle()
    cluster.add_run()
    cluster.settle()
    assert reason(cluster) == "ProfileNotFound"
    assert "storage/sales-events@1.0.0" in condition_of(cluster.run(), "Succeeded")["message"]


def test_a_workflow_that_is_not_checked_yet_is_waited_for_without_noise(cluster):
    cluster.change(Key("Workflow", SPACE, "sales-onboard"), retry={"maxAttempts": 2})
    run = cluster.add_run()
    cluster.step(run)
    assert reason(cluster) == "Checking"
    assert "Checking" not in [told for told, _ in cluster.told]


def test_frozen_is_what_the_workflow_was_checked_with(cluster):
    """A profile that changed since then is not run before the workflow has looked at it."""
    flow = cluster.get("Workflow", "sales-onboard")
    flow["status"]["configDigest"] = "sha256:other"
    cluster.step(cluster.add_run())
    assert reason(cluster) == "Checking"
    assert cluster.jobs_made == []


def test_another_version_than_the_run_names_is_not_run(cluster):
    cluster.add_run(workflowRef={"name": "sales-onboard", "version": "2.0.0"})
    cluster.settle()
    assert reason(cluster) == "WorkflowNotFound"
    assert "version 1.0.0" in condition_of(cluster.run(), "Succeeded")["message"]


@pytest.mark.parametrize("where", ["run", "workflow"])
def test_what_is_suspended_waits_without_end(cluster, where):
    if where == "workflow":
        cluster.change(Key("Workflow", SPACE, "sales-onboard"), suspend=True)
        cluster.settle()
    cluster.add_run(control={"suspend": where == "run"})
    cluster.settle()
    cluster.pass_time(100_000)
    assert cluster.decide(cluster.run()).look_again is None
    assert reason(cluster) == "Suspended"
    cluster.change(Key("WorkflowRun", SPACE, RUN), control={"suspend": False})
    cluster.change(Key("Workflow", SPACE, "sales-onboard"), suspend=False)
    cluster.settle()
    assert reason(cluster) == "Running"


@pytest.mark.parametrize("launched_first", [True, False])
def test_a_cancelled_run_ends_and_takes_its_job_with_it(cluster, launched_first):
    if launched_first:
        launched(cluster)
    else:
        cluster.add_run(control={"suspend": True})
    cluster.change(Key("WorkflowRun", SPACE, RUN), control={"cancel": "terminate"})
    cluster.settle()
    assert cluster.run()["status"]["outcome"] == "Cancelled"
    assert cluster.of("Job") == []
    assert len(cluster.jobs_made) == launched_first


def test_the_outcome_comes_before_the_job_goes(cluster):
    launched(cluster)
    cluster.change(Key("WorkflowRun", SPACE, RUN), control={"cancel": "terminate"})
    kinds = [type(one).__name__ for one in cluster.decide(cluster.run()).actions]
    assert kinds == ["ApplyStatus", "Post", "Remove"]


def test_one_run_at_a_time_by_default(cluster):
    launched(cluster)
    cluster.add_run("sales-2")
    cluster.settle()
    assert reason(cluster, "sales-2") == "ConcurrencyForbidden"
    assert "'sales-1'" in condition_of(cluster.run("sales-2"), "Succeeded")["message"]
    cluster.end_pod(job(cluster), said(**COUNTS))
    cluster.settle()
    cluster.add_run("sales-3")
    cluster.settle()
    assert reason(cluster, "sales-3") == "Running"


def test_queued_runs_go_in_the_order_of_their_age(cluster):
    cluster.change(Key("Workflow", SPACE, "sales-onboard"), concurrency="Queue")
    cluster.settle()
    for name in ("sales-1", "sales-2", "sales-3"):
        cluster.add_run(name)
    cluster.add_run("sales-0", control={"suspend": True})
    cluster.settle()
    assert [reason(cluster, f"sales-{n}") for n in (1, 2, 3)] == ["Running", "Queued", "Queued"]
    cluster.end_pod(job(cluster), said(**COUNTS))
    cluster.settle()
    assert [reason(cluster, f"sales-{n}") for n in (2, 3)] == ["Running", "Queued"]


@pytest.mark.parametrize(
    ("spec", "tells", "says"),
    [
        ({"parameters": {"day": "x"}}, "NotServed", "run sales-1: spec.parameters: is not served"),
        ({"rerunOf": "sales-0"}, "NotServed", "spec.rerunOf"),
        ({"trigger": {"fullRefresh": True}}, "NotServed", "spec.trigger.fullRefresh"),
        (
            {"window": {"start": "2026-02-02", "end": "2026-02-03"}},
            "ConfigInvalid",
            "needs an offset",
        ),
    ],
)
def test_a_run_that_can_never_start_fails_at_once(cluster, spec, tells, says):
    """INV-10."""
    cluster.add_run(**spec)
    cluster.settle()
    assert reason(cluster) == tells
    assert says in condition_of(cluster.run(), "Succeeded")["message"]
    assert condition_of(cluster.run(), "Frozen")["status"] == "False"


def test_a_window_goes_to_the_loader_and_into_the_run_s_digest(cluster):
    window = {"start": "2026-02-02T00:00:00Z", "end": "2026-02-03T00:00:00Z"}
    loader = launched(cluster, window=window)["spec"]["template"]["spec"]["containers"][1]
    place = loader["args"].index("--window")
    assert loader["args"][place + 1 : place + 3] == [window["start"], window["end"]]
    first = cluster.run()["status"]
    cluster.end_pod(job(cluster), said(**COUNTS))
    cluster.settle()
    cluster.add_run("sales-3")
    cluster.settle()
    third = cluster.run("sales-3")["status"]
    assert first["config"] == third["config"]
    assert first["runDigest"] != third["runDigest"]


def test_a_finished_run_never_changes_outcome_and_starts_nothing(cluster):
    """INV-2: whatever happens to its workflow, Jobs, Pods or control afterwards."""
    cluster.end_pod(launched(cluster), said(**COUNTS))
    cluster.settle()
    before = cluster.run()["status"]
    cluster.end_pod(job(cluster), said("InternalError", 70))
    cluster.change(Key("WorkflowRun", SPACE, RUN), control={"cancel": "terminate"})
    cluster.settle()
    cluster.remove(Key("Workflow", SPACE, "sales-onboard"))
    cluster.remove(Key("Job", SPACE, "sales-1-a1"))
    cluster.pass_time(1_000_000)
    cluster.settle()
    after = cluster.run()["status"]
    assert {**after, "observedGeneration": 0} == {**before, "observedGeneration": 0}
    assert after["observedGeneration"] == 2
    assert len(cluster.jobs_made) == 1


def test_a_finished_run_ends_jobs_that_go_on_without_it(cluster):
    launched(cluster)
    run = cluster.run()
    run["status"] |= {"outcome": "Failed"}
    cluster.settle()
    assert job(cluster) is None


def test_old_jobs_get_their_time_to_go(cluster):
    cluster.end_pod(launched(cluster), said("UpstreamUnavailable", 10))
    cluster.settle()
    assert job(cluster)["spec"]["ttlSecondsAfterFinished"] == SETTINGS.job_ttl
    second = playbook_cluster()
    found = launched(second)
    second.end_pod(found, said(**COUNTS))
    for action in second.decide(second.run()).actions[:1]:
        second.perform(action)
    assert "ttlSecondsAfterFinished" not in found["spec"]
    second.settle()
    assert found["spec"]["ttlSecondsAfterFinished"] == SETTINGS.job_ttl


def test_what_is_being_deleted_starts_nothing(cluster):
    run = cluster.add_run()
    run["metadata"]["deletionTimestamp"] = "2026-02-10T06:00:00Z"
    assert cluster.decide(run) == Decision()


def test_policy_is_the_workflow_s_of_now_and_default_where_it_is_gone(cluster):
    cluster.change(
        Key("Workflow", SPACE, "sales-onboard"),
        retry={"maxAttempts": 1},
        runtime={
            "resources": {"limits": {"memory": "1Gi"}},
            "nodeSelector": {"disk": "fast"},
            "tolerations": [{"key": "a", "operator": "Exists"}],
            "imagePullSecrets": ["registry"],
        },
    )
    cluster.settle()
    found = launched(cluster)
    pod = found["spec"]["template"]["spec"]
    assert pod["containers"][1]["resources"]["limits"] == {"memory": "1Gi"}
    assert pod["nodeSelector"] == {"disk": "fast"}
    assert pod["tolerations"] == [{"key": "a", "operator": "Exists"}]
    assert pod["imagePullSecrets"] == [{"name": "registry"}]
    cluster.get("Workflow", "sales-onboard")["spec"]["retry"] = {"maxAttempts": "many"}
    cluster.end_pod(found, said("UpstreamUnavailable", 10))
    cluster.step(cluster.run())
    assert reason(cluster) == "Retrying"
    cluster.remove(Key("Workflow", SPACE, "sales-onboard"))
    cluster.pass_time(13)
    cluster.settle()
    assert job(cluster, 2) is not None


def test_policy_that_changes_under_way_holds_for_the_rest_of_the_run(cluster):
    """What a run reads and writes is frozen with it; how it is tried is not."""
    key = Key("Workflow", SPACE, "sales-onboard")
    first = launched(cluster)
    frozen = cluster.run()["status"]["config"], cluster.run()["status"]["runDigest"]
    assert "nodeSelector" not in first["spec"]["template"]["spec"]
    changes = {"runtime": {"nodeSelector": {"disk": "fast"}}, "deadlines": {"run": 600}}
    cluster.change(key, retry={"maxAttempts": 2, "backoffSeconds": 1}, **changes)
    cluster.end_pod(first, said("UpstreamUnavailable", 10))
    cluster.settle()
    cluster.pass_time(2)
    cluster.settle()
    second = job(cluster, 2)
    assert second["spec"]["template"]["spec"]["nodeSelector"] == {"disk": "fast"}
    assert second["spec"]["activeDeadlineSeconds"] <= 600
    cluster.end_pod(second, said("UpstreamUnavailable", 10))
    cluster.settle()
    assert cluster.run()["status"]["outcome"] == "Failed"
    assert (cluster.run()["status"]["config"], cluster.run()["status"]["runDigest"]) == frozen


def test_waits_are_spread_but_bounded(cluster):
    waits = set()
    for number in range(8):
        name = f"run-{number}"
        cluster.change(Key("Workflow", SPACE, "sales-onboard"), concurrency="Queue")
        cluster.settle()
        cluster.add_run(name)
        cluster.settle()
        cluster.end_pod(job(cluster, 1, name), said("UpstreamUnavailable", 10))
        decision = cluster.decide(cluster.run(name))
        waits.add(decision.look_again)
        for action in decision.actions:
            cluster.perform(action)
        cluster.change(Key("WorkflowRun", SPACE, name), control={"cancel": "terminate"})
        cluster.settle()
    assert len(waits) == 8
    assert all(7.5 <= wait <= 12.5 for wait in waits)


def test_time_is_only_what_is_passed_in(cluster):
    """The same world and moment give the same decision."""
    run = cluster.add_run()
    assert cluster.decide(run) == cluster.decide(run)
    later = cluster.now + timedelta(seconds=1)
    first = cluster.decide(run).actions[2].status["frozenAt"]
    cluster.now = later
    assert cluster.decide(run).actions[2].status["frozenAt"] != first


def lonely(cluster, gone, seconds):
    """A Pod of which one container ended so many seconds ago, and the other one goes on."""
    found = launched(cluster)
    ended = (cluster.now - timedelta(seconds=seconds)).isoformat()
    state = {"exitCode": 137, "reason": "OOMKilled", "finishedAt": ended}
    cluster.start_pod(found)["status"] = {
        "phase": "Running",
        "containerStatuses": [
            {"name": name, "state": {"terminated": state} if name == gone else {"running": {}}}
            for name in ("connector", "loader")
        ],
    }
    return found


def test_a_connector_whose_loader_is_gone_is_given_a_moment(cluster):
    lonely(cluster, "loader", 5)
    decision = cluster.step(cluster.run())
    assert decision.look_again == pytest.approx(10, abs=0.1)
    assert reason(cluster) == "Running"


def test_and_then_the_attempt_is_over_and_what_runs_of_it_ends(cluster):
    """One container dead and the other waiting: never for longer than a moment."""
    lonely(cluster, "loader", 16)
    cluster.settle()
    assert reason(cluster) == "Retrying"
    assert cluster.run()["status"]["attempts"][0]["reason"] == "OutOfMemory"
    assert job(cluster) is None, "no two connectors at once"


def test_a_loader_goes_on_without_its_connector(cluster):
    """It may still have pages to load; the spool's lock tells it the rest."""
    lonely(cluster, "connector", 600)
    cluster.settle()
    assert reason(cluster) == "Running"


def test_an_end_without_a_time_is_given_the_moment_too(cluster):
    lonely(cluster, "loader", 0)
    del cluster.get("Pod", "sales-1-a1-pod")["status"]["containerStatuses"][1]["state"][
        "terminated"
    ]["finishedAt"]
    cluster.settle()
    assert reason(cluster) == "Running"


WARNING = {"reason": "DuplicateKeys", "object": "records", "message": "a key twice", "count": 2}


def test_a_finished_run_tells_its_warnings(cluster):
    launched(cluster)
    newer = {**WARNING, "reason": "SomethingNewer"}
    strange = [
        None,
        {},
        {**WARNING, "count": 0},
        {**WARNING, "object": 1},
        {**WARNING, "message": "x" * 999},
    ]
    cluster.end_pod(job(cluster), said(**COUNTS, warnings=[WARNING, newer, *strange]))
    cluster.settle()
    status = cluster.run(RUN)["status"]
    assert status["outcome"] == "Succeeded"
    assert status["warnings"] == [WARNING, newer, {**WARNING, "message": "x" * 300}]


def test_warnings_are_bounded_and_need_a_list(cluster):
    launched(cluster)
    many = [{**WARNING, "object": f"field{number}"} for number in range(30)]
    cluster.end_pod(job(cluster), said(**COUNTS, warnings=many))
    cluster.settle()
    assert cluster.run(RUN)["status"]["warnings"] == many[:10]


def test_warnings_of_another_form_are_left_out(cluster):
    launched(cluster)
    cluster.end_pod(job(cluster), said(**COUNTS, warnings="many"))
    cluster.settle()
    assert "warnings" not in cluster.run(RUN)["status"]
