import asyncio

import pytest

from chartly.names import CONFIG_LABEL, MANAGED_BY, OURS
from chartly.reconcile.actions import Key, Remove
from chartly.reconcile.objects import key_of, uid_of
from chartly_kube.kube_port import Unavailable
from chartly_operator.cache import Cache
from chartly_operator.events import EventRecorder
from chartly_operator.indexes import entries
from chartly_operator.intake import WatchIntake
from chartly_operator.metrics import Metrics
from chartly_operator.perform import Performer
from chartly_operator.queue import WorkQueue
from chartly_operator.resync import Resync
from support.fake_clock import FakeClock, settled
from support.memory_port import MemoryPort

FINISHED = {
    "outcome": "Succeeded",
    "observedGeneration": 1,
    "conditions": [{"type": "Finished", "status": "True"}],
}


def space(name):
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def resource(kind, name, namespace="a", **spec):
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "chartly.io/v1alpha1", "kind": kind, "metadata": metadata, "spec": spec}


def snapshot(name, namespace="a"):
    labels = {MANAGED_BY: OURS, CONFIG_LABEL: "snapshot"}
    metadata = {"name": name, "namespace": namespace, "labels": labels}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"x": "y"}}


class Shell:
    def __init__(self, *documents, namespaces=(), leads=True, sweep=lambda *_: ()):
        self.port, self.clock, self.leads = MemoryPort(*documents), FakeClock(), leads
        self.cache = Cache(entries)
        self.queue = WorkQueue(self.clock, lambda: 0.0)
        leading = lambda: self.leads  # noqa: E731 - asked at the moment
        self.intake = WatchIntake(self.cache, self.queue, self.clock, leading, "chartly-global")
        announcer = EventRecorder(self.port, self.clock, "me")
        performer = Performer(
            self.port, self.cache, self.intake, announcer, self.clock, leading, Metrics()
        )
        self.resync = Resync(
            self.port,
            self.cache,
            self.intake,
            self.queue,
            performer,
            self.clock,
            leading,
            lambda: 0.0,
            sweep,
            namespaces,
            600,
        )

    def due(self):
        found = []
        while (key := self.queue.take()) is not None:
            found.append(key.name)
            self.queue.done(key)
        return sorted(found)

    def run(self, scenario):
        async def inside():
            task = asyncio.create_task(self.resync.run())
            await settled()
            await scenario()
            task.cancel()

        asyncio.run(inside())


def test_everything_is_known_after_the_first_list_and_what_needs_something_is_due():
    shell = Shell(space("a"), resource("Workflow", "w"), resource("WorkflowRun", "r"))

    async def scenario():
        assert shell.resync.warm
        assert shell.due() == ["r", "w"]

    shell.run(scenario)


def test_finished_runs_are_not_looked_at_again():
    shell = Shell(space("a"), resource("WorkflowRun", "done"), resource("WorkflowRun", "r"))
    key = Key("WorkflowRun", "a", "done")
    shell.port.objects.update(key, lambda one: {**one, "status": FINISHED}, status=True)

    async def scenario():
        shell.due()  # what the list itself found new
        shell.resync.ask()
        await settled()
        assert shell.due() == ["r"]

    shell.run(scenario)


def test_a_list_comes_every_ten_minutes_and_when_it_is_asked_for():
    shell = Shell(space("a"))

    def lists():
        return sum(verb == "list" for verb, _ in shell.port.calls) // 7

    async def scenario():
        assert lists() == 1
        await shell.clock.advance(539)
        assert lists() == 1
        await shell.clock.advance(1)
        assert lists() == 2
        shell.resync.ask()
        await settled()
        assert lists() == 3

    shell.run(scenario)


def test_a_list_that_fails_is_tried_again_soon_and_forgets_nothing(caplog):
    shell = Shell(space("a"), resource("Workflow", "w"))

    async def scenario():
        shell.port.failures["list"] = [Unavailable("down")]
        shell.resync.ask()
        await settled()
        assert shell.cache.get(Key("Workflow", "a", "w")) is not None
        shell.port.calls.clear()
        await shell.clock.advance(5)
        assert shell.port.calls

    shell.run(scenario)
    assert "cannot list everything: down" in caplog.text


def test_what_vanished_is_dropped_and_whom_it_concerns_is_due():
    shell = Shell(space("a"), resource("WorkflowRun", "r"))
    run = shell.port.objects.by_key[Key("WorkflowRun", "a", "r")]
    owner = {"kind": "WorkflowRun", "name": "r", "uid": uid_of(run), "controller": True}
    labels = {MANAGED_BY: OURS}
    metadata = {"name": "j", "namespace": "a", "labels": labels, "ownerReferences": [owner]}
    shell.port.objects.create(
        {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": {}}
    )

    async def scenario():
        shell.due()
        shell.port.objects.vanish(Key("Job", "a", "j"))
        await shell.resync.once()
        assert shell.cache.get(Key("Job", "a", "j")) is None
        assert shell.due() == ["r"]

    shell.run(scenario)


def test_what_came_while_the_list_was_made_is_kept():
    shell = Shell(space("a"))

    async def scenario():
        late = shell.port.objects.create(resource("Workflow", "late"))
        hidden = shell.port.objects.by_key.pop(key_of(late))

        def before(verb, key):
            if (verb, key.kind) == ("list", "Workflow"):
                shell.intake.put(hidden)

        shell.port.before = before
        await shell.resync.once()
        assert shell.cache.get(key_of(late)) is not None

    shell.run(scenario)


def test_a_standby_lists_too_and_queues_nothing():
    shell = Shell(space("a"), resource("Workflow", "w"), leads=False)

    async def scenario():
        assert shell.resync.warm
        assert shell.due() == []

    shell.run(scenario)


def test_unused_inputs_of_each_namespace_are_swept():
    def sweep(configs, runs, now):
        assert now == shell.clock.wall()
        if runs:
            return []
        return [Remove(key_of(one), uid_of(one)) for one in configs]

    shell = Shell(
        space("a"),
        space("b"),
        snapshot("chartly-cfg-a"),
        snapshot("chartly-cfg-b", "b"),
        resource("WorkflowRun", "r", "b"),
        sweep=sweep,
    )

    async def scenario():
        assert Key("ConfigMap", "a", "chartly-cfg-a") not in shell.port.objects.by_key
        assert Key("ConfigMap", "b", "chartly-cfg-b") in shell.port.objects.by_key

    shell.run(scenario)


def test_who_stops_leading_sweeps_no_more():
    shell = Shell(
        space("a"),
        snapshot("chartly-cfg-a"),
        snapshot("chartly-cfg-b"),
        sweep=lambda configs, _runs, _now: [Remove(key_of(one), None) for one in configs],
    )

    def before(verb, _key):
        if verb == "delete":
            shell.leads = False

    shell.port.before = before

    async def scenario():
        assert len(shell.port.writes()) == 1

    shell.run(scenario)


@pytest.mark.parametrize("there", [True, False])
def test_some_namespaces_only(there):
    names = ("a", "chartly-global", *(["gone"] if not there else []))
    shell = Shell(
        space("a"),
        space("chartly-global"),
        space("b"),
        resource("Workflow", "w"),
        resource("Workflow", "w", "b"),
        namespaces=names,
    )

    async def scenario():
        assert shell.cache.get(Key("Namespace", "", "a")) is not None
        assert shell.cache.get(Key("Namespace", "", "b")) is None
        assert shell.cache.get(Key("Workflow", "b", "w")) is None
        assert shell.due() == ["w"]

    shell.run(scenario)
