"""Chartly on a real node: the playbook applied with kubectl, and every way in which a run can be hurt."""

import base64
import json
import os
import re
import shutil
import signal
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from support import linked_domain
from support.api_pods import API_HOST
from support.command import chartly_json
from support.installed import PROJECT, ROOT, SPACE, SYSTEM, TOKEN, Installed, installed
from support.profiles import PLAYBOOK
from support.sales_api import pages_of, sale

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]

RECORDS = 120
PER_PAGE = 6
ROWS = "SELECT event_id, occurred_at, amount, currency, customer_id, type, raw_ref, event_key FROM {} ORDER BY event_id"
ROLLUP = "SELECT day, currency, orders, total_amount FROM {} ORDER BY day, currency"
REJECTS = "SELECT DISTINCT reason, field, record FROM {} FINAL ORDER BY record"


def records():
    found = [sale(number) for number in range(RECORDS)]
    found[7] = sale(7, totals={"amount": "1.5", "currency": None})
    found[50] = sale(50, totals={"amount": "1e400", "currency": "EUR"})
    found[90] = sale(3)
    return found


@pytest.fixture(scope="module")
def there(tmp_path_factory):
    folder = tmp_path_factory.mktemp("installed")
    with installed(folder, pages_of(records(), PER_PAGE)) as found:
        prepare(found)
        yield found
        leave(found)


def prepare(there: Installed):
    """The files of the repository, applied, and the API's secret: what a user does."""
    for name in ("profiles", "workflows"):
        (there.folder / name).mkdir(parents=True)
        for path in (ROOT / name).glob("*sales*.yaml"):
            shutil.copy(path, there.folder / name)
    shutil.copytree(PLAYBOOK / "fixtures", there.folder / "fixtures")
    connector = next((there.folder / "profiles").glob("connector-*"))
    text = connector.read_text()
    cidr = there.rig.layout.services
    text = text.replace("blockCidrs:\n", f"allowCidrs: ['{cidr}']\n      blockCidrs:\n", 1)
    text = text.replace("maxRequestsPerMinute: 120", "maxRequestsPerMinute: 60000")
    connector.write_text(text)
    there.kubectl("apply", "-f", there.folder / "profiles", "-f", there.folder / "workflows")
    there.kubectl("create", "secret", "generic", "sales-http", f"--from-literal=token={TOKEN}")
    there.kubectl("wait", "--for=condition=Ready", "--timeout=60s", "workflow/sales-onboard")


def leave(there: Installed):
    """Uninstalling leaves nothing stuck: no finalizer waits for an operator that is gone."""
    there.rig.helm("uninstall", "chartly", "--namespace", SYSTEM, "--wait", "--timeout", "2m")
    there.kubectl("delete", "workflowruns,workflows,profiles", "--all", "--timeout=30s")
    there.rig.kubectl("delete", "namespace", SPACE, SYSTEM, "--timeout=90s")


@pytest.fixture(autouse=True)
def quiet(there):
    """A calm API before each test; afterwards no error in the operator's log, and no secret."""
    there.mood(delay=0, status=200)
    yield
    there.mood(delay=0, status=200)
    there.cancel_all()
    logs = there.operator_logs()
    assert TOKEN not in logs
    assert "Traceback" not in logs
    said = there.kubectl(
        "get", "profiles,workflows,workflowruns,jobs,pods,configmaps,events", "-o", "json"
    )
    assert TOKEN not in said
    assert base64.b64encode(TOKEN.encode()).decode() not in said


@contextmanager
def changed(there, spec):
    """The workflow with ``spec`` over its own, until the block ends, however it ends."""
    change(there, spec)
    try:
        yield
    finally:
        change(there, dict.fromkeys(spec))


def change(there, spec):
    """Changes the workflow and waits until the operator has looked at it."""
    there.kubectl(
        "patch", "workflow", "sales-onboard", "--type=merge", "-p", json.dumps({"spec": spec})
    )

    def looked():
        found = there.rig.get("workflow", "sales-onboard", SPACE)
        seen = found["status"]["observedGeneration"] == found["metadata"]["generation"]
        return seen and condition(found["status"], "Ready")["status"] == "True"

    there.until("the workflow is checked", looked)


def condition(status, kind):
    return next((one for one in status["conditions"] if one["type"] == kind), None)


def reason(status):
    return condition(status, "Succeeded")["reason"]


def under_way(there, name, pages=2):
    """Starts a slow run and returns when its Pod has pulled some pages."""
    there.mood(delay=0.4)
    before = there.mood()["asked"]
    there.start(name)
    there.until("pages are pulled", lambda: there.mood()["asked"] >= before + pages)
    return there.pods(name)[0]["metadata"]["name"]


def exact(there, name):
    """The run's counts add up, and the rows are those of the API (INV-4)."""
    status = there.finished(name)
    assert reason(status) == "Succeeded", status
    result = status["result"]
    parts = ("loaded", "rejected", "duplicate", "filtered", "late")
    assert result["read"] == sum(result[part] for part in parts) == RECORDS
    stored = there.rows(
        "SELECT count(), uniqExact(event_id) FROM tenant_demo__proj_sales.sales_events"
    )[0]
    wanted = {
        one["id"]: one
        for one in records()
        if one["totals"]["currency"] and one["totals"]["amount"] != "1e400"
    }
    assert stored == (len(wanted), len(wanted)), "none lost, none twice"
    return status


def test_the_playbook_runs_and_gives_what_the_laptop_gives(there, tmp_path):
    """INV-5: rows, rollup, rejects, digests and fingerprints of the cluster and of ``chartly run``."""
    there.start("first")
    status = exact(there, "first")
    local = tmp_path / "local"
    shutil.copytree(there.folder, local)
    secret = local / ".chartly" / "secrets" / "sales-http" / "token"
    secret.parent.mkdir(parents=True)
    secret.write_text(TOKEN)
    pin = ("--connect-to", f"{API_HOST}:443={there.api}:443", "--cacert", str(there.authority))
    ran = chartly_json(local, "--project", PROJECT, "run", "sales-onboard", *pin)
    assert ran["reason"] == "Succeeded"
    assert status["config"]["digest"] == ran["configDigest"]
    assert {one["reference"]: one["digest"] for one in status["resolvedProfiles"]} == ran[
        "profiles"
    ]
    names = ("read", "loaded", "rejected", "duplicate", "filtered", "late", "corrected", "pages")
    assert {name: status["result"][name] for name in names} == {
        name: ran["counts"][name] for name in names
    }
    assert [one["fingerprint"] for one in status["result"]["outputs"]] == [
        one["fingerprint"] for one in ran["outputs"]
    ]
    from contextlib import closing

    from chartly_store.embedded import open_embedded

    with closing(open_embedded(local / ".chartly" / "store")) as engine:
        for query, table in (
            (ROWS, "sales_events"),
            (ROLLUP, "sales_rollup_daily"),
            (REJECTS, "sales_events__rejected"),
        ):
            sql = query.format(f"tenant_demo__proj_sales.{table}")
            assert [tuple(map(str, row)) for row in engine.rows(sql)] == [
                tuple(map(str, row)) for row in there.rows(sql)
            ]


def test_kubectl_tells_the_whole_story(there):
    there.start("story")
    there.finished("story")
    table = there.kubectl("get", "chartly")
    assert re.search(r"profile.chartly.io/connector-sales-http-1.0.0 .*True", table), table
    assert re.search(r"workflow.chartly.io/sales-onboard .*True", table), table
    assert re.search(r"workflowrun.chartly.io/story +sales-onboard +True +Succeeded", table), table
    told = there.kubectl("describe", "workflowrun", "story")
    for part in (
        *("Config:", "Run Digest:", "Resolved Profiles:", "Outcome:"),
        *("Loaded:", "Rejected:", "Audit Head:", "Fingerprint:"),
        "Normal  Succeeded",
    ):
        assert part in re.sub(r" {2,}", "  ", told), told


def test_a_successful_run_costs_few_writes(there):
    """Eight writes at most, counted by the API server itself."""
    there.start("budget")
    there.finished("budget")
    there.until(
        "its Job has a TTL",
        lambda: "ttlSecondsAfterFinished" in there.rig.get("job", "budget-a1", SPACE)["spec"],
    )
    writes = [
        (one["verb"], one["objectRef"]["resource"], one["objectRef"].get("subresource", ""))
        for one in there.rig.writes()
        if "budget" in json.dumps(one["objectRef"])
        and one["user"]["username"].startswith(f"system:serviceaccount:{SYSTEM}:")
    ]
    assert 5 <= len(writes) <= 8, writes


def test_a_missing_profile_is_named_and_its_coming_is_seen(there):
    storage = next((there.folder / "profiles").glob("storage-*"))
    there.kubectl("delete", "-f", storage)
    there.until(
        "the workflow says so",
        lambda: (
            condition(there.rig.get("workflow", "sales-onboard", SPACE)["status"], "Ready")[
                "reason"
            ]
            == "ProfileNotFound"
        ),
    )
    there.start("early")
    there.until(
        "the run says so",
        lambda: (
            reason(
                there.run("early").get("status")
                or {"conditions": [{"type": "Succeeded", "reason": ""}]}
            )
            == "ProfileNotFound"
        ),
    )
    there.kubectl("apply", "-f", storage)
    exact(there, "early")


def test_an_edit_of_a_profile_is_refused_with_one_sentence(there):
    """INV-10."""
    patch = '{"spec": {"storage": {"retentionDays": 31}}}'
    with pytest.raises(RuntimeError, match="never changes|immutable|new version"):
        there.kubectl("patch", "profile", "storage-sales-events-1.0.0", "--type=merge", "-p", patch)


def test_tampered_inputs_are_refused_by_the_runner(there):
    """INV-3: bytes of another digest never run."""
    before = there.rig.get("workflow", "sales-onboard", SPACE)
    # Inputs that no Pod has seen: a node keeps what it has of an immutable object.
    steps = [*before["spec"]["steps"][:3]]
    change(there, {"version": "1.0.1", "steps": steps})
    digest = there.rig.get("workflow", "sales-onboard", SPACE)["status"]["configDigest"]
    name = f"chartly-cfg-{digest.removeprefix('sha256:')}"
    labels = {"app.kubernetes.io/managed-by": "chartly", "chartly.io/config": "snapshot"}
    forged = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "labels": labels},
        "immutable": True,
        "data": {"snapshot.json": '{"steps":[],"profiles":[]}'},
    }
    there.kubectl("create", "-f", "-", text=json.dumps(forged))
    asked = there.mood()["asked"]
    there.start("tampered")
    status = there.finished("tampered")
    change(there, {"version": "1.0.0", "steps": before["spec"]["steps"]})
    there.kubectl("delete", "configmap", name)
    assert reason(status) == "SnapshotTampered"
    assert len(status["attempts"]) == 1
    assert there.mood()["asked"] == asked, "nothing may leave"


def test_a_wrong_secret_is_a_sentence_and_no_retry(there):
    there.kubectl("delete", "secret", "sales-http")
    there.kubectl("create", "secret", "generic", "sales-http", "--from-literal=token=wrong")
    there.start("wrong")
    status = there.finished("wrong")
    there.kubectl("delete", "secret", "sales-http")
    there.start("missing")
    missing = there.finished("missing")
    there.kubectl("create", "secret", "generic", "sales-http", f"--from-literal=token={TOKEN}")
    assert (reason(status), len(status["attempts"])) == ("AuthRejected", 1)
    assert reason(missing) == "SecretMissing"
    assert "sales-http" in condition(missing, "Succeeded")["message"]


def test_a_loader_without_memory_says_so(there):
    """The kernel charges a file's pages to who reads it first: a run with too little memory that is
    also the first to read the images drops and reads them again for minutes, and is not killed."""
    there.start("fed")
    there.finished("fed")
    resources = {"requests": {"memory": "16Mi"}, "limits": {"memory": "24Mi"}}
    with changed(there, {"runtime": {"resources": resources}, "retry": {"maxAttempts": 1}}):
        there.start("hungry")
        status = there.finished("hungry")
    assert reason(status) == "OutOfMemory", status


@pytest.mark.parametrize("container", ["connector", "loader"])
def test_a_killed_container_costs_an_attempt_and_no_row(there, container):
    """INV-4: the other side sees that its peer is lost, and the next attempt goes on."""
    name = f"killed-{container}"
    pod = under_way(there, name)
    there.rig.signal_container(pod, container, signal.SIGKILL, SPACE)
    there.mood(delay=0)
    status = exact(there, name)
    assert len(status["attempts"]) == 2
    assert status["attempts"][0]["reason"] in ("Killed", "PeerLost")


def test_a_page_that_fails_costs_an_attempt_and_the_next_one_keeps_its_base(there):
    """INV-4: each link counts from the page that holds it, also for another Pod."""
    there.kubectl("apply", "-f", linked_domain.linked_files(there.folder))
    flow = linked_domain.WORKFLOW
    there.kubectl("wait", "--for=condition=Ready", "--timeout=60s", f"workflow/{flow}")
    there.mood(last=500)
    there.start("linked", workflowRef={"name": flow})

    def failed():
        attempts = there.run("linked").get("status", {}).get("attempts", [{}])
        return attempts[0].get("end")

    there.until("the last page fails for good", failed)
    there.mood(last=200)
    status = there.finished("linked")
    told = [one["reason"] for one in status["attempts"]]
    assert told == ["UpstreamUnavailable", "Succeeded"]
    rows = there.rows("SELECT event_id FROM tenant_demo__proj_sales.linked_sales ORDER BY 1")
    assert rows == [(one,) for one in linked_domain.RECORDS]


def test_a_deleted_job_is_lost_and_replaced(there):
    """INV-1: never silence, never the same Job again."""
    under_way(there, "deleted")
    uid = there.rig.get("job", "deleted-a1", SPACE)["metadata"]["uid"]
    there.kubectl("delete", "job", "deleted-a1", "--wait=false")
    there.mood(delay=0)
    status = exact(there, "deleted")
    assert [one["reason"] for one in status["attempts"]] == ["JobLost", "Succeeded"]
    assert status["attempts"][0]["uid"] == uid
    events = there.kubectl("get", "events", "-o", "json")
    assert "JobLost" in events


def test_an_evicted_pod_is_replaced_free_of_charge(there):
    pod = under_way(there, "evicted")
    eviction = {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": pod, "namespace": SPACE},
    }
    there.rig.client.call("POST", f"/api/v1/namespaces/{SPACE}/pods/{pod}/eviction", eviction)
    there.mood(delay=0)
    status = exact(there, "evicted")
    assert status["attempts"][0]["reason"] in ("Evicted", "Terminated", "ResultUnknown")


def test_operators_killed_in_the_middle_change_nothing(there):
    """INV-1, INV-2: every replica is killed while a run is under way."""
    under_way(there, "headless")
    for pod in there.operators():
        there.rig.signal_container(pod, "operator", signal.SIGKILL, SYSTEM)
    there.mood(delay=0)
    status = exact(there, "headless")
    assert len(status["attempts"]) == 1
    there.rig.kubectl(
        "-n",
        SYSTEM,
        "wait",
        "--for=condition=Ready",
        "pod",
        "-l",
        "app.kubernetes.io/name=chartly",
        "--timeout=90s",
    )


def test_another_leader_works_within_twenty_seconds(there):
    leader = there.leader()
    pod = next(one for one in there.operators() if one in leader or leader in one)
    began = time.monotonic()
    os.kill(there.rig.container_process(pod, "operator", SYSTEM), signal.SIGSTOP)
    there.start("orphan")
    there.until(
        "a Job",
        lambda: there.kubectl("get", "jobs", "-l", "chartly.io/run=orphan", "-o", "name"),
        40,
    )
    took = time.monotonic() - began
    exact(there, "orphan")
    with pytest.MonkeyPatch.context():
        there.rig.kubectl("-n", SYSTEM, "delete", "pod", pod, "--grace-period=0", "--force")
    print(f"a new leader's first Job after {took:.1f} s")
    assert took < 20
    there.rig.kubectl("-n", SYSTEM, "rollout", "status", "deployment", "--timeout=90s")


def test_only_the_newest_finished_runs_are_kept(there):
    gone = lambda: "older" not in there.kubectl("get", "workflowruns,jobs", "-o", "name")  # noqa: E731 - asked again and again
    with changed(there, {"history": {"keepSucceeded": 1}}):
        for name in ("older", "newer"):
            there.start(name)
            there.finished(name)
        there.until("the older one goes with its Job", gone)
        assert "newer" in there.kubectl("get", "workflowruns", "-o", "name")


def test_a_namespace_goes_in_the_middle_of_a_run(there):
    """Nothing of ours keeps it: no finalizer, no Job that comes again."""
    space = "tenant-demo-proj-other"
    labels = {"chartly.io/tenant": "tenant-demo", "chartly.io/project": "proj-other"}
    there.rig.kubectl(
        "create",
        "-f",
        "-",
        text=json.dumps(
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": space, "labels": labels}}
        ),
    )
    files = there.folder.parent / "other"
    shutil.copytree(there.folder, files, ignore=shutil.ignore_patterns("fixtures"))
    for path in Path(files).rglob("*.yaml"):
        path.write_text(path.read_text().replace("proj-sales", "proj-other"))
    there.rig.kubectl(
        "-n", space, "apply", "-f", str(files / "profiles"), "-f", str(files / "workflows")
    )
    run = {
        "apiVersion": "chartly.io/v1alpha1",
        "kind": "WorkflowRun",
        "metadata": {"name": "gone", "namespace": space},
        "spec": {"workflowRef": {"name": "sales-onboard"}},
    }
    there.rig.kubectl("create", "-f", "-", text=json.dumps(run))
    there.until("a Job", lambda: there.rig.kubectl("-n", space, "get", "jobs", "-o", "name"))
    there.rig.kubectl("delete", "namespace", space, "--timeout=90s")
