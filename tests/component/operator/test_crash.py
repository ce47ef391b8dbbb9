"""Operators that are killed at every write: before it, and after it while the answer is lost."""

import itertools

import pytest

from chartly.reconcile.actions import Key
from support.fake_api import READS, Fault, fake_api
from support.operators import Kubelet, operating

RUN_WRITES = 9


def nth_write(number, lost):
    """Meets the n-th write from now on."""
    count = itertools.count(1)

    def when(verb, key):
        return verb not in READS and next(count) == number

    return Fault(when, lost=lost, times=1)


def is_ready(fake):
    return all(
        any(
            one["type"] == "Ready" and one["status"] == "True"
            for one in (found.get("status") or {}).get("conditions", ())
        )
        for found in fake.objects.by_key.values()
        if found["kind"] in {"Profile", "Workflow"}
    )


def is_over(fake, key):
    """Whether the run has its outcome, and its Jobs may go."""
    run = fake.objects.by_key[key]
    jobs = [one for one in fake.objects.by_key.values() if one["kind"] == "Job"]
    return (run.get("status") or {}).get("outcome") and all(
        "ttlSecondsAfterFinished" in one["spec"] for one in jobs
    )


def jobs_made(fake):
    """Every Job that ever came to be, whoever was told so."""
    return [
        one.object["metadata"]["name"]
        for one in fake.objects.history
        if (one.type, one.object["kind"]) == ("ADDED", "Job")
    ]


def check_history(fake, key):
    """What must hold of everything that was ever written (INV-1, INV-2, INV-3)."""
    finished, frozen = False, False
    for change in fake.objects.history:
        found = change.object
        if found["kind"] == "ConfigMap" and found["metadata"]["name"].startswith("chartly-cfg-"):
            frozen = True
        if found["kind"] == "Job" and change.type == "ADDED":
            assert frozen, "nothing starts that is not frozen"
            assert not finished, "a finished run starts nothing"
        if found["kind"] == "Job" and "ttlSecondsAfterFinished" in found["spec"]:
            assert finished, "a Job may go only when the outcome is recorded"
        if (found["kind"], found["metadata"]["name"]) == ("WorkflowRun", key.name):
            outcome = (found.get("status") or {}).get("outcome")
            assert not finished or outcome == "Succeeded"
            finished = finished or outcome is not None
    assert finished
    assert jobs_made(fake) == ["sales-1-a1"]


@pytest.mark.parametrize("lost", ["before", "after"])
@pytest.mark.parametrize("number", range(1, RUN_WRITES + 1))
def test_a_run_survives_a_kill_at_each_of_its_writes(
    number, lost, play, playbook, a_run, run_key, said, tmp_path
):
    async def scenario():
        async with fake_api(playbook) as fake:
            Kubelet(fake, lambda _job: said())
            async with operating(fake, tmp_path) as operator:
                await fake.until(lambda: is_ready(fake) and fake.watches("WorkflowRun") == 1)
                fault = nth_write(number, lost)
                fake.faults.append(fault)
                fake.add(a_run())
                await fault.met.wait()
                await operator.kill()
            async with operating(fake, tmp_path):
                await fake.until(lambda: is_over(fake, run_key()))
            check_history(fake, run_key())

    play(scenario)


def test_the_writes_above_are_all_that_a_run_has(play, playbook, a_run, run_key, said, tmp_path):
    async def scenario():
        async with fake_api(playbook) as fake:
            Kubelet(fake, lambda _job: said())
            async with operating(fake, tmp_path):
                await fake.until(lambda: is_ready(fake) and fake.watches("WorkflowRun") == 1)
                await fake.until(lambda: len(fake.writes("Event")) == 5)
                before = len(fake.writes())
                fake.add(a_run())
                await fake.until(lambda: is_over(fake, run_key()))
            assert len(fake.writes()) - before == RUN_WRITES

    play(scenario)


def test_profiles_and_workflows_become_ready_though_every_write_kills(play, playbook, tmp_path):
    """Each operator gets one write done and never learns of it."""

    async def scenario():
        async with fake_api(playbook) as fake:
            kills = 0
            while not is_ready(fake):
                fault = nth_write(1, "after")
                fake.faults[:] = [fault]
                async with operating(fake, tmp_path, workers=1) as operator:
                    await fault.met.wait()
                    await operator.kill()
                kills += 1
                assert kills < 20
            memories = [one for one in fake.objects.by_key.values() if one["kind"] == "ConfigMap"]
            assert len(memories) == 5
            assert all(len(one["data"]) == 1 for one in memories)

    play(scenario)


def test_a_memory_of_versions_is_never_overwritten_by_who_has_not_seen_it(
    play, playbook, space, tmp_path
):
    """A profile that is deleted and made anew with other content stays refused."""

    async def scenario():
        async with fake_api(playbook) as fake:
            async with operating(fake, tmp_path):
                await fake.until(lambda: is_ready(fake))
            profile = next(
                one
                for one in fake.objects.by_key.values()
                if one["kind"] == "Profile" and one["spec"]["kind"] == "storage"
            )
            key = Key("Profile", space, profile["metadata"]["name"])
            memory = Key("ConfigMap", space, f"chartly-versions-storage-{profile['spec']['name']}")
            remembered = dict(fake.objects.by_key[memory]["data"])
            spec = {
                **profile["spec"],
                "storage": {**profile["spec"]["storage"], "retentionDays": 7},
            }
            fake.remove(key)
            fake.add({
                "apiVersion": profile["apiVersion"],
                "kind": "Profile",
                "metadata": {"name": key.name, "namespace": space},
                "spec": spec,
            })  # fmt: skip
            # The list of ConfigMaps comes back without it: the operator believes there is none.
            hidden = fake.objects.by_key.pop(memory)
            fault = fake.fault("get", "ConfigMap", name=memory.name)
            async with operating(fake, tmp_path):
                await fault.met.wait()
                fake.objects.by_key[memory] = hidden
                await fake.until(lambda: reason(fake, key) == "DigestConflict")
            assert fake.objects.by_key[memory]["data"] == remembered

    play(scenario)


def reason(fake, key):
    conditions = (fake.objects.by_key[key].get("status") or {}).get("conditions", ())
    return next((one["reason"] for one in conditions if one["type"] == "Ready"), None)
