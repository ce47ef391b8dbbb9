from hypothesis import given
from hypothesis import strategies as st

from chartly_loader.seen import SeenKeys

BATCHES = st.lists(st.lists(st.text(max_size=2), max_size=30), max_size=20)


@given(BATCHES)
def test_a_key_is_a_duplicate_from_its_second_time_on(batches):
    """INV-4: as a set would say it."""
    seen, known = SeenKeys(), set()
    for batch in batches:
        fresh = set(batch) - known
        assert seen.add(batch) == len(batch) - len(fresh)
        known |= fresh


def test_many_small_pages_stay_in_few_runs():
    seen = SeenKeys()
    for number in range(2_000):
        assert seen.add([f"{number}-{index}" for index in range(10)]) == 0
    assert len(seen._runs) <= 12
    assert seen.add(["0-0", "1999-9", "new"]) == 2
