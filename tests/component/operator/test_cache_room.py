"""Whatever way an object comes in, the cache holds little of it."""

import json
import tracemalloc

import pytest

from chartly.names import CONFIG_LABEL, MANAGED_BY, OURS
from chartly.reconcile.actions import Create
from chartly.reconcile.objects import key_of
from chartly_operator.resync import Resync
from support.operator_shell import Shell, play

SNAPSHOTS = 200
LARGE = 100_000


def snapshot(number):
    metadata = {
        "name": f"chartly-cfg-{number:064x}",
        "namespace": "a",
        "labels": {MANAGED_BY: OURS, CONFIG_LABEL: "snapshot"},
        "annotations": {"somebody/else": "y" * LARGE},
    }
    # A text of its own, as a parsed answer has.
    data = {"snapshot.json": str(number % 10) * LARGE}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


async def created(shell, document):
    await shell.performer.perform(Create(document))


async def found_when_created(shell, document):
    shell.port.objects.create(document)
    await shell.performer.perform(Create(document, owner=None))


async def fetched(shell, document):
    shell.port.objects.create(document)
    await shell.performer.refresh(key_of(document))


async def watched(shell, document):
    shell.intake.event("ADDED", shell.port.objects.create(document))


async def listed(shell, document):
    shell.port.objects.create(document)
    resync = Resync(
        shell.port, shell.cache, shell.intake, shell.queue, shell.performer, shell.clock,
        lambda: True, lambda: 0.0, lambda *_: (), (), 600,
    )  # fmt: skip
    await resync.once()


@pytest.mark.parametrize("door", [created, found_when_created, fetched, watched])
def test_two_hundred_snapshots_take_little_room(door):
    async def scenario():
        shell = Shell()
        tracemalloc.start()
        try:
            for number in range(SNAPSHOTS):
                document = snapshot(number)
                await door(shell, document)
                key = key_of(document)
                assert shell.cache.get(key) is not None
                del document
                shell.port.objects.by_key.pop(key)
                shell.port.objects.history.clear()
            held, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert held < 2_000_000, f"{held} bytes; the contents alone are {2 * SNAPSHOTS * LARGE}"

    play(scenario)


@pytest.mark.parametrize("door", [created, found_when_created, fetched, watched, listed])
def test_what_is_kept_of_a_snapshot_is_its_name(door):
    async def scenario():
        shell = Shell()
        document = snapshot(1)
        await door(shell, document)
        assert len(json.dumps(shell.cache.get(key_of(document)))) < 1_000

    play(scenario)
