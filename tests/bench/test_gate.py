"""The speed that must not be lost: loading, as a part of what the engine does alone."""

from pathlib import Path

import pytest

from bench.child import measured
from bench.pairs import pairs, scratch
from bench.report import rate
from bench.sales import ORDERED, SHUFFLED
from bench.spool import WIDE

EVENTS = 300_000
PAGE = 10_000
GIBIBYTE = 1024**3
_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - the folder's own name is one of chance
MEMORY = _SHARED_MEMORY if _SHARED_MEMORY.is_dir() else None
"""What other tests do to the disk must not decide about code."""


@pytest.mark.slow
@pytest.mark.timeout(180)
@pytest.mark.parametrize(("order", "least"), [(ORDERED, 0.28), (SHUFFLED, 0.20)])
def test_loading_keeps_up_with_the_engine(order, least, capsys):
    with scratch(MEMORY) as folder:
        found = pairs(folder / "first", EVENTS, order, PAGE)
        if found.best < least:
            # The machine may have been busy with something else all the while; it is not, twice.
            found = pairs(folder / "second", EVENTS, order, PAGE)
    with capsys.disabled():
        print(
            f"\n{order}: {rate(found.rate(found.ours))} events/s, the engine alone "
            f"{rate(found.rate(found.alone))}; ratio {found.best:.2f} of the quickest rounds, "
            f"{found.ratio:.2f} of the medians, {least:.2f} is asked for"
        )
    assert found.best >= least, found
    assert max(one["rss"] for one in found.ours) <= GIBIBYTE


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_twenty_fields_are_loaded_and_their_rate_is_told(capsys):
    with scratch(MEMORY) as place:
        measured("spool:fill", spool=place / "spool", events=EVENTS // 3, order=WIDE, size=PAGE)
        one = measured("ours:load_spool", place=place, events=EVENTS // 3, order=WIDE)
    with capsys.disabled():
        print(f"\n20 fields, 10 transforms: {rate(EVENTS / 3 / one['load'])} events/s")
