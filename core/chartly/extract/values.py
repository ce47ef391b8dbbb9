"""The values of a column on their way to their stored type, as a list or an Arrow array."""

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
"""The values of a column; an Arrow array if all are of exactly its type, or null."""

_UNITS = {3: "ms", 6: "us", 9: "ns"}
_INSTANTS = {digits: pa.timestamp(unit, tz="UTC") for digits, unit in _UNITS.items()}
_NANOSECONDS = _INSTANTS[NANOSECONDS]
UNLIKE = (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError)
"""The errors that Arrow raises for a value of another type."""

_TYPES: dict[type, pa.DataType] = {
    str: pa.string(),
    int: pa.int64(),
    bool: pa.bool_(),
    datetime: _INSTANTS[6],
    NanoInstant: _NANOSECONDS,
}


@dataclass(frozen=True)
class Vector:
    """The values of a column that need no check of their own.

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
        UNLIKE: a value is of another type.
    """
    if target != _NANOSECONDS:
        return pa.array(values, target)
    if {*map(type, values)} - {NanoInstant, NoneType}:
        raise pa.ArrowTypeError("nanoseconds were expected")
    counts = [value.count if isinstance(value, NanoInstant) else None for value in values]
    return pa.array(counts, pa.int64()).cast(target)


def listed(values: Values) -> list[object]:
    """The column as Python values."""
    if not isinstance(values, pa.Array):
        return values
    if values.type != _NANOSECONDS:
        return list(values.to_pylist())
    # Arrow converts nanoseconds to Python values only with pandas.
    counts = values.cast(pa.int64()).to_pylist()
    return [None if count is None else NanoInstant(count) for count in counts]


def taken(values: Values, rows: list[int]) -> list[object]:
    """The values of some rows."""
    if isinstance(values, pa.Array):
        return listed(values.take(pa.array(rows, pa.int64())))
    return [values[row] for row in rows]


def packed(values: list[object]) -> Values:
    """The column as an Arrow array, if its values are of a single type that Arrow has."""
    target = type_of(values)
    try:
        return values if target is None else array_of(values, target)
    except OverflowError:
        return values


def type_of(values: list[object]) -> pa.DataType | None:
    """The Arrow type of values that are all of one Python type; nulls have any type."""
    kinds = {*map(type, values)} - {type(None)}
    return _TYPES.get(kinds.pop() if kinds else str) if len(kinds) <= 1 else None


def joined(parts: Sequence[Values]) -> Values:
    """The columns of several pages as one."""
    arrays = [part for part in parts if isinstance(part, pa.Array)]
    if arrays and len(arrays) == len(parts):
        kinds = {array.type for array in arrays if array.null_count < len(array)} or {pa.string()}
        if len(kinds) == 1:
            (kind,) = kinds
            return pa.concat_arrays(
                [array if array.type == kind else pa.nulls(len(array), kind) for array in arrays]
            )
    return list(chain(*map(listed, parts)))


def typed_vector(values: Values, kind: pa.DataType) -> Vector | None:
    """The column unchanged, if it is an array of that type."""
    return Vector(values, []) if isinstance(values, pa.Array) and values.type == kind else None


def exact_vector(
    values: list[object], target: pa.DataType, fits: Callable[[object], bool]
) -> Vector:
    """The values that are of type ``target`` without conversion, decided one by one by ``fits``."""
    try:
        return Vector(pa.array(values, target), [])
    except UNLIKE:
        return picked_vector(values, target, fits)


def picked_vector(
    values: list[object], target: pa.DataType, fits: Callable[[object], bool]
) -> Vector:
    """The values that fit, where Arrow would accept others too."""
    odd = [row for row, value in enumerate(values) if value is not None and not fits(value)]
    kept = list(values)
    for row in odd:
        kept[row] = None
    return Vector(pa.array(kept, target), odd)


def narrowed(vector: Vector, certain: pa.Array) -> Vector:
    """The vector without the rows for which ``certain`` is false."""
    if pc.all(certain, min_count=0).as_py():
        return vector
    odd = pc.indices_nonzero(pc.invert(certain)).to_pylist()
    null = pa.scalar(None, vector.array.type)
    return Vector(pc.if_else(certain, vector.array, null), sorted({*vector.odd, *odd}))


def completed(vector: Vector, results: list[object]) -> Values:
    """The column with the results of its odd rows, of any type."""
    if not vector.odd:
        return vector.array
    others = _unchanged_array(results, vector.array.type)
    if others is None:
        values = listed(vector.array)
        for row, result in zip(vector.odd, results, strict=True):
            values[row] = result
        return values
    places = np.zeros(len(vector.array), dtype=bool)
    places[vector.odd] = True
    return pc.replace_with_mask(vector.array, pa.array(places), others)


def _unchanged_array(results: list[object], target: pa.DataType) -> pa.Array | None:
    """The results as an array, if all of them keep their Python type in it."""
    try:
        array = array_of(results, target)
    except UNLIKE:
        return None
    pairs = zip(listed(array), results, strict=True)
    return array if all(type(stored) is type(result) for stored, result in pairs) else None
