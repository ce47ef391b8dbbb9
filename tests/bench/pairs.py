"""Ours beside the engine alone, one after the other, several times."""

import shutil
import statistics
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.child import measured
from bench.spool import hand_out

ROUNDS = 3


@dataclass(frozen=True)
class Pairs:
    """What came out of some rounds over the same events.

    Attributes:
        ours: what each round of the loader said.
        alone: what each round of the engine alone said.
    """

    events: int
    ours: list[dict[str, Any]]
    alone: list[dict[str, Any]]

    @property
    def ratio(self) -> float:
        """How fast the load step is, as a part of the engine alone, by medians."""
        return self.rate(self.ours) / self.rate(self.alone)

    @property
    def best(self) -> float:
        """The same of each one's quickest round: what else runs can make a round slow, not quick."""
        quickest: list[float] = [min(one["load"] for one in who) for who in (self.ours, self.alone)]
        return quickest[1] / quickest[0]

    def rate(self, who: list[dict[str, Any]], step: str = "load") -> float:
        """Events in a second of a step, the median."""
        seconds: list[float] = [one[step] for one in who]
        return self.events / statistics.median(seconds)


def pairs(folder: Path, events: int, order: str, size: int) -> Pairs:
    """Loads the same events by turns, each time into a store of its own.

    Nothing is removed between the rounds: ext4 passes over inodes that were freed within the last
    minutes, one by one, whenever it makes a file.
    """
    found = Pairs(events, [], [])
    folder.mkdir()
    lines, spool = folder / "events.ndjson", folder / "spool"
    measured("spool:write_lines", path=lines, events=events, order=order)
    measured("spool:fill", spool=spool, events=events, order=order, size=size)
    for number in range(ROUNDS):
        place = folder / f"{number}"
        hand_out(spool, place)
        found.ours.append(measured("ours:load_spool", place=place, events=events))
        found.alone.append(measured("alone:insert_lines", place=place, lines=lines, events=events))
    return found


@contextmanager
def scratch(parent: Path | None = None) -> Iterator[Path]:
    """A folder that is gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="chartly-bench-", dir=parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
