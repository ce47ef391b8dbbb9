import pytest

from faults.harness import ExactnessError, Harness

KILLS = 50


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_killed_loaders_lose_and_double_nothing(tmp_path):
    """INV-4: SIGKILL at any moment, over many runs into one dataset."""
    harness = Harness(tmp_path, seed=20260210)
    while harness.kills < KILLS:
        harness.run(kills=min(10, KILLS - harness.kills))
        assert harness.runs <= KILLS, "runs are over before they are killed"
    print(f"kills: {harness.kills}, lost: 0, doubled: 0")


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize(("mutant", "kills"), [("ledger-first", 4), ("old-wins", 0)])
def test_the_harness_catches_a_loader_that_is_wrong(tmp_path, mutant, kills):
    """The oracle itself can fail."""
    harness = Harness(tmp_path, seed=7, mutant=mutant)

    def several_runs():
        for _ in range(6):
            harness.run(kills)

    with pytest.raises(ExactnessError, match=r"(counts|rows|lost|doubled|rejects|rollup):"):
        several_runs()
