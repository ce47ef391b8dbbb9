"""One list of cases for the fake API server and, where there is one, a real one.

What the operator's tests believe of an API server is only what both do.
"""

import asyncio
import itertools
import json
from contextlib import aclosing, asynccontextmanager

import pytest

from chartly.names import MANAGED_BY, OURS
from chartly.reconcile.actions import Key
from chartly.reconcile.objects import key_of
from chartly_kube import kube_client as client_module
from chartly_kube.connection import load_configuration
from chartly_kube.kinds import OWN
from chartly_kube.kube_client import KubeClient
from chartly_kube.kube_port import AlreadyExists, Conflict, NotFound, Refused, Unavailable
from support.custom_resources import api_with_crds
from support.fake_api import fake_api, kubeconfig
from support.loops import settled
from support.profiles import ROOT

pytestmark = pytest.mark.timeout(900)  # the first rig builds its programs where none are built
CRDS = ROOT / "crds"
NUMBERS = itertools.count()
CHILD = {MANAGED_BY: OURS}


@pytest.fixture(scope="module")
def rig():
    """A real API server that knows our kinds."""
    with api_with_crds() as found:
        yield found


@pytest.fixture(params=["fake", "real"])
def connect(request, tmp_path):
    """Opens a client of the server under test."""
    if request.param == "real":
        rig = request.getfixturevalue("rig")
        return lambda: opened(rig.kubeconfig)

    @asynccontextmanager
    async def faked():
        async with fake_api() as fake, opened(kubeconfig(fake, tmp_path)) as port:
            yield port

    return faked


@asynccontextmanager
async def opened(path):
    port = KubeClient(await load_configuration({"KUBECONFIG": str(path)}))
    try:
        yield port
    finally:
        await port.close()


@pytest.fixture
def case(connect):
    """Runs a case in a namespace of its own."""

    def run(scenario):
        async def inside():
            async with connect() as port:
                name = f"tenant-case-{next(NUMBERS)}"
                await port.create(
                    {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
                )
                await scenario(port, name)
            await settled()

        asyncio.run(inside())

    return run


def config(namespace, name="one", labels=CHILD, **content):
    metadata = {"name": name, "namespace": namespace, "labels": labels}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, **content}


def run_of(namespace, name="run-1"):
    return {
        "apiVersion": "chartly.io/v1alpha1",
        "kind": "WorkflowRun",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"workflowRef": {"name": "sales", "version": "1.0.0"}},
    }


def job(namespace, name="run-1-a1"):
    container = {"name": "loader", "image": "chartly-loader"}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "namespace": namespace, "labels": CHILD},
        "spec": {"template": {"spec": {"restartPolicy": "Never", "containers": [container]}}},
    }


def condition(status="True"):
    return {
        "type": "Ready",
        "status": status,
        "reason": "Ready",
        "message": "",
        "observedGeneration": 1,
        "lastTransitionTime": "2026-02-02T00:00:00Z",
    }


def status(**more):
    return {"observedGeneration": 1, "conditions": [condition()], **more}


def version(found):
    return found["metadata"]["resourceVersion"]


def uid(found):
    return found["metadata"]["uid"]


def test_a_watch_tells_what_is_there_and_then_each_change_from_a_version_on(case):
    async def scenario(port, namespace):
        async def told(since, wanted):
            found = []
            watch = port.watched("ConfigMap", namespace, since, json.loads)
            async with aclosing(watch) as events, asyncio.timeout(30):
                async for one in events:
                    if one.object is not None:
                        found.append((one.type, one.object["metadata"]["name"], one.version))
                    if len(found) == wanted:
                        return found
            return found

        await port.create(config(namespace, "stranger", labels={}))
        first = await port.create(config(namespace, "one", data={"a": "1"}))
        watching = asyncio.create_task(told("", 3))
        await asyncio.sleep(0.2)
        changed = await port.merge(key_of(first), uid(first), {"data": {"a": "2"}})
        await port.delete(key_of(first), uid(first))
        seen = await watching
        assert [one[0] for one in seen] == ["ADDED", "MODIFIED", "DELETED"]
        assert {one[1] for one in seen} == {"one"}
        assert [one[2] for one in seen][:2] == [version(first), version(changed)]
        assert await told(version(changed), 1) == seen[2:]

    case(scenario)


def test_our_kinds_are_known(case):
    async def scenario(port, _namespace):
        assert await port.served_kinds() >= set(OWN)

    case(scenario)


def test_a_name_is_made_once(case):
    """INV-1 leans on this."""

    async def scenario(port, namespace):
        made = await port.create(config(namespace, data={"a": "1"}))
        assert uid(made)
        assert version(made)
        assert "managedFields" not in made["metadata"]
        with pytest.raises(AlreadyExists, match=r"cannot create .*/configmaps: 409"):
            await port.create(config(namespace, data={"a": "2"}))
        found = await port.get(key_of(made))
        assert found["data"] == {"a": "1"}
        assert (uid(found), version(found)) == (uid(made), version(made))
        assert found["kind"] == "ConfigMap"

    case(scenario)


def test_what_is_not_there_is_not_found(case):
    async def scenario(port, namespace):
        for kind in ("ConfigMap", "Job", "WorkflowRun"):
            key = Key(kind, namespace, "nothing")
            with pytest.raises(NotFound, match=r"cannot get .*/nothing: 404"):
                await port.get(key)
            with pytest.raises(NotFound):
                await port.delete(key, None)
        with pytest.raises(NotFound):
            await port.merge(Key("Job", namespace, "nothing"), "u", {"spec": {}})
        with pytest.raises(NotFound):
            await port.create(config("tenant-nowhere"))

    case(scenario)


def test_a_refusal_is_told_from_a_failure(case):
    async def scenario(port, namespace):
        with pytest.raises(Refused, match=r"Invalid|invalid") as raised:
            await port.create(config(namespace, name="Not_Allowed"))
        assert raised.value.code == 422

    case(scenario)


def test_a_status_is_written_over_what_was_seen_and_nothing_newer(case):
    """The write that records an intent is refused to whoever looks at an old object."""

    async def scenario(port, namespace):
        made = await port.create(run_of(namespace))
        key = key_of(made)
        first = await port.apply_status(key, uid(made), version(made), status(runId="a"))
        assert first["status"]["runId"] == "a"
        assert version(first) != version(made)
        assert first["metadata"]["generation"] == made["metadata"]["generation"] == 1
        with pytest.raises(Conflict, match=r"cannot apply .*/status: 409"):
            await port.apply_status(key, uid(made), version(made), status(runId="b"))
        assert (await port.get(key))["status"]["runId"] == "a"

    case(scenario)


def test_a_status_that_says_the_same_is_no_news(case):
    async def scenario(port, namespace):
        made = await port.create(run_of(namespace))
        key = key_of(made)
        first = await port.apply_status(key, uid(made), version(made), status(runId="a"))
        second = await port.apply_status(key, uid(made), version(first), status(runId="a"))
        assert version(second) == version(first)

    case(scenario)


def test_a_status_forgets_what_is_not_said_again(case):
    async def scenario(port, namespace):
        made = await port.create(run_of(namespace))
        key = key_of(made)
        first = await port.apply_status(key, uid(made), version(made), status(runId="a"))
        second = await port.apply_status(key, uid(made), version(first), status())
        assert "runId" not in second["status"]
        assert second["status"]["conditions"] == [condition()]

    case(scenario)


def test_a_status_is_not_for_another_object_of_that_name(case):
    async def scenario(port, namespace):
        old = await port.create(run_of(namespace))
        key = key_of(old)
        await port.delete(key, uid(old))
        with pytest.raises(NotFound):
            await port.apply_status(key, uid(old), version(old), status())
        new = await port.create(run_of(namespace))
        assert uid(new) != uid(old)
        with pytest.raises(Conflict):
            await port.apply_status(key, uid(old), version(old), status())
        assert "runId" not in (await port.get(key)).get("status", {})

    case(scenario)


def test_an_outcome_never_changes(case):
    """INV-2, held by the API server itself."""

    async def scenario(port, namespace):
        made = await port.create(run_of(namespace))
        key = key_of(made)
        ended = await port.apply_status(key, uid(made), version(made), status(outcome="Succeeded"))
        for other in (status(outcome="Failed"), status()):
            with pytest.raises(Refused) as raised:
                await port.apply_status(key, uid(made), version(ended), other)
            assert raised.value.code == 422

    case(scenario)


def test_entries_are_added_and_never_overwritten(case):
    async def scenario(port, namespace):
        key = Key("ConfigMap", namespace, "chartly-versions-storage-sales")
        made = await port.add_data(key, CHILD, {"1.0.0": "a"})
        assert (made["metadata"]["labels"], made["data"]) == (CHILD, {"1.0.0": "a"})
        more = await port.add_data(key, CHILD, {"1.1.0": "b"})
        assert more["data"] == {"1.0.0": "a", "1.1.0": "b"}
        same = await port.add_data(key, CHILD, {"1.0.0": "a"})
        assert version(same) == version(more)
        with pytest.raises(Conflict, match=r"'1.0.0' has another value"):
            await port.add_data(key, CHILD, {"1.0.0": "c", "1.2.0": "d"})
        assert (await port.get(key))["data"] == more["data"]

    case(scenario)


def test_frozen_data_cannot_be_changed(case):
    """INV-3."""

    async def scenario(port, namespace):
        made = await port.create(config(namespace, immutable=True, data={"a": "1"}))
        with pytest.raises(Refused) as raised:
            await port.merge(key_of(made), uid(made), {"data": {"a": "2"}})
        assert raised.value.code == 422

    case(scenario)


def test_a_job_may_be_let_go_later(case):
    async def scenario(port, namespace):
        made = await port.create(job(namespace))
        assert "ttlSecondsAfterFinished" not in made["spec"]
        patch = {"spec": {"ttlSecondsAfterFinished": 60}}
        with pytest.raises(Conflict):
            await port.merge(key_of(made), "00000000-0000-4000-8000-00000000ffff", patch)
        changed = await port.merge(key_of(made), uid(made), patch)
        assert changed["spec"]["ttlSecondsAfterFinished"] == 60
        assert changed["metadata"]["generation"] == made["metadata"]["generation"] + 1

    case(scenario)


def test_only_the_object_that_was_meant_is_deleted(case):
    async def scenario(port, namespace):
        made = await port.create(config(namespace))
        with pytest.raises(Conflict):
            await port.delete(key_of(made), "00000000-0000-4000-8000-00000000ffff")
        assert await port.delete(key_of(made), uid(made)) is None
        with pytest.raises(NotFound):
            await port.get(key_of(made))
        again = await port.create(config(namespace))
        assert await port.delete(key_of(again), None) is None

    case(scenario)


def test_a_finalizer_keeps_an_object_for_a_while(case):
    async def scenario(port, namespace):
        document = config(namespace)
        document["metadata"]["finalizers"] = ["example.com/wait"]
        made = await port.create(document)
        kept = await port.delete(key_of(made), uid(made))
        assert kept["metadata"]["deletionTimestamp"]
        assert uid(kept) == uid(made)
        await port.merge(key_of(made), uid(made), {"metadata": {"finalizers": None}})
        with pytest.raises(NotFound):
            await port.get(key_of(made))

    case(scenario)


def test_a_list_is_whole_however_many_pages_it_takes(case, monkeypatch):
    monkeypatch.setattr(client_module, "_PAGE", 2)

    async def scenario(port, namespace):
        for number in range(5):
            await port.create(config(namespace, name=f"ours-{number}"))
        await port.create(config(namespace, name="theirs", labels={}))
        found = await port.listed("ConfigMap", namespace, lambda one: one)
        assert sorted(one["metadata"]["name"] for one in found) == [f"ours-{i}" for i in range(5)]
        assert {(one["kind"], one["apiVersion"]) for one in found} == {("ConfigMap", "v1")}
        assert not [one for one in found if "managedFields" in one["metadata"]]
        everywhere = await port.listed("ConfigMap", None, lambda one: one["metadata"]["name"])
        assert set(everywhere) >= {f"ours-{i}" for i in range(5)}
        assert await port.listed("Job", namespace, lambda one: one) == []

    case(scenario)


def test_of_two_who_write_whole_one_is_refused(case):
    """The Lease leans on this."""

    async def scenario(port, namespace):
        lease = {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": "one", "namespace": namespace},
            "spec": {"holderIdentity": "a", "leaseDurationSeconds": 15},
        }
        made = await port.create(lease)
        await port.replace({**made, "spec": {**made["spec"], "holderIdentity": "b"}})
        with pytest.raises(Conflict):
            await port.replace({**made, "spec": {**made["spec"], "holderIdentity": "c"}})
        assert (await port.get(key_of(made)))["spec"]["holderIdentity"] == "b"

    case(scenario)


def test_an_event_is_told_once(case):
    async def scenario(port, namespace):
        event = {
            "apiVersion": "events.k8s.io/v1",
            "kind": "Event",
            "metadata": {"name": "run-1.abc", "namespace": namespace},
            "eventTime": "2026-02-02T00:00:00.000000Z",
            "type": "Warning",
            "reason": "ConfigInvalid",
            "note": "why",
            "action": "Reconcile",
            "reportingController": "chartly.io/chartly-operator",
            "reportingInstance": "test",
            "regarding": {"kind": "WorkflowRun", "name": "run-1", "namespace": namespace},
        }
        await port.create(event)
        with pytest.raises(AlreadyExists):
            await port.create(event)

    case(scenario)


def test_nobody_there_is_unavailable(tmp_path):
    async def scenario():
        async with fake_api() as fake:
            path = kubeconfig(fake, tmp_path)
        async with opened(path) as port:
            with pytest.raises(Unavailable, match=r"cannot get .*: ClientConnectorError"):
                await port.get(Key("ConfigMap", "a", "b"))

    asyncio.run(scenario())
