"""The values at the paths of a mapping in decoded records, one column after the other."""

from collections.abc import Sequence

from chartly.extract.jsonpath import Key, Path
from chartly.extract.routes import Column, route


class Accessors:
    """The compiled paths of a mapping, in its order."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = tuple(paths)
        self._route = route(paths)

    def columns(self, records: Column) -> list[Column]:
        """For each path its value in each record; an absent one is None."""
        columns = [records]
        for parent, key in self._route.steps:
            columns.append(_member_values(columns[parent], key))
        return [
            [path.get(record) for record in records] if place is None else columns[place]
            for path, place in zip(self._paths, self._route.places, strict=True)
        ]


def _member_values(column: Column, key: Key) -> Column:
    if isinstance(key, str):
        return [value.get(key) if type(value) is dict else None for value in column]
    return [value[key] if type(value) is list and key < len(value) else None for value in column]
