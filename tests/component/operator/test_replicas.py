"""Several operators: one acts, another takes over, and none needs the Lease to be correct."""

import asyncio

from chartly.reconcile.actions import Key
from support.fake_api import fake_api
from support.operators import LEASE, Kubelet, operating

LEASE_KEY = Key("Lease", *LEASE)


def holder(fake):
    lease = fake.objects.by_key.get(LEASE_KEY)
    return lease and lease["spec"]["holderIdentity"]


def outcomes(fake):
    return [
        (one.get("status") or {}).get("outcome")
        for one in fake.objects.by_key.values()
        if one["kind"] == "WorkflowRun"
    ]


def is_ready(fake):
    return any(
        one["type"] == "Ready" and one["status"] == "True"
        for found in fake.objects.by_key.values()
        if found["kind"] == "Workflow"
        for one in (found.get("status") or {}).get("conditions", ())
    )


def acted(fake, after=0):
    return [one for one in fake.writes()[after:] if one.key.kind != "Lease"]


def test_two_operators_without_an_election_start_everything_once(
    play, playbook, a_run, said, tmp_path
):
    """INV-1 does not lean on the Lease."""

    async def scenario():
        async with fake_api(playbook) as fake:
            Kubelet(fake, lambda _job: said())
            first = operating(fake, tmp_path, identity="a")
            second = operating(fake, tmp_path, identity="b")
            async with first as one, second as two:
                await fake.until(lambda: is_ready(fake) and fake.watches("WorkflowRun") == 2)
                for number in range(5):
                    fake.add(a_run(f"sales-{number}"))
                    await fake.until(lambda: all(outcomes(fake)))
                await fake.until(lambda: jobs_let_go(fake))
            assert (one.error, two.error) == (None, None)
            assert outcomes(fake) == ["Succeeded"] * 5
            made = [
                change.object["metadata"]["name"]
                for change in fake.objects.history
                if (change.type, change.object["kind"]) == ("ADDED", "Job")
            ]
            assert sorted(made) == [f"sales-{number}-a1" for number in range(5)]

    play(scenario)


def jobs_let_go(fake):
    jobs = [one for one in fake.objects.by_key.values() if one["kind"] == "Job"]
    return all("ttlSecondsAfterFinished" in one["spec"] for one in jobs)


def test_one_acts_and_the_other_takes_over_at_once_when_it_is_told_to_stop(
    play, playbook, a_run, said, tmp_path
):
    async def scenario():
        async with fake_api(playbook) as fake:
            Kubelet(fake, lambda _job: said())
            async with operating(fake, tmp_path, lease=LEASE, identity="a") as first:
                await fake.until(lambda: is_ready(fake))
                assert holder(fake) == "a"
                async with operating(fake, tmp_path, lease=LEASE, identity="b") as second:
                    await fake.until(lambda: fake.watches("WorkflowRun") == 2)
                    assert not second.running.leading()
                    await first.stop()
                    assert holder(fake) in {"", "b"}, "it was given back, not left to run out"
                    assert first.error is None
                    fake.add(a_run())
                    await fake.until(lambda: outcomes(fake) == ["Succeeded"])
                    assert holder(fake) == "b"

    play(scenario)


def test_the_other_takes_over_from_one_that_was_killed(play, playbook, a_run, said, tmp_path):
    async def scenario():
        async with fake_api(playbook) as fake:
            Kubelet(fake, lambda _job: said())
            async with (
                operating(fake, tmp_path, lease=LEASE, identity="a") as first,
            ):
                await fake.until(lambda: is_ready(fake))
                async with operating(fake, tmp_path, lease=LEASE, identity="b"):
                    await fake.until(lambda: fake.watches("WorkflowRun") == 2)
                    await first.kill()
                    assert holder(fake) == "a", "nobody gave it back"
                    fake.add(a_run())
                    await fake.until(lambda: outcomes(fake) == ["Succeeded"])
                    assert holder(fake) == "b"

    play(scenario)


def test_who_loses_the_lease_writes_nothing_more_and_ends(play, playbook, a_run, said, tmp_path):
    async def scenario():
        async with fake_api(playbook) as fake:
            Kubelet(fake, lambda _job: said())
            async with operating(fake, tmp_path, lease=LEASE, identity="a") as operator:
                await fake.until(lambda: is_ready(fake) and fake.watches("WorkflowRun") == 1)
                taken = {"spec": {"holderIdentity": "z", "leaseDurationSeconds": 15}}
                fake.change(LEASE_KEY, taken)
                await operator.ended.wait()
                before = len(fake.writes())
                assert str(operator.error) == "the Lease was lost; another replica may act now"
                fake.add(a_run())
            assert acted(fake, before) == []
            assert holder(fake) == "z"

    play(scenario)


def test_who_cannot_renew_the_lease_stops_before_another_may_take_it(
    play, playbook, a_run, said, tmp_path
):
    """Its clock tells it, not the API server, which it cannot reach."""

    async def scenario():
        async with fake_api(playbook) as fake:
            Kubelet(fake, lambda _job: said())
            async with operating(fake, tmp_path, lease=LEASE, identity="a") as operator:
                await fake.until(lambda: is_ready(fake) and fake.watches("WorkflowRun") == 1)
                gate = asyncio.Event()
                hangs = fake.fault("get", "Lease", gate=gate, times=None)
                await hangs.met.wait()
                lost = asyncio.get_running_loop().time()
                await operator.ended.wait()
                took = asyncio.get_running_loop().time() - lost
                assert took < operator.options.terms.duration
                gate.set()
            assert "the Lease was lost" in str(operator.error)

    play(scenario)


def test_a_standby_knows_everything_and_writes_nothing(
    play, playbook, a_run, run_key, said, tmp_path
):
    async def scenario():
        async with fake_api(playbook) as fake:
            taken = {
                "apiVersion": "coordination.k8s.io/v1",
                "kind": "Lease",
                "metadata": {"name": LEASE[1], "namespace": LEASE[0]},
                "spec": {"holderIdentity": "z", "leaseDurationSeconds": 15},
            }
            lease = fake.add(taken)

            async with operating(fake, tmp_path, lease=LEASE, identity="b") as operator:
                renewing = asyncio.create_task(renewed(fake, lease))
                await fake.until(lambda: fake.watches("WorkflowRun") == 1)
                fake.add(a_run())
                app = operator.running
                while app.cache.get(run_key()) is None:  # noqa: ASYNC110 - another thread's
                    await asyncio.sleep(0.01)
                assert app.queue.depth == 0
                assert not app.leading()
                renewing.cancel()
            assert fake.writes() == []

    play(scenario)


async def renewed(fake, lease):
    """Another leader that is well."""
    number = 0
    while True:
        number += 1
        fake.change(LEASE_KEY, {"spec": {"renewTime": str(number)}})
        await asyncio.sleep(0.2)
