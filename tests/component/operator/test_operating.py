"""Whole operators, kopf and all, against an API server that misbehaves."""

import asyncio

import aiohttp
import pytest

from chartly.names import MANAGED_BY, OURS
from chartly.reconcile.actions import Key
from support.fake_api import TOKEN, fake_api
from support.fake_objects import Failure
from support.operators import Kubelet, operating


def outcome(fake, key):
    return (fake.objects.by_key[key].get("status") or {}).get("outcome")


def ready(fake):
    """Whether the workflow says that it may run."""
    found = [one for one in fake.objects.by_key.values() if one["kind"] == "Workflow"]
    return any(
        one["type"] == "Ready" and one["status"] == "True"
        for workflow in found
        for one in (workflow.get("status") or {}).get("conditions", ())
    )


def looks(operator, kind):
    """How often objects of a kind were looked at."""
    lines = [
        one
        for one in operator.metrics.splitlines()
        if one.startswith(f'chartly_reconcile_total{{kind="{kind}"')
    ]
    return sum(float(one.rpartition(" ")[2]) for one in lines)


def made(fake, kind="Job"):
    """Names of what was really created."""
    return [
        one.key.name
        for one in fake.calls
        if (one.verb, one.key.kind, one.code) == ("create", kind, 201)
    ]


async def quiet(fake, seconds=0.2):
    """Returns once nothing was written for a while; there is no event for what does not happen."""
    before = None
    while before != (before := len(fake.writes())):  # noqa: ASYNC110 - see above
        await asyncio.sleep(seconds)


def test_a_run_goes_from_asked_for_to_done(play, playbook, a_run, run_key, said, tmp_path):
    """The budget of one successful run: ten looks, eight writes; and one Job (INV-1)."""

    async def scenario():
        async with fake_api(playbook) as fake:
            Kubelet(fake, lambda _job: said())
            async with operating(fake, tmp_path) as operator:
                await fake.until(lambda: ready(fake))
                await quiet(fake)
                before = len(fake.writes())
                fake.add(a_run())
                await fake.until(lambda: outcome(fake, run_key()))
                await quiet(fake)
                assert outcome(fake, run_key()) == "Succeeded"
                assert made(fake) == ["sales-1-a1"]
                assert looks(operator, "WorkflowRun") <= 10
                writes = fake.writes()[before:]
                assert len(writes) <= 9, writes
                job = fake.objects.by_key[Key("Job", run_key().namespace, "sales-1-a1")]
                assert job["spec"]["ttlSecondsAfterFinished"] == 3600
            assert operator.error is None

    play(scenario)


def test_an_operator_that_has_nothing_to_do_writes_nothing(
    play, playbook, a_run, run_key, said, tmp_path
):
    """A second operator finds everything as it should be; finished runs are not even looked at."""

    async def scenario():
        async with fake_api(playbook) as fake:
            Kubelet(fake, lambda _job: said())
            async with operating(fake, tmp_path):
                await fake.until(lambda: ready(fake))
                fake.add(a_run())
                await fake.until(lambda: outcome(fake, run_key()))
                await quiet(fake)
            before = len(fake.writes())
            async with operating(fake, tmp_path) as operator:
                await fake.until(lambda: fake.watches("ConfigMap") == 1)
                operator.resync()
                await quiet(fake)
                assert looks(operator, "Workflow") >= 1
                assert looks(operator, "WorkflowRun") == 0
            assert fake.writes()[before:] == []

    play(scenario)


def breaks(fake, name, kind="WorkflowRun"):
    """One way in which watching goes wrong."""
    gone = Failure(410, "Expired", "too old").document()
    broken = Failure(500, "InternalError", "etcd leader changed").document()
    if name == "dropped":
        fake.drop_watches(kind)
    elif name == "410 in the stream":
        fake.send(kind, {"type": "ERROR", "object": gone})
    elif name == "410 to a watch":
        fake.fault("watch", kind, code=410)
        fake.drop_watches(kind)
    elif name == "410 to a list":
        fake.fault("list", kind, code=410)
        fake.send(kind, {"type": "ERROR", "object": gone})
    elif name == "429 to a watch":
        fake.fault("watch", kind, code=429, headers={"Retry-After": "0"}, times=2)
        fake.drop_watches(kind)
    elif name == "500 in the stream":
        fake.send(kind, {"type": "ERROR", "object": broken})
    elif name == "503 to a watch":
        fake.fault("watch", kind, code=503, times=2)
        fake.drop_watches(kind)
    elif name == "compacted":
        fake.compact()
        fake.drop_watches(kind)


BREAKS = [
    ("dropped", False),
    ("410 in the stream", False),
    ("compacted", False),
    ("429 to a watch", False),
    ("503 to a watch", False),
    ("410 to a watch", True),
    ("410 to a list", True),
    ("500 in the stream", True),
]


@pytest.mark.parametrize(("how", "ends"), BREAKS, ids=[how for how, _ in BREAKS])
def test_whatever_happens_to_a_watch_no_run_is_lost(
    how, ends, play, playbook, a_run, run_key, said, tmp_path
):
    """Where kopf gives up, the process ends with one sentence, and the next one goes on."""

    async def scenario():
        async with fake_api(playbook) as fake:
            Kubelet(fake, lambda _job: said())
            async with operating(fake, tmp_path) as operator:
                await fake.until(lambda: ready(fake) and fake.watches("WorkflowRun") == 1)
                breaks(fake, how)
                fake.add(a_run())
                if ends:
                    await operator.ended.wait()
                    assert str(operator.error) in {
                        "the watch failed: WatchingError",
                        "the watch failed: APIClientError",
                    }
                else:
                    await fake.until(lambda: outcome(fake, run_key()))
            if ends:
                async with operating(fake, tmp_path):
                    await fake.until(lambda: outcome(fake, run_key()))
            assert outcome(fake, run_key()) == "Succeeded"
            assert made(fake) == ["sales-1-a1"]

    play(scenario)


@pytest.mark.parametrize("how", [how for how, _ in BREAKS if how != "410 to a list"])
@pytest.mark.parametrize("kind", ["Job", "Pod"])
def test_a_stream_that_breaks_is_opened_again(
    how, kind, play, playbook, a_run, run_key, said, tmp_path
):
    """What the operator follows itself never ends the process; no regular list is needed."""

    async def scenario():
        async with fake_api(playbook) as fake:
            Kubelet(fake, lambda _job: said())
            async with operating(fake, tmp_path):
                await fake.until(lambda: ready(fake) and fake.watches(kind) == 1)
                breaks(fake, how, kind)
                fake.add(a_run())
                await fake.until(lambda: outcome(fake, run_key()))
            assert outcome(fake, run_key()) == "Succeeded"
            assert made(fake) == ["sales-1-a1"]

    play(scenario)


WRITES = [
    ("create", "ConfigMap"),
    ("apply", "WorkflowRun"),
    ("create", "Job"),
    ("create", "Event"),
    ("patch", "Job"),
]
ANSWERS = {
    "409": {"code": 409, "reason": "Conflict"},
    "422": {"code": 422, "reason": "Invalid"},
    "429": {"code": 429, "headers": {"Retry-After": "1"}},
    "500": {"code": 500},
    "lost before": {"lost": "before"},
    "lost after": {"lost": "after"},
}


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize(("verb", "kind"), WRITES, ids=[" ".join(one) for one in WRITES])
def test_whatever_a_write_is_answered_the_run_ends_well_and_once(
    verb, kind, answer, play, playbook, a_run, run_key, said, tmp_path
):
    async def scenario():
        async with fake_api(playbook) as fake:
            Kubelet(fake, lambda _job: said())
            async with operating(fake, tmp_path):
                await fake.until(lambda: ready(fake))
                fault = fake.fault(verb, kind, **ANSWERS[answer])
                fake.add(a_run())
                await fault.met.wait()
                job = Key("Job", run_key().namespace, "sales-1-a1")
                await fake.until(
                    lambda: outcome(fake, run_key()) and settled_job(fake.objects.by_key.get(job))
                )
            assert outcome(fake, run_key()) == "Succeeded"
            assert Key("Job", run_key().namespace, "sales-1-a2") not in fake.objects.by_key
            jobs = [one for one in fake.calls if one.key == job and one.verb == "create"]
            assert len(jobs) <= 2
            assert sum(one.code == 201 for one in jobs) <= 1

    play(scenario)


def settled_job(job):
    return job is not None and "ttlSecondsAfterFinished" in job["spec"]


def test_old_events_told_again_start_nothing(play, playbook, a_run, run_key, said, tmp_path):
    """INV-2: also when the Job is gone, whose name the old run would make again."""

    async def scenario():
        async with fake_api(playbook) as fake:
            Kubelet(fake, lambda _job: said())
            async with operating(fake, tmp_path):
                await fake.until(lambda: ready(fake) and fake.watches("WorkflowRun") == 1)
                fake.add(a_run())
                await fake.until(lambda: outcome(fake, run_key()))
                await quiet(fake)
                fake.remove(Key("Job", run_key().namespace, "sales-1-a1"))
                fake.remove(run_key())
                before = len(fake.writes())
                for kind in ("WorkflowRun", "Job", "Pod"):
                    for old in [one for one in fake.objects.history if one.object["kind"] == kind]:
                        if old.type != "DELETED":
                            fake.send(kind, {"type": "MODIFIED", "object": old.object})
                await quiet(fake)
            assert fake.writes()[before:] == []
            assert made(fake) == ["sales-1-a1"]

    play(scenario)


def test_a_stale_run_is_looked_up_before_its_job_is_made_again(
    play, playbook, a_run, run_key, said, tmp_path
):
    """INV-2: the cache has an active run without Job; in truth it has finished and is tidied up."""

    async def scenario():
        async with fake_api(playbook) as fake:
            Kubelet(fake, lambda _job: said())
            async with operating(fake, tmp_path):
                await fake.until(lambda: ready(fake) and fake.watches("WorkflowRun") == 1)
                fake.add(a_run())
                await fake.until(lambda: outcome(fake, run_key()))
                await quiet(fake)
                fake.remove(Key("Job", run_key().namespace, "sales-1-a1"))
            stale = next(
                one.object
                for one in fake.objects.history
                if one.object["kind"] == "WorkflowRun"
                and (one.object.get("status") or {}).get("attempts")
            )
            assert "uid" not in stale["status"]["attempts"][0]
            before = len(fake.calls)
            true = fake.objects.by_key[run_key()]
            fake.objects.by_key[run_key()] = stale
            fake.fault("watch", "WorkflowRun", gate=asyncio.Event(), times=None)
            meets = fake.fault("get", "Job")
            async with operating(fake, tmp_path):
                await meets.met.wait()
                fake.objects.by_key[run_key()] = true
                await fake.until(lambda: asked(fake.calls[before:], run_key()))
                await quiet(fake)
            assert made(fake) == ["sales-1-a1"]

    play(scenario)


def asked(calls, key):
    return any((one.verb, one.key) == ("get", key) for one in calls)


def test_what_vanished_without_a_word_is_noticed_by_the_next_list(
    play, playbook, a_run, run_key, said, tmp_path
):
    """kopf tells no deletion of what vanished while it did not watch."""

    async def scenario():
        async with fake_api(playbook) as fake, operating(fake, tmp_path) as operator:
            await fake.until(lambda: ready(fake))
            fake.add(a_run())
            job = Key("Job", run_key().namespace, "sales-1-a1")
            await fake.until(lambda: job in fake.objects.by_key)
            await fake.until(lambda: attempts(fake, run_key())[0].get("uid"))
            fake.objects.vanish(job)
            await quiet(fake)
            assert len(attempts(fake, run_key())) == 1
            assert "end" not in attempts(fake, run_key())[0]
            operator.resync()
            await fake.until(lambda: attempts(fake, run_key())[0].get("end"))
            assert attempts(fake, run_key())[0]["reason"] == "JobLost"

    play(scenario)


def attempts(fake, key):
    return (fake.objects.by_key[key].get("status") or {}).get("attempts") or [{}]


def test_frozen_inputs_that_nothing_uses_are_swept(play, playbook, space, tmp_path):
    async def scenario():
        labels = {MANAGED_BY: OURS, "chartly.io/config": "snapshot"}
        old = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "chartly-cfg-old", "namespace": space, "labels": labels},
        }
        async with fake_api([*playbook, old]) as fake:
            key = Key("ConfigMap", space, "chartly-cfg-old")
            fake.objects.by_key[key]["metadata"]["creationTimestamp"] = "2026-01-01T00:00:00Z"
            async with operating(fake, tmp_path):
                await fake.until(lambda: key not in fake.objects.by_key)

    play(scenario)


def test_an_operator_waits_for_its_kinds(play, playbook, tmp_path, monkeypatch):
    monkeypatch.setattr("chartly_operator.operator_process._RETRY", 0.05)

    async def scenario():
        async with fake_api(playbook) as fake:
            fake.crds = False
            async with operating(fake, tmp_path) as operator:
                await fake.until(lambda: asked_for_kinds(fake))
                code, text = await page(f"{operator.health}/readyz")
                assert code == 503
                assert "CustomResourceDefinitions are not there" in text
                assert (await page(f"{operator.health}/livez"))[0] == 200
                fake.crds = True
                await fake.until(lambda: ready(fake))
                assert await page(f"{operator.health}/readyz") == (200, "ok\n")

    play(scenario)


def asked_for_kinds(fake):
    return any(one.verb == "discover" for one in fake.calls)


async def page(url):
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        return answer.status, await answer.text()


def test_an_operator_of_some_namespaces_asks_for_nothing_else(play, playbook, space, tmp_path):
    """With Roles alone, a list of all namespaces would be refused."""

    async def scenario():
        stranger = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "tenant-x-y"}}
        async with fake_api([*playbook, stranger]) as fake:
            fake.fault("list", "Namespace", code=403, times=None)
            fake.fault("watch", "Namespace", code=403, times=None)
            only = (space, "chartly-global")
            async with operating(fake, tmp_path, namespaces=only) as operator:
                await fake.until(lambda: ready(fake) and fake.watches("WorkflowRun") == 2)
                await quiet(fake)
            assert operator.error is None
            asked = [one.key for one in fake.calls if one.key.kind not in {"", "Namespace"}]
            assert {key.namespace for key in asked} == {*only}

    play(scenario)


def test_nothing_that_the_operator_says_holds_a_credential(
    play, playbook, a_run, run_key, said, tmp_path, caplog
):
    """INV-6."""
    caplog.set_level("DEBUG")

    async def scenario():
        async with fake_api(playbook) as fake:
            Kubelet(fake, lambda _job: said())
            fake.fault("list", "Job", code=500)
            fake.fault("apply", "WorkflowRun", lost="after")
            async with operating(fake, tmp_path) as operator:
                await fake.until(lambda: ready(fake))
                fake.add(a_run())
                await fake.until(lambda: outcome(fake, run_key()))
                text = operator.metrics
            assert TOKEN not in text
            assert TOKEN not in str(fake.objects.by_key)

    play(scenario)
    assert TOKEN not in caplog.text
    assert TOKEN not in "".join(str(one.__dict__) for one in caplog.records)
