import threading

import pytest

from chartly_loader.read_ahead import reading_ahead


def test_items_come_in_order_and_the_thread_ends_with_the_block():
    with reading_ahead(iter(range(100)), "numbers") as items:
        assert list(items) == list(range(100))
    assert "numbers" not in {one.name for one in threading.enumerate()}


def test_what_the_source_raises_comes_after_its_items():
    def source():
        yield 1
        yield 2
        raise ValueError("three")

    with reading_ahead(source(), "raises") as items:
        taking = iter(items)
        assert [next(taking), next(taking)] == [1, 2]
        with pytest.raises(ValueError, match="three"):
            next(taking)


def test_at_most_one_item_waits():
    """Memory: a slow taker holds one item, and one waits."""
    made, taken = [], threading.Event()

    def source():
        for number in range(10):
            made.append(number)
            if number == 1:
                taken.set()
            yield number

    with reading_ahead(source(), "slow") as items:
        first = next(iter(items))
        assert taken.wait(30)
        assert first == 0
        assert made == [0, 1]


def test_a_taker_that_leaves_ends_a_source_that_would_go_on():
    beats = threading.Semaphore(0)

    def source():
        while True:
            beats.release()
            yield None

    with reading_ahead(source(), "endless") as items:
        next(iter(items))
    assert "endless" not in {one.name for one in threading.enumerate()}


def test_sources_can_stand_in_a_row():
    with (
        reading_ahead(iter(range(50)), "one") as one,
        reading_ahead((2 * item for item in one), "two") as two,
    ):
        assert list(two) == list(range(0, 100, 2))
