"""The operator and a real API server: what the fake promises holds, and nothing else is written."""

import asyncio
import json
import time

import pytest

from chartly.names import FIELD_MANAGER
from support.custom_resources import api_with_crds
from support.operators import OPTIONS as QUICK
from support.operators import Operator

pytestmark = pytest.mark.timeout(900)  # the first rig builds its programs where none are built


@pytest.fixture(scope="module")
def rig():
    with api_with_crds(audit="Metadata") as found:
        yield found


def until(true, what, seconds=60):
    """Polls: a real server has no hook for tests."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := true():
            return found
        time.sleep(0.1)
    raise AssertionError(f"{what} did not come")


def quiet(rig, space):
    """The operator's writes, once there was none for a second; nothing tells what does not happen."""
    before = None
    while before != (writes := len(ours(rig, space))):
        before = writes
        time.sleep(1)
    return ours(rig, space)


def condition(found, kind):
    conditions = found.get("status", {}).get("conditions", ())
    return next((one for one in conditions if one["type"] == kind), {})


def finish(rig, space, said):
    """What a kubelet would tell of the Pod that the Job's controller made."""
    pods = until(
        lambda: json.loads(rig.kubectl("-n", space, "get", "pods", "-o", "json"))["items"],
        "the Pod",
    )
    loader, connector = said()
    rest = {"image": "x", "imageID": "", "ready": False, "restartCount": 0}
    states = [
        {"name": name, "state": {"terminated": state}, **rest}
        for name, state in (("loader", loader), ("connector", connector))
    ]
    patch = json.dumps({"status": {"phase": "Succeeded", "containerStatuses": states}})
    name = pods[0]["metadata"]["name"]
    rig.kubectl(
        "-n", space, "patch", "pod", name, "--subresource=status", "--type=merge", "-p", patch
    )


@pytest.mark.parametrize("watch_list", [False, True], ids=["list", "watch-list"])
def test_a_run_on_a_real_server(rig, watch_list, playbook, a_run, said, tmp_path):
    space = f"tenant-demo-{'b' if watch_list else 'a'}"
    project = f"proj-{'b' if watch_list else 'a'}"
    moved = json.loads(
        json.dumps(playbook).replace("tenant-demo-proj-sales", space).replace("proj-sales", project)
    )
    for one in moved:
        rig.apply(one, namespace=one["metadata"].get("namespace", "default"))

    async def scenario():
        options = {**QUICK.__dict__, "watch_list": watch_list, "lease": ("chartly-global", "op")}
        operator = Operator(type(QUICK)(**options), rig.kubeconfig)
        await operator.started.wait()
        try:
            await asyncio.to_thread(run_through)
        finally:
            await operator.stop()
        assert operator.error is None

    def run_through():
        until(
            lambda: (
                condition(rig.get("workflow", "sales-onboard", space), "Ready").get("status")
                == "True"
            ),
            "the workflow's Ready",
        )
        before = len(quiet(rig, space))
        run = json.loads(json.dumps(a_run()).replace("tenant-demo-proj-sales", space))
        rig.apply(run, namespace=space)
        until(lambda: found(rig, "job", "sales-1-a1", space), "the Job")
        finish(rig, space, said)
        ended = until(
            lambda: (
                (run := rig.get("workflowrun", "sales-1", space)).get("status", {}).get("outcome")
                and run
            ),
            "the outcome",
        )
        assert ended["status"]["outcome"] == "Succeeded"
        until(
            lambda: rig.get("job", "sales-1-a1", space)["spec"].get("ttlSecondsAfterFinished"),
            "the Job's TTL",
        )
        writes = quiet(rig, space)[before:]
        # Nine, and one that tells that no node takes the Pod, for there is none.
        assert len(writes) <= 10
        shown = rig.kubectl(
            *("-n", space, "get", "workflowrun", "sales-1"),
            *("-o", "json", "--show-managed-fields"),
        )
        managers = {one["manager"] for one in json.loads(shown)["metadata"]["managedFields"]}
        assert FIELD_MANAGER in managers
        assert not [one for one in managers if "kopf" in one]
        assert "finalizers" not in ended["metadata"]

    asyncio.run(scenario())


def found(rig, kind, name, space):
    try:
        return rig.get(kind, name, space)
    except RuntimeError:
        return None


def ours(rig, space):
    """Writes of the operator in a namespace, without the Lease's."""
    return [
        one
        for one in rig.writes()
        if one.get("userAgent", "").startswith((FIELD_MANAGER, "kopf"))
        and one["objectRef"].get("namespace") == space
    ]
