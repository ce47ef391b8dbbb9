"""Paths into records: plain ones compile to accessors, the others to queries of a library.

A library costs 20 to 50 times what an accessor does (docs/adr/0002-jsonpath-library.md), so only
wildcards, filters, slices and negative indexes use it.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import reduce

from chartly.api.place import Place
from chartly.errors import Reason, RunError

_NAME = r"[A-Za-z_\u0080-\uD7FF\uE000-\U0010FFFF][A-Za-z0-9_\u0080-\uD7FF\uE000-\U0010FFFF]*"
_SEGMENT = re.compile(
    rf"\.(?P<name>{_NAME})|\['(?P<single>[^'\\\x00-\x1f]*)'\]|\[\"(?P<double>[^\"\\\x00-\x1f]*)\"\]"
    r"|\[(?P<index>0|[1-9][0-9]{0,8})\]"
)
_FIELD = re.compile(r"[^.\[\]$*@'\" ]+(\.[^.\[\]$*@'\" ]+)*")

Key = str | int
_NOWHERE = Place(object="path")


@dataclass(frozen=True)
class Path:
    """A compiled path; an absent value is None, as a null is.

    Attributes:
        keys: the members of a plain path, or None where the library is needed.
        singular: it matches one value at most, by its form, in any record; the value of any other
            path is a list.
        prefix: the keys before the first segment that can match several values.
        filters_below: it filters the matches of ``..``.
    """

    text: str
    keys: tuple[Key, ...] | None
    _values: Callable[[object], list[object]]
    singular: bool = True
    prefix: tuple[Key, ...] = ()
    filters_below: bool = False
    _unfiltered: Callable[[object], list[object]] | None = None
    _until_filter: Callable[[object], list[object]] | None = None
    _dead_ends: Callable[[object], list[object]] | None = None

    @property
    def unfiltered(self) -> "Path":
        """The path with ``[*]`` in place of its filters."""
        return replace(self, _values=self._unfiltered or self._values)

    @property
    def until_filter(self) -> "Path":
        """The path up to its first filter, with ``[*]`` in place of that."""
        return replace(self, _values=self._until_filter or self._values)

    def dead_ends(self, record: object) -> list[object]:
        """The values that all lack the path's next member; none where the path matches.

        Raises:
            RunError: as ``get`` does.
        """
        return self._dead_ends(record) if self._dead_ends is not None else []

    def get(self, record: object) -> object:
        """The value at the path in ``record``.

        Raises:
            RunError: ``UpstreamUnavailable``: the record is nested too deep for a library's path.
        """
        values = self._values(record)
        if not values:
            return None
        return values[0] if self.singular else values

    def matches(self, record: object) -> bool:
        """Whether the path matches a value, null included.

        Raises:
            RunError: as ``get`` does.
        """
        return bool(self._values(record))


def compile_path(text: str, place: Place = _NOWHERE) -> Path:
    """A JSONPath (RFC 9535) that starts at a record, such as ``$.totals.amount``.

    Args:
        place: of its text in a profile.

    Raises:
        SpecError: it is not a JSONPath; names the column of the mistake.
    """
    keys = _plain_keys(text)
    return (
        _by_library(text, place) if keys is None else Path(text, keys, _accessor(keys), prefix=keys)
    )


def compile_field(text: str, place: Place = _NOWHERE) -> Path:
    """A dotted name into a page, such as ``meta.next``; a text with ``$`` is a JSONPath.

    Args:
        place: of its text in a profile.

    Raises:
        SpecError: it is neither.
    """
    if text.startswith("$"):
        return compile_path(text, place)
    if _FIELD.fullmatch(text) is None:
        raise place.refusal("must be a dotted name such as meta.next, or a JSONPath", value=text)
    keys = tuple(text.split("."))
    return Path(text, keys, _accessor(keys), prefix=keys)


def _plain_keys(text: str) -> tuple[Key, ...] | None:
    if not text.startswith("$"):
        return None
    keys: list[Key] = []
    position = 1
    while position < len(text):
        segment = _SEGMENT.match(text, position)
        if segment is None:
            return None
        group = str(segment.lastgroup)
        keys.append(int(segment[group]) if group == "index" else segment[group])
        position = segment.end()
    return tuple(keys)


def _accessor(keys: tuple[Key, ...]) -> Callable[[object], list[object]]:
    return lambda record: reduce(_member_values, keys, [record])


def _member_values(values: list[object], key: Key) -> list[object]:
    for value in values:
        if isinstance(key, str):
            return [value[key]] if isinstance(value, dict) and key in value else []
        return [value[key]] if isinstance(value, list) and key < len(value) else []
    return values


def _by_library(text: str, place: Place = _NOWHERE) -> Path:
    # Imported here: they cost start-up time, which plain paths do not need.
    from jsonpath_rfc9535 import JSONPathError  # noqa: PLC0415

    from chartly.extract.queries import compile_query  # noqa: PLC0415

    try:
        query = compile_query(text)
    except JSONPathError as error:
        column = error.token.index + 1 if error.token is not None else 1
        mistake = str(error.args[0]) if error.args else "not a JSONPath"
        raise place.refusal(f"is no JSONPath: column {column}: {mistake}", value=text) from None

    return Path(
        text,
        None,
        _guarded(query.values, text),
        query.singular,
        query.prefix,
        query.filters_below,
        _guarded(query.unfiltered().values, text),
        _guarded(query.until_filter().values, text),
        _guarded(query.dead_ends, text),
    )


def _guarded(read: Callable[[object], list[object]], text: str) -> Callable[[object], list[object]]:
    from jsonpath_rfc9535 import JSONPathRecursionError  # noqa: PLC0415 - as above

    def values(record: object) -> list[object]:
        try:
            return read(record)
        except (JSONPathRecursionError, RecursionError):
            raise RunError(
                Reason.UPSTREAM_UNAVAILABLE, f"the page is nested too deep for path {text!r}"
            ) from None

    return values
