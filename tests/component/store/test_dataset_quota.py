"""DatasetQuota within ``maxBytes``, with few questions."""

from hypothesis import given
from hypothesis import strategies as st

from chartly_store.dataset_quota import DatasetQuota

MIB = 1024 * 1024
INSERTS = st.lists(st.tuples(st.integers(0, 100 * MIB), st.floats(0, 2)))


@given(st.integers(1, 500 * MIB), INSERTS)
def test_it_says_what_a_question_before_every_insert_would(limit, inserts):
    """Whatever became of the rows on disk, up to twice what they took in memory."""
    taken = 0
    quota = DatasetQuota(lambda: taken, limit)
    for memory, ratio in inserts:
        assert quota.is_exceeded() == (taken > limit)
        quota.count(memory)
        taken += int(memory * ratio)
    assert quota.is_exceeded() == (taken > limit)


def test_it_asks_once_while_much_is_left():
    asked = []
    quota = DatasetQuota(lambda: asked.append(1) or 0, 10_000 * MIB)
    for _ in range(100):
        assert not quota.is_exceeded()
        quota.count(10 * MIB)
    assert len(asked) == 1
