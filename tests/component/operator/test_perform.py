"""Each action of a decision: what it makes, gives up or tells, and that it does so once."""

import pytest

from chartly.manifests.labels import config_labels
from chartly.names import MANAGED_BY, OURS
from chartly.reconcile.actions import ApplyData, Create, Decision, Key, Post, Remove, SetTtl
from chartly.reconcile.objects import uid_of
from chartly_kube.kube_port import Unavailable
from chartly_operator.events import EventRecorder
from support.fake_clock import FakeClock
from support.memory_port import MemoryPort
from support.operator_shell import JOB, KEY, Shell, job_of, play, told

OTHER = "00000000-0000-4000-8000-00000000ffff"


def test_a_name_that_ones_own_object_has_is_done():
    """The answer of an earlier try was lost (INV-1)."""

    async def scenario():
        shell = Shell(lambda world: Decision((Create(job_of(world.run), uid_of(world.run)),)))
        shell.port.failures["create"] = [Unavailable("lost")]
        assert await shell.look() == "unavailable"
        assert JOB in shell.port.objects.by_key
        assert await shell.look() == "acted"
        assert shell.cache.get(JOB) is not None

    play(scenario)


def test_a_name_that_anothers_object_has_is_waited_for():
    async def scenario():
        shell = Shell(lambda world: Decision((Create(job_of(world.run), uid_of(world.run)),)))
        shell.port.objects.create(job_of(shell.run, owner=OTHER))
        shell.see()
        assert await shell.look() == "occupied"
        assert shell.due_in() == 1
        shell.queue.done(KEY)
        shell.intake.drop(shell.port.objects.delete(JOB, None)[0])
        assert shell.due_in() == 0, "the name is free"
        assert await shell.look() == "acted"

    play(scenario)


def test_inputs_that_many_runs_share_are_made_once():
    async def scenario():
        metadata = {"name": "chartly-cfg-x", "namespace": "a", "labels": {MANAGED_BY: OURS}}
        inputs = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}
        shell = Shell(lambda _world: Decision((Create(inputs),)))
        for _ in range(2):
            assert await shell.look() == "acted"
        assert [verb for verb, _ in shell.port.calls] == ["create"]

    play(scenario)


def test_a_name_that_is_given_up_meanwhile_is_tried_again():
    async def scenario():
        shell = Shell(lambda world: Decision((Create(job_of(world.run), uid_of(world.run)),)))
        shell.port.objects.create(job_of(shell.run))

        def before(verb, _key):
            if verb == "get":
                shell.port.objects.by_key.pop(JOB, None)

        shell.port.before = before
        assert await shell.look() == "occupied"

    play(scenario)


def test_a_job_may_go_and_one_that_is_gone_already_is_fine():
    async def scenario():
        shell = Shell(
            lambda world: Decision(tuple(SetTtl(JOB, uid_of(one), 60) for one in world.jobs))
        )
        shell.port.objects.create(job_of(shell.run))
        shell.see()
        assert await shell.look() == "acted"
        assert shell.cache.get(JOB)["spec"]["ttlSecondsAfterFinished"] == 60
        shell.port.objects.delete(JOB, None)
        assert await shell.look() == "acted"
        assert shell.cache.get(JOB) is None

    play(scenario)


@pytest.mark.parametrize("there", ["it", "nothing", "another"])
def test_what_is_removed_is_gone_or_was_not_meant(there):
    async def scenario():
        shell = Shell()
        made = shell.port.objects.create(job_of(shell.run))
        shell.see()
        shell.decide = lambda _world: Decision((Remove(JOB, uid_of(made)),))
        if there != "it":
            shell.port.objects.delete(JOB, None)
        if there == "another":
            shell.port.objects.create(job_of(shell.run, owner=OTHER))
        assert await shell.look() == "acted"
        assert (JOB in shell.port.objects.by_key) is (there == "another")
        known = shell.cache.get(JOB)
        assert (known is None) if there != "another" else uid_of(known) != uid_of(made)

    play(scenario)


def test_what_a_finalizer_keeps_is_known_to_be_going():
    async def scenario():
        shell = Shell()
        document = job_of(shell.run)
        document["metadata"]["finalizers"] = ["example.com/wait"]
        made = shell.port.objects.create(document)
        shell.see()
        shell.decide = lambda _world: Decision((Remove(JOB, uid_of(made)),))
        await shell.look()
        assert shell.cache.get(JOB)["metadata"]["deletionTimestamp"]

    play(scenario)


def test_frozen_inputs_are_removed_by_name():
    async def scenario():
        shell = Shell(lambda _world: Decision((Remove(Key("ConfigMap", "a", "c"), None),)))
        metadata = {"name": "c", "namespace": "a", "labels": {MANAGED_BY: OURS}}
        shell.port.objects.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})
        shell.see()
        await shell.look()
        assert shell.cache.get(Key("ConfigMap", "a", "c")) is None

    play(scenario)


def test_a_memory_is_added_to_and_another_value_is_looked_at_first():
    key = Key("ConfigMap", "a", "chartly-versions-workflow-w")

    async def scenario():
        shell = Shell(
            lambda _world: Decision((ApplyData(key, config_labels("versions"), {"1.0.0": "x"}),))
        )
        assert await shell.look() == "acted"
        assert shell.cache.get(key)["data"] == {"1.0.0": "x"}
        shell.decide = lambda _world: Decision((ApplyData(key, {}, {"1.0.0": "y"}),))
        assert await shell.look() == "conflict"
        assert shell.port.objects.by_key[key]["data"] == {"1.0.0": "x"}

    play(scenario)


def test_a_transition_is_told_once_however_often_it_is_decided_on():
    async def scenario():
        shell = Shell(lambda world: Decision((Post(world.run, "Warning", "Why", "because"),)))
        for _ in range(3):
            assert await shell.look() == "acted"
        events = [one for one in shell.port.objects.by_key.values() if one["kind"] == "Event"]
        assert [(one["reason"], one["note"], one["type"]) for one in events] == [
            ("Why", "because", "Warning")
        ]
        assert events[0]["regarding"]["uid"] == uid_of(shell.run)

    play(scenario)


def test_an_event_that_cannot_be_told_is_no_failure(caplog):
    async def scenario():
        shell = Shell(lambda world: Decision((Post(world.run, "Normal", "Why", ""),)))
        shell.port.failures["create"] = [Unavailable("down")]
        assert await shell.look() == "acted"

    play(scenario)
    assert "an Event was not posted: down" in caplog.text


def test_one_object_cannot_tell_without_end():
    async def scenario():
        numbers = iter(range(1000))
        shell = Shell(lambda world: Decision((Post(world.run, "Normal", f"R{next(numbers)}", ""),)))
        for _ in range(40):
            await shell.look()
            shell.clock.jump(2)
        told = sum(one["kind"] == "Event" for one in shell.port.objects.by_key.values())
        assert told == 25
        shell.clock.jump(600)
        await shell.look()
        assert sum(one["kind"] == "Event" for one in shell.port.objects.by_key.values()) == 26

    play(scenario)


def test_budgets_of_silent_objects_are_forgotten(monkeypatch):
    monkeypatch.setattr("chartly_operator.events._OBJECTS", 2)
    announcer = EventRecorder(MemoryPort(), FakeClock(), "me")
    assert all(announcer._may(uid) for uid in ("a", "b", "c"))
    assert list(announcer._budgets) == ["b", "c"]


def test_starts_and_ends_of_runs_are_counted_once():
    async def scenario():
        shell = Shell(
            lambda world: Decision((Create(job_of(world.run), uid_of(world.run)),)),
        )
        shell.clock.jump(2)
        for _ in range(2):
            await shell.look()
        shell.clock.jump(5)
        succeeded = {"type": "Succeeded", "status": "True", "reason": "Succeeded"}
        shell.decide = lambda world: Decision(
            (told(world.run, outcome="Succeeded", conditions=[succeeded]),)
        )
        await shell.look()
        shell.decide = lambda world: Decision(
            (told(world.run, outcome="Succeeded", runId="x", conditions=[succeeded]),)
        )
        await shell.look()
        text = shell.metrics.text().decode()
        assert "chartly_run_start_latency_seconds_count 1.0" in text
        assert "chartly_run_start_latency_seconds_sum 2.0" in text
        labels = '{project="p",reason="Succeeded",tenant="t",workflow="w"}'
        assert f"chartly_run_duration_seconds_count{labels} 1.0" in text
        assert f"chartly_run_duration_seconds_sum{labels} 7.0" in text

    play(scenario)
