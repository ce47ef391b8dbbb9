"""A column on its way: its values, and what is known of them without looking at each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from types import NoneType
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from chartly.extract.moments import NANOSECONDS, NanoInstant

Values: TypeAlias = "list[object] | pa.Array"
"""The values of a column; an Arrow array where all are of its very type, or null."""

_UNITS = {3: "ms", 6: "us", 9: "ns"}
_INSTANTS = {digits: pa.timestamp(unit, tz="UTC") for digits, unit in _UNITS.items()}
_NANOSECONDS = _INSTANTS[NANOSECONDS]
UNLIKE = (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError)
"""What Arrow raises when a value is not of the type that is asked for."""

_TYPES: dict[type, pa.DataType] = {
    str: pa.string(),
    int: pa.int64(),
    bool: pa.bool_(),
    datetime: _INSTANTS[6],
    NanoInstant: _NANOSECONDS,
}


@dataclass(frozen=True)
class Vector:
    """A column's values as far as they are beyond question.

    Attributes:
        array: null in the rows of ``odd``.
        odd: the other rows, in order.
    """

    array: pa.Array
    odd: list[int]


def instant_type(digits: int) -> pa.DataType:
    """The Arrow type of instants with so many digits behind the second."""
    return _INSTANTS[digits]


def array_of(values: list[object], target: pa.DataType) -> pa.Array:
    """The values as an array.

    Raises:
        one of UNLIKE: a value is of another type.
    """
    if target != _NANOSECONDS:
        return pa.array(values, target)
    if {*map(type, values)} - {NanoInstant, NoneType}:
        raise pa.ArrowTypeError("nanoseconds were expected")
    counts = [one.count if isinstance(one, NanoInstant) else None for one in values]
    return pa.array(counts, pa.int64()).cast(target)


def listed(values: Values) -> list[object]:
    """The column as Python values."""
    if not isinstance(values, pa.Array):
        return values
    if values.type != _NANOSECONDS:
        return list(values.to_pylist())
    # Arrow has no value of Python's for a nanosecond without pandas.
    counts = values.cast(pa.int64()).to_pylist()
    return [None if count is None else NanoInstant(count) for count in counts]


def taken(values: Values, rows: list[int]) -> list[object]:
    """The values of some rows."""
    if isinstance(values, pa.Array):
        return listed(values.take(pa.array(rows, pa.int64())))
    return [values[row] for row in rows]


def packed(values: list[object]) -> Values:
    """The column as an Arrow array, if its values are of one type that has one."""
    target = type_of(values)
    try:
        return values if target is None else array_of(values, target)
    except OverflowError:
        return values


def type_of(values: list[object]) -> pa.DataType | None:
    """The Arrow type that says the same as the one type of all values; nulls have any."""
    kinds = {*map(type, values)} - {type(None)}
    return _TYPES.get(kinds.pop() if kinds else str) if len(kinds) <= 1 else None


def joined(parts: Sequence[Values]) -> Values:
    """The columns of several pages as one."""
    arrays = [part for part in parts if isinstance(part, pa.Array)]
    if arrays and len(arrays) == len(parts):
        kinds = {one.type for one in arrays if one.null_count < len(one)} or {pa.string()}
        if len(kinds) == 1:
            (kind,) = kinds
            return pa.concat_arrays(
                [one if one.type == kind else pa.nulls(len(one), kind) for one in arrays]
            )
    return list(chain(*map(listed, parts)))


def already(values: Values, kind: pa.DataType) -> Vector | None:
    """The column as it is, if it is an array of that type."""
    return Vector(values, []) if isinstance(values, pa.Array) and values.type == kind else None


def exactly(values: list[object], target: pa.DataType, fits: Callable[[object], bool]) -> Vector:
    """The values that are of ``target`` without any conversion, which ``fits`` tells of each."""
    try:
        return Vector(pa.array(values, target), [])
    except UNLIKE:
        return picked(values, target, fits)


def picked(values: list[object], target: pa.DataType, fits: Callable[[object], bool]) -> Vector:
    """The values that fit, where Arrow would take others too."""
    odd = [row for row, one in enumerate(values) if one is not None and not fits(one)]
    kept = list(values)
    for row in odd:
        kept[row] = None
    return Vector(pa.array(kept, target), odd)


def where(vector: Vector, sure: pa.Array) -> Vector:
    """The vector without the rows for which ``sure`` is false."""
    if pc.all(sure, min_count=0).as_py():
        return vector
    odd = pc.indices_nonzero(pc.invert(sure)).to_pylist()
    nothing = pa.scalar(None, vector.array.type)
    return Vector(pc.if_else(sure, vector.array, nothing), sorted({*vector.odd, *odd}))


def completed(vector: Vector, results: list[object]) -> Values:
    """The column with what its odd rows have become, whatever type that is."""
    if not vector.odd:
        return vector.array
    others = _same(results, vector.array.type)
    if others is None:
        values = listed(vector.array)
        for row, result in zip(vector.odd, results, strict=True):
            values[row] = result
        return values
    places = np.zeros(len(vector.array), dtype=bool)
    places[vector.odd] = True
    return pc.replace_with_mask(vector.array, pa.array(places), others)


def _same(results: list[object], target: pa.DataType) -> pa.Array | None:
    """The results as an array, if each comes out of it as it went in."""
    try:
        array = array_of(results, target)
    except UNLIKE:
        return None
    same = map(lambda one, other: type(one) is type(other), listed(array), results)
    return array if all(same) else None
