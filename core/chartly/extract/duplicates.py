"""Duplicate keys in the objects of a page: the last of their values is read."""

import json
from collections import Counter

LARGEST = 4 * 1024 * 1024
"""Bytes of a page above which it is not searched: that needs more memory than reading it."""


def duplicate_keys(body: bytes) -> Counter[str]:
    """The number of objects that have a key more than once, by key."""
    duplicates: Counter[str] = Counter()

    def note(pairs: list[tuple[str, object]]) -> None:
        names = [name for name, _ in pairs]
        if len({*names}) < len(names):
            duplicates.update(name for name, count in Counter(names).items() if count > 1)

    if len(body) <= LARGEST:
        text = body.decode("utf-8", "surrogateescape").removeprefix("\ufeff")
        try:
            json.loads(text, object_pairs_hook=note, parse_int=str, parse_float=str)
        except (ValueError, RecursionError):
            duplicates.clear()
    return duplicates
