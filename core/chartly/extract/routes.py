"""The route from a record to each mapped value; members that paths share are read once."""

from collections.abc import Sequence
from dataclasses import dataclass

from chartly.extract.jsonpath import Key, Path

Column = list[object]


@dataclass(frozen=True)
class Route:
    """Steps that each derive a column from an earlier one; column 0 is the records.

    Attributes:
        steps: for column 1 and on: the column of its parents, and the key in each of them.
        places: for each path its column; None if only the library can evaluate it.
    """

    steps: tuple[tuple[int, Key], ...]
    places: tuple[int | None, ...]


def route(paths: Sequence[Path]) -> Route:
    """The route of all ``paths``."""
    steps: list[tuple[int, Key]] = []
    known: dict[tuple[int, Key], int] = {}
    places = [None if path.keys is None else _walk(path.keys, steps, known) for path in paths]
    return Route(tuple(steps), tuple(places))


def _walk(
    keys: tuple[Key, ...], steps: list[tuple[int, Key]], known: dict[tuple[int, Key], int]
) -> int:
    place = 0
    for key in keys:
        if (place, key) not in known:
            steps.append((place, key))
            known[place, key] = len(steps)
        place = known[place, key]
    return place
