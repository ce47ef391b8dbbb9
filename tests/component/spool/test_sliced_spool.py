"""A spool that carries several slices, and is cut at any point."""

import itertools
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chartly.errors import Reason, RunError
from chartly.slices import PullState, Slice, SliceState, complete_state, slice_of
from chartly_spool.segment import (
    STATE,
    Counters,
    End,
    SegmentMeta,
    body_name,
    digest,
    dump_meta,
    load_state,
    meta_name,
)
from chartly_spool.spool_reader import SpoolReader
from chartly_spool.spool_writer import SpoolWriter
from support.spooling import MAIN, alone

SLICES = (MAIN, slice_of("visits", {"site": "eu"}), slice_of("visits", {"site": "us"}, ("0", "9")))
EXAMPLES = itertools.count()


def meta(number, slice_, page, body, *, last=False):
    position = None if last else {"next": str(page + 1), "pages": page + 1}
    return SegmentMeta(
        number, slice_, page, len(body), digest(body), "https://a.example/", 200, 1, position, f"t{page}"
    )  # fmt: skip


class Attempt:
    """One attempt of a run: pages of slices are written in some order, and its sides may die.

    Args:
        committed: what earlier attempts have committed, by slice; this one adds to it.
    """

    def __init__(self, path, sizes, committed):
        self.path, self.sizes, self.committed = path, sizes, committed
        path.mkdir()

    def state(self, next_number):
        return PullState(
            {
                slice_: SliceState(
                    len(self.committed[slice_]),
                    {"next": str(len(self.committed[slice_]))},
                    complete=len(self.committed[slice_]) == self.sizes[slice_],
                )
                for slice_ in SLICES
            },
            next_number,
        )

    def run(self, next_number, order, writes, takes):
        """Writes and commits so many pages, then both sides are gone; returns the next number."""
        with SpoolReader(self.path) as reader, SpoolWriter(self.path) as writer:
            reader.write_state(self.state(next_number))
            state = writer.wait_for_state(5)
            assert state == self.state(next_number)
            pages = {slice_: one.next_page for slice_, one in state.slices.items()}
            number = state.next_number
            for slice_ in itertools.islice(order, writes):
                if pages[slice_] < self.sizes[slice_]:
                    body = f"{slice_} {pages[slice_]}".encode()
                    last = pages[slice_] + 1 == self.sizes[slice_]
                    writer.write(meta(number, slice_, pages[slice_], body, last=last), body)
                    pages[slice_] += 1
                    number += 1
            writer.end(End(number - next_number, Reason.SUCCEEDED, "", Counters()))
            segments = reader.next_segments(takes, 2**20, 0.01)
            for segment in segments:
                self.committed[segment.meta.slice].append((segment.meta.page, segment.body))
            reader.done(segment.meta.number for segment in segments)
            left = sum(path.suffix == ".page" for path in self.path.iterdir())
            assert left == number - next_number - len(segments)
            return next_number + len(segments)


@given(
    sizes=st.fixed_dictionaries(dict.fromkeys(SLICES, st.integers(0, 5))),
    orders=st.lists(st.sampled_from(SLICES), max_size=40),
    cuts=st.lists(st.tuples(st.integers(0, 8), st.integers(1, 8)), max_size=5),
)
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_inv_4_each_slice_arrives_in_order_and_once_whenever_its_sides_die(
    tmp_path, sizes, orders, cuts
):
    committed = {slice_: [] for slice_ in SLICES}
    folder = tmp_path / str(next(EXAMPLES))
    folder.mkdir()
    order = itertools.cycle([*orders, *SLICES])
    number = 0
    for place, (writes, takes) in enumerate([*cuts, (200, 200)]):
        attempt = Attempt(folder / str(place), sizes, committed)
        number = attempt.run(number, order, writes, takes)
    assert committed == {
        slice_: [(page, f"{slice_} {page}".encode()) for page in range(size)]
        for slice_, size in sizes.items()
    }


@pytest.mark.parametrize(
    ("state", "slice_", "page", "says"),
    [
        (alone(), MAIN, 1, "is page 1 of slice 'main', which goes on with page 0"),
        (alone(), Slice("other"), 0, "is page 0 of slice 'other', which was not asked for"),
        (complete_state([MAIN]), MAIN, 0, "is page 0 of slice 'main', which was not asked for"),
    ],
)
def test_a_page_that_was_not_asked_for_is_refused(tmp_path, state, slice_, page, says):
    """Segments are untrusted input."""
    with SpoolReader(tmp_path) as reader, SpoolWriter(tmp_path) as writer:
        reader.write_state(state)
        writer.write(meta(0, slice_, page, b"{}"), b"{}")
        with pytest.raises(RunError) as caught:
            reader.next_segments(1, 1, 1)
    assert caught.value.reason is Reason.PEER_LOST
    assert caught.value.message == f"spool segment 00000000.json {says}"


def test_both_sides_refuse_what_another_version_wrote(tmp_path):
    with SpoolReader(tmp_path) as reader, SpoolWriter(tmp_path) as writer:
        reader.write_state(alone())
        (tmp_path / body_name(0)).write_bytes(b"{}")
        older = json.loads(dump_meta(meta(0, MAIN, 0, b"{}")))
        del older["format"]
        (tmp_path / meta_name(0)).write_text(json.dumps(older))
        with pytest.raises(RunError, match="format 1, and this version reads format 2"):
            reader.next_segments(1, 1, 1)
        (tmp_path / STATE).write_text('{"streams": {}}')
        with pytest.raises(RunError, match="format 1, and this version reads format 2"):
            writer.wait_for_state(1)


def test_a_state_keeps_the_order_of_its_slices(tmp_path):
    state = PullState({slice_: SliceState() for slice_ in reversed(SLICES)}, 3)
    with SpoolReader(tmp_path) as reader:
        reader.write_state(state)
    assert [*load_state(tmp_path / STATE).slices] == [*reversed(SLICES)]
