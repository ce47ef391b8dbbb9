"""The rules of ``chartly_kube.lease``, on a clock that the test moves."""

import asyncio

import pytest

from chartly.reconcile.actions import Key
from chartly_kube.kube_port import Unavailable
from chartly_kube.lease import Election, Unopposed
from support.fake_clock import FakeClock, settled
from support.memory_port import MemoryPort

KEY = Key("Lease", "chartly-system", "chartly-operator")
SPACE = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "chartly-system"}}


class World:
    """An API server, a clock, and processes that want to lead."""

    def __init__(self):
        self.clock, self.port = FakeClock(), MemoryPort(SPACE)

    def election(self, identity, port=None):
        return Election(port or self.port, KEY, identity, self.clock)

    @property
    def spec(self):
        return self.port.objects.by_key[KEY]["spec"]


class Cut:
    """A way to the API server that can be cut, or hang."""

    def __init__(self, port):
        self._port, self.cut, self.hang = port, False, False

    def __getattr__(self, name):
        async def asked(*arguments):
            if self.cut:
                raise Unavailable("cut")
            if self.hang:
                await asyncio.Event().wait()
            return await getattr(self._port, name)(*arguments)

        return asked


@pytest.fixture
def play():
    def run(scenario):
        async def inside():
            world = World()
            await scenario(world)
            for one in asyncio.all_tasks() - {asyncio.current_task()}:
                one.cancel()

        asyncio.run(inside())

    return run


async def led(election):
    """A task that leads as long as it can."""

    async def lead():
        await election.acquire()
        await election.hold()

    task = asyncio.create_task(lead())
    await settled()
    return task


def test_the_first_leads_and_says_so(play):
    async def scenario(world):
        one = world.election("a")
        assert not one.leading()
        await led(one)
        assert one.leading()
        assert world.spec["holderIdentity"] == "a"
        assert world.spec["leaseDurationSeconds"] == 15
        assert world.spec["renewTime"] == "2026-02-02T00:00:00.000000Z"
        await world.clock.advance(2)
        assert world.spec["renewTime"] == "2026-02-02T00:00:02.000000Z"
        assert world.spec["acquireTime"] == "2026-02-02T00:00:00.000000Z"
        assert world.spec["leaseTransitions"] == 1

    play(scenario)


def test_another_waits_as_long_as_the_first_renews(play):
    async def scenario(world):
        await led(world.election("a"))
        other = world.election("b")
        await led(other)
        await world.clock.advance(120)
        assert not other.leading()
        assert world.spec["holderIdentity"] == "a"
        assert world.clock.now() - other.contact <= 2

    play(scenario)


def test_who_dies_is_followed_within_twenty_seconds(play):
    async def scenario(world):
        way = Cut(world.port)
        first = world.election("a", way)
        await led(first)
        other = world.election("b")
        await led(other)
        await world.clock.advance(61)
        way.cut = True
        died = world.clock.now()
        while not other.leading():
            await world.clock.advance(0.5)
            assert not (first.leading() and other.leading()), "never two at once"
        assert world.clock.now() - died < 20
        assert world.spec["leaseTransitions"] == 2

    play(scenario)


@pytest.mark.parametrize("how", ["cut", "hang"])
def test_who_cannot_renew_stops_before_another_may_begin(how, play, monkeypatch):
    """Rule 1; an answer that never comes counts as none."""
    monkeypatch.setattr(asyncio, "timeout", fake_timeout)

    async def scenario(world):
        fake_timeout.clock = world.clock
        way = Cut(world.port)
        first = world.election("a", way)
        task = await led(first)
        await world.clock.advance(7)
        setattr(way, how, True)
        renewed = world.clock.now()
        while first.leading():
            await world.clock.advance(0.25)
        assert world.clock.now() - renewed <= 10
        await world.clock.advance(5)
        assert task.done(), "it knows that it lost, even while an answer is waited for"

    play(scenario)


class fake_timeout:  # noqa: N801 - stands in for asyncio.timeout
    clock = None

    def __init__(self, seconds):
        self._seconds = seconds

    async def __aenter__(self):
        task = asyncio.current_task()

        async def end():
            await self.clock.sleep(self._seconds)
            task.cancel()

        self._end = asyncio.create_task(end())

    async def __aexit__(self, kind, *_):
        over = self._end.done()
        self._end.cancel()
        if kind is asyncio.CancelledError and over:
            raise TimeoutError


def test_time_that_passes_unnoticed_counts_too(play):
    """A process that stood still does not believe that it still leads."""

    async def scenario(world):
        one = world.election("a")
        await led(one)
        world.clock.jump(10)
        assert not one.leading()

    play(scenario)


def test_the_lease_is_given_back(play):
    async def scenario(world):
        one = world.election("a")
        task = await led(one)
        task.cancel()
        await one.release()
        assert not one.leading()
        assert world.spec["holderIdentity"] == ""
        other = world.election("b")
        await led(other)
        assert other.leading(), "without waiting for it to run out"

    play(scenario)


@pytest.mark.parametrize("holder", ["a", "z"])
def test_a_lease_is_given_back_whose_renewal_had_no_answer_and_another_s_is_not(play, holder):
    async def scenario(world):
        one = world.election("a")
        task = await led(one)
        task.cancel()
        spec = {**world.spec, "holderIdentity": holder, "renewTime": "later"}
        world.port.objects.update(KEY, lambda found: {**found, "spec": spec})
        await one.release()
        assert world.spec["holderIdentity"] == ("" if holder == "a" else "z")

    play(scenario)


def test_what_is_in_the_way_is_told_once(play, caplog):
    async def scenario(world):
        world.port.objects.vanish(Key("Namespace", "", "chartly-system"))
        await led(world.election("a"))
        await world.clock.advance(10)

    play(scenario)
    assert caplog.text.count("the Lease cannot be had: ") == 1
    assert 'namespaces "chartly-system" not found' in caplog.text


def test_who_does_not_lead_gives_nothing_back(play):
    async def scenario(world):
        await led(world.election("a"))
        await world.election("b").release()
        assert world.spec["holderIdentity"] == "a"

    play(scenario)


def test_giving_back_may_fail(play):
    async def scenario(world):
        one = world.election("a")
        task = await led(one)
        task.cancel()
        world.port.failures["update"] = [Unavailable("down")]
        await one.release()
        assert not one.leading()

    play(scenario)


def test_of_two_who_take_it_at_once_one_leads(play):
    """Rule 3."""

    async def scenario(world):
        one, other = world.election("a"), world.election("b")
        await asyncio.gather(led(one), led(other))
        assert [one.leading(), other.leading()].count(True) == 1

    play(scenario)


def test_a_lease_that_another_took_is_lost_at_once(play):
    async def scenario(world):
        one = world.election("a")
        task = await led(one)
        world.port.objects.update(KEY, lambda found: {**found, "spec": {"holderIdentity": "z"}})
        await world.clock.advance(2)
        assert not one.leading()
        assert task.done()

    play(scenario)


def test_without_an_election_everybody_leads():
    async def scenario():
        one = Unopposed(FakeClock())
        assert not one.leading()
        await one.acquire()
        assert one.leading()
        assert one.contact == 1000
        await one.release()
        assert not one.leading()

    asyncio.run(scenario())
