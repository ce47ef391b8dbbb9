"""One look at an object: what comes of it, and when it is looked at again."""

import json
import logging

import pytest

from chartly.reconcile.actions import Create, Decision, Key
from chartly.reconcile.objects import condition_of, key_of, uid_of
from chartly_kube.kube_port import Refused, Unavailable
from chartly_operator.breaker import Breaker
from support.operator_shell import JOB, KEY, RUN, Shell, job_of, play, told


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


@pytest.mark.parametrize("kind", ["WorkflowRun", "Workflow", "Profile"])
def test_an_object_on_which_no_decision_can_be_made_says_so_itself(kind):
    """Without a word on it, it would look like one that nobody has come to."""

    async def scenario():
        broken = [True]

        def decide(_world):
            if broken:
                raise KeyError("canary-secret")
            return Decision()

        shell = Shell(decide)
        key = Key(kind, "a", "sick")
        document = {**RUN, "kind": kind, "metadata": {"name": "sick", "namespace": "a"}}
        shell.port.objects.create(document)
        shell.see()
        assert [await shell.look(key) for _ in range(2)] == ["bug"] * 2
        found = shell.port.objects.by_key[key]
        ready = condition_of(found, "Ready")
        assert (ready["status"], ready["reason"]) == ("False", "InternalError")
        assert "test_worker.py:" in ready["message"]
        assert "KeyError; this is a bug in Chartly" in ready["message"]
        assert "canary-secret" not in json.dumps(found)
        assert condition_of(found, "Reconciling") is not None, "it is tried again"
        assert [verb for verb, _ in shell.port.writes()] == ["apply", "create"], "told once"
        broken.clear()
        assert await shell.look(key) == "unchanged"

    play(scenario)


def test_a_failure_that_cannot_be_told_is_tried_again_all_the_same():
    async def scenario():
        shell = Shell(lambda _world: 1 / 0)
        shell.port.failures["apply"] = [Unavailable("down"), ValueError("another bug")]
        assert [await shell.look() for _ in range(2)] == ["bug", "bug"]
        shell.port.objects.vanish(KEY)
        shell.intake.lost(KEY)
        assert await shell.look() == "gone"

    play(scenario)


def test_a_bug_in_gathering_is_one_of_the_look(monkeypatch):
    async def scenario():
        shell = Shell()
        monkeypatch.setattr(shell.worker._gatherer, "_place", lambda _namespace: 1 / 0)
        assert await shell.look() == "bug"
        ready = condition_of(shell.port.objects.by_key[KEY], "Ready")
        assert ready["reason"] == "InternalError"

    play(scenario)


def test_a_loop_is_slowed_down_told_once_and_counted(caplog):
    async def scenario():
        shell = Shell()
        outcomes = [await shell.look() for _ in range(33)]
        assert outcomes == ["unchanged"] * 30 + ["slowed"] * 3
        assert shell.due_in() == 60
        assert await shell.look() == "unchanged"

    play(scenario)
    assert caplog.text.count("changes too often") == 1


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
