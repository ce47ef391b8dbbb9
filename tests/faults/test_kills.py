"""Loaders over the embedded engine, killed and stopped at random moments."""

import pytest

from faults.harness import Harness
from faults.mortal import Moment
from faults.oracle import ExactnessError
from faults.scale import scaled
from faults.tally import TALLY

KILLS = 10
EVENTS = "insert sales_events__data"
_WRONG = r"(counts|rows|lost|doubled|rejects|rollup|ledger):"


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("case", range(scaled(2, 10)))
def test_loaders_lose_and_double_nothing(tmp_path, case):
    """INV-4: SIGKILL and SIGSTOP at any moment, over several runs into one dataset."""
    harness = Harness(tmp_path, f"loader-{case}")
    before = TALLY.kills
    while TALLY.kills - before < KILLS:
        assert harness.runs < KILLS, "runs are over before they are hit"
        harness.run(*harness.some_moments(KILLS - TALLY.kills + before))


@pytest.mark.parametrize("number", [1, 3])
def test_an_insert_that_is_torn_apart_is_made_whole(tmp_path, number):
    """INV-4: of one insert into several partitions, some are written and some are not."""
    before = TALLY.kills
    Harness(tmp_path, "torn").run(Moment("tear", EVENTS, number, "after"))
    assert TALLY.kills == before + 1


def test_deduplication_by_token_would_lose_what_is_torn_apart(tmp_path):
    """The same kill, and a loader that is wrong: the engine has heard of the token already."""
    # No key comes again, which would hide that it was lost.
    harness = Harness(tmp_path, "torn", "by-token", keys=10**9)
    harness.run()
    with pytest.raises(ExactnessError, match="lost: found "):
        harness.run(Moment("tear", EVENTS, 3, "after"))
    assert (harness.tally.kills, harness.tally.lost > 0) == (1, True)


@pytest.mark.parametrize(
    ("mutant", "moments"),
    [("ledger-first", [Moment("kill", "insert __ledger", 2, "after")]), ("old-wins", [])],
)
def test_the_oracle_catches_a_loader_that_is_wrong(tmp_path, mutant, moments):
    """The harness itself can fail."""
    harness = Harness(tmp_path, "mutant", mutant)

    def several_runs():
        for _ in range(3):
            harness.run(*moments)

    with pytest.raises(ExactnessError, match=_WRONG):
        several_runs()
