"""The values that paths find in decoded records, one column after the other."""

from collections.abc import Sequence

from chartly.extract.jsonpath import Key, Path
from chartly.extract.routes import Column, route


class Accessors:
    """The compiled paths of a mapping, in its order."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = tuple(paths)
        self._route = route(paths)

    def columns(self, records: Column) -> list[Column]:
        """For each path its value in each record; what is absent reads as None."""
        found = [records]
        for parent, key in self._route.steps:
            found.append(_children(found[parent], key))
        return [
            [path.get(record) for record in records] if place is None else found[place]
            for path, place in zip(self._paths, self._route.places, strict=True)
        ]


def _children(column: Column, key: Key) -> Column:
    if isinstance(key, str):
        return [value.get(key) if type(value) is dict else None for value in column]
    return [value[key] if type(value) is list and key < len(value) else None for value in column]
