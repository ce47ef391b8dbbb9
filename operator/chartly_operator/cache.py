"""The cluster as it was last seen: trimmed objects by address, with indexes.

A version older than the cached one is ignored, and a deleted uid stays deleted, so that a watch
that repeats old events changes nothing.
"""

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass

from chartly.reconcile.actions import Key, Object
from chartly.reconcile.objects import key_of, uid_of, version_of
from chartly_operator.trimming import Trimmed

Entries = Callable[[Object], Iterable[tuple[str, Hashable]]]
_REMEMBERED = 50_000
"""Uids of deleted objects; a watch repeats at most the events of some minutes."""


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

    def put(self, resource: Trimmed) -> Change | None:
        """Stores an object; None if it is not newer than the cached one."""
        key, uid = key_of(resource), uid_of(resource)
        before = self._objects.get(key)
        if uid in self._gone or (before is not None and not _newer(resource, before)):
            return None
        if before is not None and uid_of(before) != uid:
            self._mark_deleted(before)
        self._store(key, resource)
        return Change(key, before, resource)

    def drop(self, resource: Object) -> Change | None:
        """Removes a deleted object; one of that name with another uid stays."""
        key = key_of(resource)
        before = self._objects.get(key)
        self._mark_deleted(resource)
        if before is None or uid_of(before) != uid_of(resource):
            return None
        self._store(key, None)
        return Change(key, before, None)

    def _mark_deleted(self, resource: Object) -> None:
        self._gone[uid_of(resource)] = None
        if len(self._gone) > _REMEMBERED:
            del self._gone[next(iter(self._gone))]

    def _store(self, key: Key, resource: Object | None) -> None:
        for entry in self._indexed.pop(key, ()):
            keys = self._index[entry]
            del keys[key]
            if not keys:
                del self._index[entry]
        if resource is None:
            del self._objects[key]
            return
        self._objects[key] = resource
        self._indexed[key] = tuple(dict.fromkeys(self._entries(resource)))
        for entry in self._indexed[key]:
            self._index.setdefault(entry, {})[key] = None


def _newer(resource: Object, cached: Object) -> bool:
    version, other = version_of(resource), version_of(cached)
    if version.isdecimal() and other.isdecimal():
        return int(version) > int(other)
    return version != other
