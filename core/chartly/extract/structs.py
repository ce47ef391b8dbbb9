"""Pages decoded into Structs of the mapped members, where every path is of plain members.

Members that no path names are skipped and never become Python values. A page that does not fit is
not decoded here, so that irregular pages have a single set of rules.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias, cast

import msgspec
import pyarrow as pa

from chartly.api.connector import Records
from chartly.extract.jsonpath import Path, compile_path
from chartly.extract.records import CONTAINERS, Number
from chartly.extract.routes import Column, Route, route
from chartly.extract.skipping import may_skip
from chartly.extract.values import UNLIKE, Values, joined, packed, type_of

LARGE = 2 * 1024 * 1024
"""Bytes of a page above which its records are decoded some at a time."""
SLICE = 512 * 1024
"""Bytes of them at a time. All at once are tens of megabytes of small objects, which the
interpreter allocates from the system for every page, while other threads wait."""

Getter: TypeAlias = Callable[[Column, object], Column]
Kind: TypeAlias = Any
"""A type of msgspec: a Struct, a union, or Any."""


@dataclass(frozen=True)
class _Layout:
    """One way to decode a page.

    Attributes:
        decoder: of a page.
        raws: of a page whose records stay text.
        array: of an array of records.
        steps: for each column after the records: the column of its parents, the getter that reads
            it from them, and the replacement of an absent parent.
        targets: for each path the Arrow type that its values have had so far, if they had one.
            Where that is text, the decoder refuses anything else.
    """

    decoder: msgspec.json.Decoder[Any]
    raws: msgspec.json.Decoder[Any]
    array: msgspec.json.Decoder[Any]
    steps: tuple[tuple[int, Getter, object], ...]
    targets: tuple[pa.DataType | None, ...]


class Structs:
    """Reads the mapped values of regular pages.

    It first assumes that all values are text, and learns from each page which are not: the decoder
    distinguishes text from numbers, without a check of each value.
    """

    def __init__(self, plan: Route, records: Records) -> None:
        self._plan = plan
        self._places = [cast("int", place) for place in plan.places]
        self._path = records.path
        self._depth = 0 if self._path is None else len(compile_path(self._path).keys or ())
        self._open = self._layout([None] * len(self._places))
        self._usual = self._layout([pa.string()] * len(self._places))

    def columns(self, body: bytes) -> list[Values] | None:
        """For each path its value in each record, or None: the page must be decoded whole."""
        if not may_skip(body):
            return None
        arrays = self._in_slices(body, self._usual) if len(body) > LARGE else None
        if arrays is not None:
            return arrays
        columns = self._decoded(body, self._usual)
        if columns is not None:
            return list(map(_array, columns, self._usual.targets))
        columns = self._decoded(body, self._open)
        if columns is None:
            return None
        self._learn(columns)
        return list(map(packed, columns))

    def _learn(self, columns: list[Column]) -> None:
        """Stops to assume text for the paths whose values are not."""
        targets = [
            type_of(column) if target == pa.string() else target
            for target, column in zip(self._usual.targets, columns, strict=True)
        ]
        if tuple(targets) != self._usual.targets:
            self._usual = self._layout(targets)

    def _in_slices(self, body: bytes, layout: _Layout) -> list[Values] | None:
        """The columns, or None if a slice does not fit: the page is then decoded at once."""
        try:
            raws = cast("Sequence[bytes] | None", self._records(layout.raws.decode(body)))
            if not raws:
                return None
            size = max(1, len(raws) * SLICE // len(body))
            slices = [
                list(map(_array, self._columns(layout.array.decode(part), layout), layout.targets))
                for part in _arrays(raws, size)
            ]
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        return [joined(parts) for parts in zip(*slices, strict=True)]

    def _decoded(self, body: bytes, layout: _Layout) -> list[Column] | None:
        try:
            records = self._records(layout.decoder.decode(body))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        return None if records is None else self._columns(records, layout)

    def _columns(self, records: Column, layout: _Layout) -> list[Column]:
        columns = [records]
        for parent, get, empty in layout.steps:
            columns.append(get(columns[parent], empty))
        return [columns[place] for place in self._places]

    def _records(self, document: Any) -> Column | None:  # noqa: ANN401 - of a type made here
        if isinstance(document, list):
            return document
        if self._path is None:
            members = (getattr(document, name) for name in CONTAINERS)
            arrays = [array for array in members if array is not None]
            return arrays[0] if len(arrays) == 1 else None
        for _ in range(self._depth):
            document = None if document is None else document.f0
        return cast("Column | None", document)

    def _layout(self, targets: list[pa.DataType | None]) -> _Layout:
        text = {
            place for place, kind in zip(self._places, targets, strict=True) if kind == pa.string()
        }
        kinds = _kinds(self._plan, text)
        return _Layout(
            msgspec.json.Decoder(_document(kinds[0], self._path), float_hook=Number),
            msgspec.json.Decoder(_document(msgspec.Raw, self._path)),
            msgspec.json.Decoder(list[kinds[0]], float_hook=Number),  # type: ignore[valid-type]  # made here
            _steps(kinds, self._plan),
            tuple(targets),
        )


def compile_structs(records: Records, paths: Sequence[Path]) -> Structs | None:
    """The reader of ``paths``, or None if one is not of plain members."""
    plan = route(paths)
    inner = {0, *(parent for parent, _ in plan.steps)}
    if any(place is None or place in inner for place in plan.places):
        return None
    keys = compile_path(records.path).keys if records.path is not None else ()
    names = [*(keys if keys is not None else (0,)), *(key for _, key in plan.steps)]
    if not all(isinstance(name, str) for name in names):
        return None
    try:
        return Structs(plan, records)
    except ValueError:
        # Some names, such as one with a quote, cannot be those of a Struct.
        return None


def _kinds(plan: Route, text: set[int]) -> dict[int, Kind]:
    """The type of each column's values, from the last column on, as children follow parents."""
    members: dict[int, list[tuple[int, str]]] = defaultdict(list)
    for child, (parent, key) in enumerate(plan.steps, start=1):
        members[parent].append((child, str(key)))
    kinds: dict[int, Kind] = {}
    for place in range(len(plan.steps), -1, -1):
        inner = [(name, kinds[child]) for child, name in members[place]]
        kinds[place] = _struct(inner) if inner else str if place in text else Any
    return kinds


def _struct(members: list[tuple[str, Kind]]) -> Kind:
    # Not tracked by the collector: JSON has no cycles, and pages have many records.
    return msgspec.defstruct(
        "Members",
        [
            (
                f"f{position}",
                kind | None if kind is not Any else Any,
                msgspec.field(name=name, default=None),
            )
            for position, (name, kind) in enumerate(members)
        ],
        gc=False,
    )


def _steps(kinds: dict[int, Kind], plan: Route) -> tuple[tuple[int, Getter, object], ...]:
    members: dict[int, int] = defaultdict(int)
    steps = []
    for parent, _ in plan.steps:
        steps.append((parent, _getter(members[parent], may_lack=parent > 0), kinds[parent]()))
        members[parent] += 1
    return tuple(steps)


@lru_cache(maxsize=512)
def _getter(position: int, *, may_lack: bool) -> Getter:
    """Reads an attribute of a column of Structs, some of which may be absent if ``may_lack``.

    It is generated, because an attribute in the source is read twice as fast as one that a variable
    names. The source contains no input but a number.
    """
    parent = "(parent or empty)" if may_lack else "parent"
    source = f"lambda column, empty: [{parent}.f{position:d} for parent in column]"
    return cast("Getter", eval(source, {}))  # noqa: S307 - see above


def _document(record: Kind, path: str | None) -> Kind:
    """The type of a page: the array itself, or the objects around it."""
    array = list[record]
    if path is None:
        places = [(name, array | None, None) for name in CONTAINERS]
        return array | msgspec.defstruct("Containers", places)
    kind: Kind = array | None
    for key in reversed(compile_path(path).keys or ()):
        kind = _struct([(str(key), kind)]) | None
    return kind


def _array(column: Column, target: pa.DataType | None) -> Values:
    try:
        return column if target is None else pa.array(column, target)
    except UNLIKE:
        return column


def _arrays(raws: Sequence[bytes], size: int) -> Iterator[bytes]:
    """The records as JSON arrays of ``size`` records each."""
    for first in range(0, len(raws), size):
        yield b"[" + b",".join(raws[first : first + size]) + b"]"
