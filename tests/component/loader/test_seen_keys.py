import errno
from contextlib import closing

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartly.errors import Reason, RunError
from chartly_loader import seen_keys as module
from chartly_loader.seen_keys import SeenKeys

BATCHES = st.lists(st.lists(st.text(max_size=2), max_size=30), max_size=20)


def as_a_set_says(batches):
    known = set()
    for batch in batches:
        mask = []
        for key in batch:
            mask.append(key in known)
            known.add(key)
        yield batch, mask if any(mask) else None


@pytest.mark.parametrize("in_memory", [module.IN_MEMORY, 20])
def test_a_key_is_a_duplicate_from_its_second_time_on(monkeypatch, in_memory):
    """INV-4: as a set would say it, also where most keys lie on disk, some blocks long."""
    monkeypatch.setattr(module, "IN_MEMORY", in_memory)
    monkeypatch.setattr(module, "_BLOCK", 7)

    @given(BATCHES)
    def check(batches):
        with closing(SeenKeys()) as seen:
            for batch, wanted in as_a_set_says(batches):
                mask = seen.add(batch)
                assert (mask if mask is None else mask.tolist()) == wanted

    check()


def test_many_small_pages_stay_in_few_runs():
    seen = SeenKeys()
    for number in range(2_000):
        assert seen.add([f"{number}-{index}" for index in range(10)]) is None
    assert len(seen._runs) <= 12
    assert np.flatnonzero(seen.add(["0-0", "new", "1999-9"])).tolist() == [0, 2]


def test_keys_beyond_the_limit_leave_memory(monkeypatch):
    monkeypatch.setattr(module, "IN_MEMORY", 1_000)
    with closing(SeenKeys()) as seen:
        for number in range(100):
            seen.add([f"{number}-{index}" for index in range(100)])
        assert sum(map(len, seen._runs)) <= 1_000
        assert len(seen._files) == 9
        assert seen.add(["0-0"]).all()
    assert seen._files == []


def test_a_full_disk_is_one_sentence(monkeypatch):
    def full():
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(module, "IN_MEMORY", 1)
    monkeypatch.setattr(module.tempfile, "TemporaryFile", full)
    with pytest.raises(
        RunError, match="no room for the keys of this run in .*: No space left"
    ) as error:
        SeenKeys().add(["a", "b"])
    assert error.value.reason is Reason.LIMIT_REACHED
