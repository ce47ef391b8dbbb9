"""Prints how many events a second of CPU time one core reads and shapes, of 5 and of 20 fields."""

import gc
import sys
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.sales import ORDERED, sales
from bench.wide import CHANGES, wide
from chartly.api.profile import parse_profile
from chartly.extract.pages import compile_reader
from chartly.extract.shaper import compile_shaper
from support.profiles import changed, playbook_profile

EVENTS = 60_000
ROUNDS = 5
PAGE_SIZES = (1_000, 10_000)


def spec(kind, changes):
    profile = playbook_profile(kind)
    for path, value in changes.get(kind, {}).items():
        profile = changed(profile, path, value)
    return parse_profile(profile).spec


def bodies(events: Iterator[str], size: int) -> list[bytes]:
    """The events in pages of ``size``."""
    pages = []
    while records := list(islice(events, size)):
        pages.append(f'{{"data": [{", ".join(records)}], "next_cursor": null}}'.encode())
    return pages


def rate(pages, changes):
    """Events a second: the best of some rounds, because a shared machine only ever adds time."""
    normalizer, storage = spec("normalizer", changes), spec("storage", changes)
    reader = compile_reader(spec("connector", changes).records, "cursor", normalizer, storage)
    shaper = compile_shaper(normalizer, storage)
    seconds = []
    gc.disable()  # as the loader does while pages are in hand
    for _ in range(ROUNDS):
        started = time.thread_time()
        shaped = shaper.shape([reader.read(page) for page in pages])
        seconds.append(time.thread_time() - started)
        assert shaped.rows.num_rows == EVENTS
    gc.enable()
    return EVENTS / min(seconds)


def main():
    shapes = {
        "5 fields, 2 transforms": (lambda: sales(EVENTS, ORDERED), {}),
        "20 fields, 10 transforms": (lambda: wide(EVENTS), CHANGES),
    }
    for name, (events, changes) in shapes.items():
        for size in PAGE_SIZES:
            found = rate(bodies(events(), size), changes)
            print(f"{name:<24}  pages of {size:>6,}: {found:>9,.0f} events/s on one core")


if __name__ == "__main__":
    main()
