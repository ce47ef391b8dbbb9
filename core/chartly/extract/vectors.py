"""Conversions of whole columns, for values in their common, unambiguous form.

Each function converts the rows that it is certain of and leaves the others, which are then
converted value by value: the rules are those of single values.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from chartly.extract.instants import FIRST_YEAR, last_year
from chartly.extract.moments import EPOCH, NANOSECONDS
from chartly.extract.values import (
    Values,
    Vector,
    exact_vector,
    instant_type,
    narrowed,
    typed_vector,
)

_YEAR = r"(190[1-9]|19[1-9][0-9]|2[01][0-9]{2}|22[0-8][0-9]|229[0-8])"
# Early enough before the last year of nanoseconds that no offset leads beyond it.
_EARLY = "^(19|2[01]|22[0-5])"
_LEAP = r"((19|2[0-2])(0[48]|[2468][048]|[13579][26])|2000)"
_DAY = (
    rf"({_YEAR}-((0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])"
    rf"|(0[13-9]|1[0-2])-(29|30)|(0[13578]|1[02])-31)|{_LEAP}-02-29)"
)
_CLOCK = r"([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
_OFFSET = r"(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"
_DATE = rf"^{_DAY}$"
_INTEGER = r"^-?[0-9]{1,18}$"
_ASCII_SPACE = " \t\n\r\v\f\x1c\x1d\x1e\x1f"

Attempt: TypeAlias = Callable[[Values], Vector | None]
"""A function that tries a whole column; it returns None if it can convert no row."""


def decimals(values: Values, precision: int, scale: int) -> Vector | None:
    """A decimal128 column, from text, JSON numbers, or decimals of another scale."""
    target = pa.decimal128(precision, scale)
    if isinstance(values, pa.Array) and pa.types.is_decimal(values.type):
        return _rescaled(values, target)
    text = spelled(values)
    whole = precision - scale
    if text is None or not whole:
        return None
    fraction = rf"(\.[0-9]{{1,{scale}}})?" if scale else ""
    return _matching(text, rf"^-?[0-9]{{1,{whole}}}{fraction}$", target)


def integers(values: Values) -> Vector | None:
    """An int64 column, from whole numbers or their digits."""
    whole = typed_vector(values, pa.int64())
    text = spelled(values) if whole is None else None
    return whole if text is None else _matching(text, _INTEGER, pa.int64())


def booleans(values: Values) -> Vector | None:
    """A column of true and false; words for them are left to single values."""
    return typed_vector(values, pa.bool_())


def instants(values: Values, digits: int) -> Vector | None:
    """A timestamp column in UTC, from RFC 3339 with an offset.

    Args:
        digits: of its unit, behind the second.
    """
    if isinstance(values, pa.Array) and pa.types.is_timestamp(values.type):
        return Vector(pc.cast(values, instant_type(digits)), [])
    text = texts(values)
    if text is None:
        return None
    zulu = _zulu(text, digits)
    if zulu is not None:
        return zulu
    if digits == NANOSECONDS:
        text = narrowed(text, pc.match_substring_regex(text.array, _EARLY))
    form = rf"^{_DAY}T{_CLOCK}(\.[0-9]{{1,{digits}}})?{_OFFSET}$"
    return _matching(text, form, instant_type(digits))


def dates(values: Values) -> Vector | None:
    """A date32 column, from text such as ``2026-02-02``."""
    text = texts(values)
    return None if text is None else _matching(text, _DATE, pa.date32())


def texts(values: Values) -> Vector | None:
    """A text column; numbers with a fraction are text here, as they were sent."""
    if isinstance(values, pa.Array):
        return typed_vector(values, pa.string())
    return exact_vector(values, pa.string(), lambda value: isinstance(value, str))


def changed(values: Values, change: Callable[[pa.Array], pa.Array]) -> Vector | None:
    """A text column after ``change``, which is correct for ASCII alone."""
    text = texts(values)
    if text is None:
        return None
    is_ascii = pc.string_is_ascii(text.array)
    return narrowed(Vector(change(text.array), text.odd), is_ascii)


def trimmed(column: pa.Array) -> pa.Array:
    """ASCII text without Python's white space at both ends."""
    return pc.ascii_trim(column, characters=_ASCII_SPACE)


def spelled(values: Values) -> Vector | None:
    """A text column, with whole numbers as their digits."""
    whole = typed_vector(values, pa.int64())
    if whole is not None:
        return Vector(pc.cast(whole.array, pa.string()), [])
    if isinstance(values, pa.Array):
        return texts(values)
    return texts([str(value) if type(value) is int else value for value in values])


def _zulu(text: Vector, digits: int) -> Vector | None:
    """The instants of a column whose texts all end in Z, where a cast alone is strict enough.

    Arrow parses text of such a length and end as RFC 3339 or refuses it.
    """
    lengths = pc.min_max(pc.binary_length(text.array)).as_py()
    shortest = len("2026-02-02T12:00:00Z")
    if text.odd or not _is_within(lengths, shortest, shortest + len(".") + digits):
        return None
    if not pc.all(pc.ends_with(text.array, "Z")).as_py():
        return None
    try:
        moments = pc.cast(text.array, instant_type(digits))
    except pa.ArrowInvalid:
        return None
    span = pc.min_max(pc.cast(moments, pa.int64())).as_py()
    return Vector(moments, []) if _is_within(span, *_bounds(digits)) else None


def _bounds(digits: int) -> tuple[int, int]:
    """The first and the last instant, in their unit."""
    first, end = (
        (datetime(year, 1, 1, tzinfo=UTC) - EPOCH) // timedelta(seconds=1) * 10**digits
        for year in (FIRST_YEAR, last_year(digits) + 1)
    )
    return first, end - 1


def _is_within(span: dict[str, int | None], least: int, most: int) -> bool:
    low, high = span["min"], span["max"]
    return low is not None and high is not None and least <= low <= high <= most


def _matching(text: Vector, form: str, target: pa.DataType) -> Vector:
    certain = narrowed(text, pc.match_substring_regex(text.array, form))
    return Vector(pc.cast(certain.array, target), certain.odd)


def _rescaled(array: pa.Array, target: pa.Decimal128Type) -> Vector:
    """Decimals of another precision and scale, without loss."""
    try:
        return Vector(pc.cast(array, target), [])
    except pa.ArrowInvalid:
        fits = pc.and_kleene(_whole_fits(array, target), _fraction_fits(array, target))
    kept = narrowed(Vector(array, []), fits)
    return Vector(pc.cast(kept.array, target), kept.odd)


def _whole_fits(array: pa.Array, target: pa.Decimal128Type) -> pa.Array:
    whole = target.precision - target.scale
    if whole >= array.type.precision - array.type.scale:
        return pa.scalar(value=True)
    limit = pa.scalar(Decimal(10) ** whole)
    return pc.and_(pc.less(array, limit), pc.greater(array, pc.negate(limit)))


def _fraction_fits(array: pa.Array, target: pa.Decimal128Type) -> pa.Array:
    if target.scale >= array.type.scale:
        return pa.scalar(value=True)
    cut = pc.cast(array, pa.decimal128(38, target.scale), safe=False)
    return pc.equal(pc.cast(cut, array.type), array)
