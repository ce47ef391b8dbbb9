"""One look at an object: what is seen, what is done, and when it is looked at again."""

import asyncio
import logging
from dataclasses import dataclass, field

import pytest

from chartly.names import ATTEMPT_LABEL, MANAGED_BY, OURS, PROJECT_LABEL, TENANT_LABEL
from chartly.reconcile.actions import (
    ApplyData,
    ApplyStatus,
    Create,
    Decision,
    Key,
    Post,
    Remove,
    SetTtl,
)
from chartly.reconcile.objects import key_of, uid_of, version_of
from chartly.reconcile.world import Settings
from chartly_kube.kinds import WATCHED
from chartly_kube.port import Refused, Unavailable
from chartly_operator.breaker import Breaker
from chartly_operator.cache import Cache
from chartly_operator.events import Announcer
from chartly_operator.gather import Gatherer
from chartly_operator.indexes import entries
from chartly_operator.intake import Intake
from chartly_operator.metrics import Metrics
from chartly_operator.perform import Performer
from chartly_operator.queue import WorkQueue
from chartly_operator.worker import Worker
from support.fake_clock import FakeClock
from support.memory_port import MemoryPort

SPACE = {
    "apiVersion": "v1",
    "kind": "Namespace",
    "metadata": {"name": "a", "labels": {TENANT_LABEL: "t", PROJECT_LABEL: "p"}},
}
RUN = {
    "apiVersion": "chartly.io/v1alpha1",
    "kind": "WorkflowRun",
    "metadata": {"name": "r", "namespace": "a"},
    "spec": {"workflowRef": {"name": "w"}},
}
KEY = Key("WorkflowRun", "a", "r")
JOB = Key("Job", "a", "r-a1")
OTHER = "00000000-0000-4000-8000-00000000ffff"


@dataclass
class Shell:
    """The shell around a decision that the test makes."""

    decide: object = None
    port: MemoryPort = field(default_factory=MemoryPort)
    leads: bool = True
    worlds: list = field(default_factory=list)

    def __post_init__(self):
        self.clock, self.metrics = FakeClock(), Metrics()
        self.port.objects.now = self.clock.wall
        for one in (SPACE, RUN):
            self.port.objects.create(one)
        self.cache = Cache(entries)
        self.queue = WorkQueue(self.clock, lambda: 1.0)
        self.intake = Intake(
            self.cache, self.queue, self.clock, lambda: self.leads, "chartly-global"
        )
        announcer = Announcer(self.port, self.clock, "me")
        leading = lambda: self.leads  # noqa: E731 - asked at the moment
        self.performer = Performer(
            self.port, self.cache, self.intake, announcer, self.clock, leading, self.metrics
        )
        gatherer = Gatherer(self.cache, self.intake, self.port, "chartly-global")
        self.worker = Worker(
            self.queue,
            gatherer,
            self.performer,
            dict.fromkeys(("Profile", "Workflow", "WorkflowRun"), self._decide),
            Settings(connector_image="c", loader_image="l"),
            self.clock,
            Breaker(),
            self.metrics,
        )
        self.see()

    def _decide(self, world, settings, now):
        self.worlds.append(world)
        assert now == self.clock.wall()
        assert settings.loader_image == "l"
        return self.decide(world) if self.decide else Decision()

    def see(self):
        """What a watch tells."""
        for one in list(self.port.objects.by_key.values()):
            if one["kind"] in WATCHED:
                self.intake.put(one)

    @property
    def run(self):
        return self.port.objects.by_key[KEY]

    async def look(self, key=KEY):
        """One look; the outcome as it was counted."""
        self.queue.add(key)
        while (taken := self.queue.take()) not in {key, None}:
            self.queue.done(taken)
        before = self.counts()
        await self.worker.look(key)
        after = self.counts()
        (changed,) = [name for name in after if after[name] != before.get(name, 0)]
        return changed.partition('outcome="')[2].partition('"')[0]

    def counts(self):
        lines = self.metrics.text().decode().splitlines()
        return {
            one.rpartition(" ")[0]: float(one.rpartition(" ")[2])
            for one in lines
            if one.startswith("chartly_reconcile_total{")
        }

    def due_in(self):
        """Seconds until the run is due again; None if it is not."""
        for seconds in range(400):
            if self.queue.take() == KEY:
                return seconds
            self.clock.jump(1)
        return None


def play(scenario):
    asyncio.run(scenario())


def told(run, **status):
    return ApplyStatus(key_of(run), uid_of(run), version_of(run), status)


def job_of(run, owner=None):
    reference = {
        "kind": "WorkflowRun",
        "name": "r",
        "uid": owner or uid_of(run),
        "controller": True,
    }
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": "r-a1",
            "namespace": "a",
            "labels": {MANAGED_BY: OURS, ATTEMPT_LABEL: "1"},
            "ownerReferences": [reference],
        },
        "spec": {},
    }


def test_actions_are_done_in_their_order_and_what_they_make_is_known_at_once():
    async def scenario():
        shell = Shell(
            lambda world: Decision(
                (told(world.run, runId="x"), Create(job_of(world.run), uid_of(world.run)))
            )
        )
        assert await shell.look() == "acted"
        assert shell.port.writes() == [("apply", KEY), ("create", JOB)]
        assert shell.cache.get(KEY)["status"] == {"runId": "x"}
        assert shell.cache.get(JOB) is not None
        assert shell.due_in() == 0, "its Job is news"
        await shell.look()
        (job,) = shell.worlds[-1].jobs
        assert key_of(job) == JOB

    play(scenario)


def test_without_actions_nothing_is_written():
    async def scenario():
        shell = Shell()
        assert await shell.look() == "unchanged"
        assert shell.port.writes() == []
        assert shell.due_in() is None

    play(scenario)


def test_it_is_looked_at_again_when_the_decision_says():
    async def scenario():
        shell = Shell(lambda _world: Decision((), 90.0))
        await shell.look()
        assert shell.due_in() == 90

    play(scenario)


def test_what_is_gone_is_not_decided_on():
    async def scenario():
        shell = Shell()
        assert await shell.look(Key("WorkflowRun", "a", "nothing")) == "gone"
        assert shell.worlds == []

    play(scenario)


FAILURES = [
    (Unavailable("down"), "unavailable", 1, "the first wait is a second"),
    (Unavailable("busy", 30), "unavailable", 30, "the server asked for it"),
    (Refused("no", 403), "refused", 1, "a Role may be mended"),
]


@pytest.mark.parametrize(("error", "outcome", "seconds", "because"), FAILURES)
def test_a_failure_stops_what_was_to_follow_and_is_tried_again(error, outcome, seconds, because):
    async def scenario():
        shell = Shell(
            lambda world: Decision((told(world.run, runId="x"), Create(job_of(world.run))))
        )
        shell.port.failures["apply"] = [error]
        assert await shell.look() == outcome
        assert shell.port.writes() == [("apply", KEY)]
        assert shell.due_in() == seconds, because

    play(scenario)


def test_a_newer_object_is_fetched_and_decided_on_soon():
    async def scenario():
        shell = Shell(lambda world: Decision((told(world.run, runId="x"),)))
        shell.port.objects.update(KEY, lambda one: {**one, "status": {"runId": "z"}}, status=True)
        assert await shell.look() == "conflict"
        assert shell.cache.get(KEY)["status"]["runId"] == "z"
        assert shell.due_in() == 1, "the next full second after a moment"
        shell.queue.done(KEY)
        assert await shell.look() == "acted"

    play(scenario)


def test_an_object_that_went_before_it_was_written_to_is_forgotten():
    async def scenario():
        shell = Shell(lambda world: Decision((told(world.run, runId="x"),)))
        shell.port.objects.vanish(KEY)
        assert await shell.look() == "gone"
        assert shell.cache.get(KEY) is None
        assert len(shell.worlds) == 1
        assert await shell.look() == "gone"
        assert len(shell.worlds) == 1, "there is nothing to decide on"
        assert shell.due_in() is None

    play(scenario)


def test_a_namespace_that_is_gone_is_not_tried_in_a_loop():
    async def scenario():
        shell = Shell(lambda world: Decision((Create(job_of(world.run), uid_of(world.run)),)))
        shell.port.objects.vanish(Key("Namespace", "", "a"))
        assert await shell.look() == "gone"
        assert shell.due_in() == 1

    play(scenario)


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


def test_who_does_not_lead_any_more_does_not_begin():
    async def scenario():
        def decide(world):
            shell.leads = False
            return Decision((told(world.run, runId="x"),))

        shell = Shell(decide)
        assert await shell.look() == "stopped"
        assert shell.port.writes() == []

    play(scenario)


def test_the_lead_is_asked_for_before_each_action():
    async def scenario():
        shell = Shell(
            lambda world: Decision((told(world.run, runId="x"), Create(job_of(world.run))))
        )

        def before(verb, _key):
            if verb == "apply":
                shell.leads = False

        shell.port.before = before
        assert await shell.look() == "stopped"
        assert shell.port.writes() == [("apply", KEY)]

    play(scenario)


def test_a_bug_in_one_decision_is_told_without_its_words_and_tried_again(caplog):
    """INV-6: the text of an unexpected error may hold anything."""
    caplog.set_level(logging.INFO)

    async def scenario():
        def decide(_world):
            raise ZeroDivisionError("canary-secret")

        shell = Shell(decide)
        assert await shell.look() == "bug"
        assert shell.due_in() == 1

    play(scenario)
    assert "canary-secret" not in caplog.text
    assert "bug: test_worker.py:" in caplog.text
    assert "ZeroDivisionError; again in 1.0 s" in caplog.text


def test_a_loop_is_slowed_down_told_once_and_counted(caplog):
    async def scenario():
        shell = Shell()
        outcomes = [await shell.look() for _ in range(33)]
        assert outcomes == ["unchanged"] * 30 + ["slowed"] * 3
        assert shell.due_in() == 60
        assert await shell.look() == "unchanged"

    play(scenario)
    assert caplog.text.count("changes too often") == 1


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
            lambda _world: Decision((ApplyData(key, {MANAGED_BY: OURS}, {"1.0.0": "x"}),))
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
    announcer = Announcer(MemoryPort(), FakeClock(), "me")
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


ATTEMPT = {"number": 1, "job": "r-a1"}


def test_a_job_that_is_only_missing_here_is_asked_for():
    async def scenario():
        shell = Shell()
        shell.port.objects.update(
            KEY, lambda one: {**one, "status": {"attempts": [ATTEMPT]}}, status=True
        )
        shell.see()
        shell.port.objects.create(job_of(shell.run))
        await shell.look()
        assert [key_of(one) for one in shell.worlds[-1].jobs] == [JOB]
        assert ("get", JOB) in shell.port.calls

    play(scenario)


def test_a_job_that_is_gone_is_confirmed_with_the_run_of_now():
    """INV-2: an old run in the cache must not make the Job of a finished one again."""

    async def scenario():
        shell = Shell()
        shell.port.objects.update(
            KEY, lambda one: {**one, "status": {"attempts": [ATTEMPT]}}, status=True
        )
        shell.see()
        ended = {"attempts": [{**ATTEMPT, "end": "x"}], "outcome": "Succeeded"}
        shell.port.objects.update(KEY, lambda one: {**one, "status": ended}, status=True)
        await shell.look()
        assert shell.worlds[-1].run["status"]["outcome"] == "Succeeded"
        assert shell.worlds[-1].jobs == ()
        shell.port.calls.clear()
        await shell.look()
        assert shell.port.calls == [], "of a finished run nothing is asked"

    play(scenario)


def test_a_run_that_is_gone_with_its_job_is_not_decided_on():
    async def scenario():
        shell = Shell()
        shell.port.objects.update(
            KEY, lambda one: {**one, "status": {"attempts": [ATTEMPT]}}, status=True
        )
        shell.see()
        shell.port.objects.vanish(KEY)
        assert await shell.look() == "gone"
        assert shell.worlds == []

    play(scenario)


def test_a_world_has_what_it_promises():
    async def scenario():
        shell = Shell()
        objects = shell.port.objects
        twin = {**SPACE, "metadata": {**SPACE["metadata"], "name": "b"}}
        objects.create(twin)
        objects.create(
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "chartly-global"}}
        )
        spec = {"kind": "storage", "name": "s", "version": "1.0.0"}
        for space in ("a", "b", "chartly-global"):
            objects.create(resource("Profile", "storage-s-1.0.0", space, spec))
        for name in ("w", "v"):
            objects.create(resource("Workflow", name, "a", {"steps": []}))
        objects.create(resource("WorkflowRun", "r2", "a", RUN["spec"]))
        objects.create(resource("WorkflowRun", "r3", "a", {"workflowRef": {"name": "v"}}))
        labels = {MANAGED_BY: OURS}
        for name in ("chartly-versions-storage-s", "chartly-versions-workflow-w", "chartly-cfg-x"):
            metadata = {"name": name, "namespace": "a", "labels": labels}
            objects.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})
        objects.update(
            KEY, lambda one: {**one, "status": {"config": {"name": "chartly-cfg-x"}}}, status=True
        )
        shell.see()

        await shell.look(Key("Profile", "a", "storage-s-1.0.0"))
        profile = shell.worlds[-1]
        assert names(profile.claimants) == ["a", "b"]
        assert names([profile.namespace, profile.versions]) == ["a", "chartly-versions-storage-s"]

        await shell.look(Key("Workflow", "a", "w"))
        workflow = shell.worlds[-1]
        assert (names(workflow.others), names(workflow.runs)) == (["v"], ["r", "r2"])
        places = [
            [key_of(one).namespace for one in found]
            for found in (workflow.profiles, workflow.shared)
        ]
        assert places == [["a"], ["chartly-global"]]
        assert names([workflow.versions]) == ["chartly-versions-workflow-w"]

        await shell.look()
        run = shell.worlds[-1]
        assert (names([run.workflow]), names(run.siblings), run.frozen) == (["w"], ["r2"], True)
        assert (run.jobs, run.pods) == ((), ())

    play(scenario)


def names(found):
    return sorted(one["metadata"]["name"] for one in found)


def resource(kind, name, namespace, spec):
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "chartly.io/v1alpha1", "kind": kind, "metadata": metadata, "spec": spec}


def test_who_stands_by_learns_but_queues_nothing():
    shell = Shell(leads=False)
    assert shell.cache.get(KEY) is not None
    assert shell.queue.depth == 0


def test_the_breaker_forgets_who_is_quiet(monkeypatch):
    monkeypatch.setattr("chartly_operator.breaker._SWEEP", 1)
    breaker = Breaker()
    breaker.admit(KEY, 0)
    breaker.admit(JOB, 61)
    assert list(breaker._looks) == [JOB]
