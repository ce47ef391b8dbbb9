import asyncio
from itertools import pairwise

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from chartly.reconcile.actions import Key
from chartly_operator.clock import SystemClock
from chartly_operator.queue import WorkQueue
from support.fake_clock import FakeClock


def key(name, namespace="a"):
    return Key("WorkflowRun", namespace, name)


def queue(chance=1.0):
    clock = FakeClock()
    return WorkQueue(clock, lambda: chance), clock


def drained(work):
    return [one.name for one in iter(work.take, None)]


def test_a_key_that_is_added_often_is_due_once():
    work, _ = queue()
    for _ in range(3):
        work.add(key("one"))
    assert work.depth == 1
    assert drained(work) == ["one"]


def test_a_key_that_changes_while_it_is_looked_at_is_looked_at_again():
    work, _ = queue()
    work.add(key("one"))
    taken = work.take()
    work.add(taken)
    assert work.take() is None
    work.done(taken)
    assert work.take() == taken


def test_the_earlier_of_two_times_holds():
    work, clock = queue()
    work.add(key("one"), 10)
    work.add(key("one"), 5)
    work.add(key("one"), 20)
    clock.jump(4.9)
    assert work.take() is None
    clock.jump(0.1)
    assert drained(work) == ["one"]
    clock.jump(100)
    assert work.take() is None


def test_a_key_asked_for_later_and_changed_meanwhile_is_due_at_once():
    work, _ = queue()
    work.add(key("one"))
    taken = work.take()
    work.add(taken)
    work.done(taken, 60)
    assert work.take() == taken


def test_urgent_keys_come_first_and_every_fifth_key_is_another_one():
    clock = FakeClock()
    work = WorkQueue(clock, lambda: 1.0, lambda one: one.name.startswith("launch"))
    for number in range(10):
        work.add(key(f"status-{number}"))
    for number in range(6):
        work.add(key(f"launch-{number}", "ab"[number % 2]))
    assert work.depth == 16
    taken = [one.split("-")[0] for one in drained(work)]
    assert taken[:7] == [*["launch"] * 4, "status", *["launch"] * 2]
    assert taken[7:] == ["status"] * 9


def test_whether_a_key_is_urgent_is_asked_when_it_becomes_due():
    """A run that was launched meanwhile is bookkeeping."""
    clock, urgent = FakeClock(), {"one"}
    work = WorkQueue(clock, lambda: 1.0, lambda one: one.name in urgent)
    work.add(key("one"), 5)
    work.add(key("two"), 4)
    urgent.clear()
    urgent.add("two")
    clock.jump(5)
    work.add(key("three"))
    assert drained(work) == ["two", "one", "three"]
    assert work.age == 0


def test_with_urgent_keys_alone_nothing_waits():
    work = WorkQueue(FakeClock(), lambda: 1.0, lambda _: True)
    for number in range(6):
        work.add(key(f"launch-{number}"))
    assert len(drained(work)) == 6


def test_failures_wait_longer_each_time_and_at_most_five_minutes():
    work, clock = queue()
    waits = []
    for _ in range(12):
        work.add(key("one"))
        waits.append(work.failed(work.take()))
    assert waits[:4] == [1, 2, 4, 8]
    assert waits[-1] == 300
    clock.jump(299)
    assert work.take() is None
    clock.jump(1)
    taken = work.take()
    work.done(taken)
    work.add(taken)
    work.take()
    assert work.failed(taken) == 1, "a success forgets the failures before it"


def test_waits_are_jittered_but_never_shorter_than_the_server_asked_for():
    work, _ = queue(chance=0.0)
    work.add(key("one"))
    assert work.failed(work.take()) == 0.5
    work.add(key("two"))
    assert work.failed(work.take(), at_least=7) == 7


def test_one_namespace_with_many_keys_delays_another_by_one():
    """INV-8."""
    work, _ = queue()
    for number in range(100):
        work.add(key(f"many-{number}"))
    work.add(key("few", "b"))
    first = [work.take() for _ in range(3)]
    assert key("few", "b") in first


def test_keys_are_spread_over_time():
    clock = FakeClock()
    chances = iter([0.5, 0.0])
    work = WorkQueue(clock, lambda: next(chances))
    work.add_all([key("late"), key("now")], spread=60)
    assert drained(work) == ["now"]
    clock.jump(30)
    assert drained(work) == ["late"]


def test_depth_and_age_tell_what_waits():
    work, clock = queue()
    assert (work.depth, work.age) == (0, 0)
    work.add(key("one"))
    work.add(key("two", "b"))
    work.add(key("later"), 60)
    clock.jump(5)
    assert (work.depth, work.age) == (2, 5)
    drained(work)
    assert (work.depth, work.age) == (0, 0)


def test_a_cleared_queue_has_nothing():
    work, clock = queue()
    work.add(key("one"))
    work.add(key("two"), 5)
    work.clear()
    clock.jump(10)
    assert work.take() is None


def test_many_waiters_share_what_comes():
    async def scenario():
        work = WorkQueue(SystemClock(), lambda: 1.0)
        got, full = [], asyncio.Event()

        async def waiter():
            while True:
                taken = await work.get()
                got.append(taken.name)
                work.done(taken)
                if len(got) == 21:
                    full.set()

        waiters = [asyncio.create_task(waiter()) for _ in range(4)]
        await asyncio.sleep(0)
        for number in range(20):
            work.add(key(str(number)))
        work.add(key("soon"), 0.01)
        async with asyncio.timeout(30):
            await full.wait()
        for one in waiters:
            one.cancel()
        assert sorted(got) == sorted([*map(str, range(20)), "soon"])

    asyncio.run(scenario())


KEYS = st.sampled_from([key(name, space) for name in "xyz" for space in "ab"])


class QueueMachine(RuleBasedStateMachine):
    """The queue against a model: the time at which each key may be taken at the earliest."""

    def __init__(self):
        super().__init__()
        self.clock = FakeClock()
        self.work = WorkQueue(self.clock, lambda: 1.0)
        self.due = {}
        self.taken = {}

    @rule(one=KEYS, delay=st.sampled_from([0.0, 1.0, 5.0]))
    def add(self, one, delay):
        self.work.add(one, delay)
        when = self.clock.now() + delay
        at = self.taken if one in self.taken else self.due
        before = at.get(one)
        at[one] = when if before is None else min(before, when)

    @rule(seconds=st.sampled_from([0.5, 1.0, 7.0]))
    def wait(self, seconds):
        self.clock.jump(seconds)

    @rule()
    def take(self):
        one = self.work.take()
        ready = {k for k, when in self.due.items() if when <= self.clock.now()}
        if one is None:
            assert not ready, "a due key is never kept back"
            return
        assert one in ready, "no key is given before its time"
        assert one not in self.taken, "no key is in two hands"
        del self.due[one]
        self.taken[one] = None

    @precondition(lambda self: self.taken)
    @rule(data=st.data(), again=st.sampled_from([None, 0.0, 3.0]))
    def done(self, data, again):
        self._give_back(data, again, lambda one: self.work.done(one, again))

    @precondition(lambda self: self.taken)
    @rule(data=st.data())
    def failed(self, data):
        one = data.draw(st.sampled_from(sorted(self.taken, key=str)))
        changed = self.taken.pop(one)
        delay = self.work.failed(one)
        times = [when for when in (changed, self.clock.now() + delay) if when is not None]
        self.due[one] = min(times)

    def _give_back(self, data, again, act):
        one = data.draw(st.sampled_from(sorted(self.taken, key=str)))
        changed = self.taken.pop(one)
        act(one)
        times = [] if changed is None else [changed]
        if again is not None:
            times.append(self.clock.now() + again)
        if times:
            self.due[one] = min(times)

    @invariant()
    def tells_what_is_due(self):
        now = self.clock.now()
        ready = [when for when in self.due.values() if when <= now]
        assert self.work.depth == len(ready)
        assert self.work.age >= 0


TestQueueMachine = QueueMachine.TestCase
TestQueueMachine.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)


def test_a_namespace_waits_for_one_key_of_each_other():
    work, _ = queue()
    for space in "abc":
        for number in range(4):
            work.add(key(str(number), space))
    order = [work.take().namespace for _ in range(12)]
    places = [[i for i, space in enumerate(order) if space == one] for one in "abc"]
    assert all(after - before == 3 for found in places for before, after in pairwise(found))
