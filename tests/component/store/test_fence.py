"""Who may still write: the last attempt of a run, in the newest epoch of its datasets."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from chartly.errors import Reason, RunError
from chartly_store.attempts import Attempt, Attempts
from chartly_store.fence import Epochs, Fence, Turn
from chartly_store.project_store import ProjectStore

NOW = datetime(2026, 2, 10, 6, tzinfo=UTC)
DATASETS = ("sales", "refunds")


@pytest.fixture
def store(engine, project):
    made = ProjectStore(engine, project)
    made.create()
    return made


def begun(store, run, number=1, turn=Turn(), now=NOW):  # noqa: B008 - it is frozen
    epoch = Epochs(store).enter(DATASETS, turn, run, now)
    attempt = Attempt(run, number, 0, "flow", "1.0.0", "sha256:c", NOW, epoch=epoch)
    return Attempts(store).begin(attempt, now)


def check_turn(store, attempt):
    Fence(store, attempt, DATASETS).check_turn()


def test_an_attempt_writes_until_a_later_one_of_its_run_begins(store):
    first = begun(store, "a")
    begun(store, "b", 7)
    check_turn(store, first)
    begun(store, "a", 2)
    with pytest.raises(RunError) as caught:
        check_turn(store, first)
    assert caught.value.reason is Reason.TERMINATED
    assert caught.value.message == "attempt 1 of run 'a' is over: attempt 2 has begun"


def test_a_run_writes_until_the_turn_passes_to_another_one(store):
    first = begun(store, "a", turn=Turn(5))
    check_turn(store, first)
    second = begun(store, "b", turn=Turn(6))
    check_turn(store, second)
    with pytest.raises(RunError) as caught:
        check_turn(store, first)
    assert caught.value.reason is Reason.TERMINATED
    assert caught.value.message == (
        "run 'a' is over: its turn has epoch 5, and a run of epoch 6 has begun to write its datasets"
    )


TURNS = [
    (Turn(5), Turn(5), 5, True, "another attempt of the run that holds the turn"),
    (Turn(5), Turn(6), 6, False, "the next turn"),
    (Turn(5), Turn(), 5, True, "a run that takes no turn shares what is recorded"),
    (Turn(), Turn(), 0, True, "runs that take no turns write side by side"),
    (Turn(), Turn(5), 5, False, "the first turn, after runs that took none"),
    (Turn(is_alone=True), Turn(is_alone=True), 2, False, "on a machine of its own, one after the other"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("first", "second", "epoch", "goes_on", "because"), TURNS, ids=[case[4] for case in TURNS]
)
def test_a_turn_ends_those_before_it(store, first, second, epoch, goes_on, because):
    earlier = begun(store, "a", turn=first)
    assert begun(store, "b", turn=second).epoch == epoch, because
    if goes_on:
        check_turn(store, earlier)
    else:
        with pytest.raises(RunError, match="run 'a' is over"):
            check_turn(store, earlier)


def test_a_pod_that_comes_after_the_next_turn_does_not_begin(store):
    begun(store, "b", turn=Turn(6))
    with pytest.raises(RunError, match="run 'a' is over: its turn has epoch 5") as refused:
        begun(store, "a", turn=Turn(5))
    assert refused.value.reason is Reason.TERMINATED
    assert not Attempts(store).of_run("a")


def test_one_dataset_of_another_epoch_is_enough(store):
    first = begun(store, "a", turn=Turn(5))
    Epochs(store).enter(("refunds",), Turn(6), "b", NOW)
    with pytest.raises(RunError, match="epoch 6"):
        check_turn(store, first)


def _end(store, attempt):
    Attempts(store).finish(attempt, Reason.SUCCEEDED, "", "{}", "", NOW)


def test_rivals_are_the_attempts_that_may_still_write(store):
    ended = begun(store, "ended")
    _end(store, ended)
    begun(store, "retried")
    retry = begun(store, "retried", 2)
    mine = begun(store, "mine")
    later = begun(store, "later")
    other = replace(later, run_id="other", workflow="other")
    Attempts(store).begin(other, NOW)
    rivals = Fence(store, mine, DATASETS).rivals()
    assert rivals == [retry.ordinal, later.ordinal]


def test_who_is_of_an_older_epoch_or_began_a_year_ago_is_no_rival(store):
    begun(store, "old", now=NOW - timedelta(days=367))
    begun(store, "before", turn=Turn(5))
    mine = begun(store, "mine", turn=Turn(6))
    assert Fence(store, mine, DATASETS).rivals() == []
