"""Taking a turn: what the API server has of the holder decides, whatever the view lacks of it."""

import pytest

from chartly.names import MANAGED_BY, OURS, RUN_UID_LABEL
from chartly.reconcile.actions import Key, TakeTurn
from chartly.reconcile.objects import ACTIVE, EPOCH, status_of, uid_of, version_of
from chartly.reconcile.turn import holder_status
from chartly_kube.kube_port import Conflict, NotFound
from chartly_operator.turns import Turns
from support.operator_shell import KEY, RUN, Shell, play

FLOW = Key("Workflow", "a", "w")
GONE = "00000000-0000-4000-8000-00000000dead"


class Scene:
    """A workflow whose turn is another run's, and a run ``r`` that takes it."""

    def __init__(self, holder=("other", GONE)):
        self.shell = Shell()
        self.objects = self.shell.port.objects
        document = {**RUN, "kind": "Workflow", "metadata": {"name": "w", "namespace": "a"}}
        self.objects.create({**document, "spec": {"steps": []}})
        self.hold(*holder)
        self.shell.see()
        port, clock = self.shell.port, self.shell.clock
        self.turns = Turns(port, self.shell.cache, self.shell.intake, clock)

    @property
    def flow(self):
        return self.objects.by_key[FLOW]

    def hold(self, run, uid):
        self.objects.update(
            FLOW, lambda one: {**one, "status": holder_status(run, uid, 1)}, status=True
        )

    @property
    def holder(self):
        return [one["uid"] for one in status_of(self.flow)[ACTIVE]]

    async def take(self, epoch=2):
        run = self.shell.run["metadata"]["name"], uid_of(self.shell.run)
        await self.turns.take(TakeTurn(FLOW, uid_of(self.flow), run, epoch))

    def left(self, kind, status):
        """Something of the holder that only the API server knows."""
        labels = {MANAGED_BY: OURS, RUN_UID_LABEL: GONE}
        metadata = {"name": "other-a1", "namespace": "a", "labels": labels}
        self.objects.create({"kind": kind, "metadata": metadata, "spec": {}, "status": status})


@pytest.mark.parametrize(
    ("kind", "status", "because"),
    [
        ("Pod", {"phase": "Running"}, "a Pod runs, and its run and Job are gone"),
        ("Job", {}, "a Job may still start a Pod"),
    ],
)
def test_what_the_view_lacks_of_the_holder_keeps_the_turn(kind, status, because):
    async def scenario():
        scene = Scene()
        scene.left(kind, status)
        with pytest.raises(Conflict, match="it is the turn of run 'other'"):
            await scene.take()
        assert scene.holder == [GONE], because

    play(scenario)


def test_a_holder_of_which_nothing_is_left_gives_way():
    async def scenario():
        scene = Scene()
        scene.left("Pod", {"phase": "Failed"})
        scene.left("Job", {"conditions": [{"type": "Failed", "status": "True"}]})
        await scene.take()
        assert scene.holder == [uid_of(scene.shell.run)]
        known = scene.shell.cache.get(FLOW)
        assert known is not None
        assert version_of(known) == version_of(scene.flow)

    play(scenario)


def test_of_two_that_read_the_same_workflow_one_is_refused():
    async def scenario():
        scene = Scene()

        def another_takes_it(verb, _key):
            if verb == "apply" and scene.holder == [GONE]:
                scene.hold("third", "third-uid")

        scene.shell.port.before = another_takes_it
        with pytest.raises(Conflict):
            await scene.take()
        assert scene.holder == ["third-uid"]
        assert status_of(scene.shell.cache.get(FLOW))[ACTIVE][0]["run"] == "third"

    play(scenario)


def test_who_holds_the_turn_already_makes_it_anew():
    """The API server keeps the version of what does not change; who judged it before must lose."""

    async def scenario():
        scene = Scene(("r", "r-uid"))
        scene.hold("r", uid_of(scene.shell.run))
        seen = []
        scene.shell.port.before = lambda verb, _key: (
            seen.append(scene.holder) if verb == "apply" else None
        )
        await scene.take()
        own = uid_of(scene.shell.run)
        assert (seen, scene.holder) == ([[own], []], [own])

    play(scenario)


@pytest.mark.parametrize("epoch", [0, 1])
def test_a_turn_that_was_decided_before_the_last_one_is_not_taken(epoch):
    """Its number would let a Pod of the last one write beside it."""

    async def scenario():
        scene = Scene()
        with pytest.raises(Conflict, match="a turn was taken after this one was decided"):
            await scene.take(epoch)
        assert scene.holder == [GONE]
        known = scene.shell.cache.get(FLOW)
        assert known is not None
        assert version_of(known) == version_of(scene.flow)

    play(scenario)


def test_whoever_takes_the_turn_numbers_it():
    async def scenario():
        scene = Scene()
        await scene.take(7)
        assert status_of(scene.flow)[EPOCH] == 7

    play(scenario)


def test_a_workflow_that_is_gone_or_another_one_has_no_turn():
    async def scenario():
        scene = Scene()
        with pytest.raises(Conflict, match="another one by now"):
            await scene.turns.take(TakeTurn(FLOW, "old-uid", ("r", "r-uid"), 2))
        scene.objects.vanish(FLOW)
        with pytest.raises(NotFound):
            await scene.turns.take(TakeTurn(FLOW, "old-uid", ("r", "r-uid"), 2))
        assert scene.shell.cache.get(FLOW) is None
        assert scene.shell.cache.get(KEY) is not None

    play(scenario)
