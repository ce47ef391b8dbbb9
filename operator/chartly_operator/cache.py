"""The cluster as it was last seen: trimmed objects by address, with indexes.

What is older than what is known is ignored, and what was deleted stays deleted, so that a watch
that tells old things again changes nothing.
"""

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass

from chartly.reconcile.actions import Key, Object
from chartly.reconcile.objects import key_of, uid_of
from chartly_operator.trimming import Trimmed

Entries = Callable[[Object], Iterable[tuple[str, Hashable]]]
_REMEMBERED = 50_000
"""Uids of deleted objects; a watch tells at most minutes again."""


@dataclass(frozen=True)
class Change:
    """An object as it was and as it is; None where there is none."""

    key: Key
    before: Object | None
    after: Object | None


class Cache:
    """Objects by address.

    Args:
        entries: under which names and values an object is found by ``find``.
    """

    def __init__(self, entries: Entries) -> None:
        self._entries = entries
        self._objects: dict[Key, Object] = {}
        self._indexed: dict[Key, tuple[tuple[str, Hashable], ...]] = {}
        self._index: dict[tuple[str, Hashable], dict[Key, None]] = {}
        self._gone: dict[str, None] = {}

    def get(self, key: Key) -> Object | None:
        return self._objects.get(key)

    def find(self, index: str, value: Hashable) -> tuple[Object, ...]:
        """Every object with that entry."""
        return tuple(self._objects[key] for key in self._index.get((index, value), ()))

    def keys(self, index: str, value: Hashable) -> Iterable[Key]:
        """The addresses of every object with that entry."""
        return self._index.get((index, value), {}).keys()

    def count(self, index: str, value: Hashable) -> int:
        return len(self._index.get((index, value), ()))

    def put(self, found: Trimmed) -> Change | None:
        """Takes an object as seen; None if that is not news."""
        key, uid = key_of(found), uid_of(found)
        before = self._objects.get(key)
        if uid in self._gone or (before is not None and not _newer(found, before)):
            return None
        if before is not None and uid_of(before) != uid:
            self._bury(before)
        self._store(key, found)
        return Change(key, before, found)

    def drop(self, found: Object) -> Change | None:
        """Takes an object as deleted; one of that name with another uid stays."""
        key = key_of(found)
        before = self._objects.get(key)
        self._bury(found)
        if before is None or uid_of(before) != uid_of(found):
            return None
        self._store(key, None)
        return Change(key, before, None)

    def _bury(self, found: Object) -> None:
        self._gone[uid_of(found)] = None
        if len(self._gone) > _REMEMBERED:
            del self._gone[next(iter(self._gone))]

    def _store(self, key: Key, found: Object | None) -> None:
        for entry in self._indexed.pop(key, ()):
            keys = self._index[entry]
            del keys[key]
            if not keys:
                del self._index[entry]
        if found is None:
            del self._objects[key]
            return
        self._objects[key] = found
        self._indexed[key] = tuple(dict.fromkeys(self._entries(found)))
        for entry in self._indexed[key]:
            self._index.setdefault(entry, {})[key] = None


def _newer(found: Object, known: Object) -> bool:
    mine, other = (str(one["metadata"].get("resourceVersion", "")) for one in (found, known))
    if mine.isdecimal() and other.isdecimal():
        return int(mine) > int(other)
    return mine != other
