import json
from datetime import UTC, datetime, timedelta

import pytest

from chartly.api.run_policy import History
from chartly.reconcile.history import expired_runs
from chartly.reconcile.objects import timestamp

NOW = datetime(2026, 2, 10, 12, 0, tzinfo=UTC)


def run(name, minutes, outcome="Succeeded", finished="True", **metadata):
    ended = timestamp(NOW - timedelta(minutes=minutes))
    condition = {"type": "Finished", "status": finished, "lastTransitionTime": ended}
    return {
        "kind": "WorkflowRun",
        "metadata": {"name": name, "namespace": "a", "uid": f"{name}-uid", **metadata},
        "status": {"outcome": outcome, "conditions": [condition]},
    }


def removed(runs, **policy):
    decision = expired_runs(runs, History.model_validate_json(json.dumps(policy)), NOW)
    return [one.key.name for one in decision.actions], decision.look_again


@pytest.mark.parametrize(
    ("policy", "gone", "because"),
    [
        ({"keepSucceeded": 2, "keepFailed": 2}, ["c"], "the oldest success beyond two"),
        ({"keepSucceeded": 3, "keepFailed": 0}, ["x", "y"], "no failure is kept"),
        ({"keepSucceeded": 0, "keepFailed": 2}, ["a", "b", "c"], "no success is kept"),
        ({}, [], "ten of each by default"),
        ({"ttl": 1500}, ["y", "c"], "older than 25 minutes"),
    ],
)
def test_the_newest_of_each_outcome_are_kept(policy, gone, because):
    runs = [
        run("a", 10),
        run("b", 20),
        run("c", 30),
        run("x", 15, "Failed"),
        run("y", 25, "Cancelled"),
    ]
    assert removed(runs, **policy)[0] == gone


def test_a_run_that_goes_on_is_never_removed():
    runs = [run("a", 99, finished="False"), {"kind": "WorkflowRun", "metadata": {"name": "b"}}]
    assert removed(runs, keepSucceeded=0, keepFailed=0)[0] == []


def test_one_that_goes_already_is_not_removed_again():
    assert removed([run("a", 99, deletionTimestamp="x")], keepSucceeded=0)[0] == []


def test_the_next_one_is_looked_for_when_it_is_due():
    assert removed([run("a", 10), run("b", 20)], ttl=3600)[1] == 40 * 60
    assert removed([run("a", 10)])[1] is None


def test_without_a_policy_ten_of_each_stay():
    runs = [run(f"r{n:02}", n) for n in range(12)]
    assert [one.key.name for one in expired_runs(runs, None, NOW).actions] == ["r10", "r11"]
