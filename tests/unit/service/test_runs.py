"""The runs of a place as lists show them, and which of them a next run meets."""

import pytest

from chartly.errors import SpecError
from chartly_service.runs import RunState, end_as_killed, get_run, list_runs, unfinished_runs
from support.recorded_runs import MemoryRun, MemoryRuns, intent_of

DONE, BROKEN = {"reason": "Succeeded"}, {"reason": "AuthRejected"}
STATES = [
    (MemoryRun(intent_of("a"), DONE, running=None), RunState.SUCCEEDED, "Succeeded"),
    (MemoryRun(intent_of("a"), BROKEN), RunState.FAILED, "AuthRejected"),
    (MemoryRun(intent_of("a"), running=True), RunState.RUNNING, ""),
    (MemoryRun(intent_of("a"), running=False), RunState.INTERRUPTED, ""),
    (MemoryRun(intent_of("a"), running=None), RunState.UNKNOWN, ""),
]


@pytest.mark.parametrize(("run", "state", "reason"), STATES)
def test_a_run_has_a_state(run, state, reason):
    entry = get_run(MemoryRuns([run]), "a")
    assert (entry.intent, entry.state, entry.reason) == (run.intent, state, reason)


def test_a_run_that_ends_while_it_is_looked_at_has_ended():
    class Ending(MemoryRun):
        def is_running(self):
            self.finish(DONE)
            return False

    assert list_runs(MemoryRuns([Ending(intent_of("a"))]))[0].state is RunState.SUCCEEDED


def test_the_latest_run_is_listed_first():
    other = MemoryRun(intent_of("b", workflow="other"))
    runs = MemoryRuns([MemoryRun(intent_of("a")), other, MemoryRun(intent_of("c"))])
    assert [entry.intent.run_id for entry in list_runs(runs)] == ["c", "b", "a"]
    assert [entry.intent.run_id for entry in list_runs(runs, "sales-onboard")] == ["c", "a"]


@pytest.mark.parametrize(
    ("kept", "allowed"), [([], "there is none"), ([MemoryRun(intent_of("sales-1"))], "'sales-1'?")]
)
def test_a_run_that_is_not_here_is_refused_by_name(kept, allowed):
    with pytest.raises(SpecError) as refused:
        get_run(MemoryRuns(kept), "sales-2")
    assert str(refused.value).startswith('run: "sales-2" is not here; ')
    assert str(refused.value).endswith(allowed)


def test_a_run_that_is_ended_is_unfinished_no_more():
    elsewhere = MemoryRun(intent_of("a", store="http://store:8123"))
    other, ended = MemoryRun(intent_of("b", workflow="other")), MemoryRun(intent_of("c"), DONE)
    runs = MemoryRuns([elsewhere, other, ended, MemoryRun(intent_of("d"))])
    (run,) = unfinished_runs(runs, "sales-onboard", "")
    end_as_killed(run, "cut off")
    assert run.result == {"run": "d", "reason": "Killed", "message": "cut off"}
    assert unfinished_runs(runs, "sales-onboard", "") == []
    assert unfinished_runs(runs, "sales-onboard", "http://store:8123") == [elsewhere]
