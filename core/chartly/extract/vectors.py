"""Whole columns at once, for values in their common, unquestionable form.

Each function takes what it is sure of and leaves the other rows, which are then looked at one value
at a time: there is one set of rules, and these are not it.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from chartly.extract.instants import FIRST_YEAR, last_year
from chartly.extract.moments import EPOCH, NANOSECONDS
from chartly.extract.values import Values, Vector, already, exactly, instant_type, where

_YEAR = r"(190[1-9]|19[1-9][0-9]|2[01][0-9]{2}|22[0-8][0-9]|229[0-8])"
# So long before the last year of nanoseconds that no offset leads beyond it.
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
"""A function that tries a whole column; None when it can say nothing about any row."""


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
    done = already(values, pa.int64())
    text = spelled(values) if done is None else None
    return done if text is None else _matching(text, _INTEGER, pa.int64())


def booleans(values: Values) -> Vector | None:
    """A column of true and false; words for them are not looked at."""
    return already(values, pa.bool_())


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
        text = where(text, pc.match_substring_regex(text.array, _EARLY))
    form = rf"^{_DAY}T{_CLOCK}(\.[0-9]{{1,{digits}}})?{_OFFSET}$"
    return _matching(text, form, instant_type(digits))


def dates(values: Values) -> Vector | None:
    """A date32 column, from text such as ``2026-02-02``."""
    text = texts(values)
    return None if text is None else _matching(text, _DATE, pa.date32())


def texts(values: Values) -> Vector | None:
    """A text column; numbers with a fraction are text here, as they were sent."""
    if isinstance(values, pa.Array):
        return already(values, pa.string())
    return exactly(values, pa.string(), lambda value: isinstance(value, str))


def changed(values: Values, change: Callable[[pa.Array], pa.Array]) -> Vector | None:
    """A text column after ``change``, which knows ASCII alone."""
    text = texts(values)
    if text is None:
        return None
    plain = pc.string_is_ascii(text.array)
    return where(Vector(change(text.array), text.odd), plain)


def trimmed(column: pa.Array) -> pa.Array:
    """ASCII text without what Python calls white space at both ends."""
    return pc.ascii_trim(column, characters=_ASCII_SPACE)


def spelled(values: Values) -> Vector | None:
    """A text column, with whole numbers as their digits."""
    whole = already(values, pa.int64())
    if whole is not None:
        return Vector(pc.cast(whole.array, pa.string()), [])
    if isinstance(values, pa.Array):
        return texts(values)
    return texts([str(one) if type(one) is int else one for one in values])


def _zulu(text: Vector, digits: int) -> Vector | None:
    """The instants of a column that ends in Z throughout, where a cast alone is strict enough.

    Text of such a length that ends so is for Arrow either RFC 3339 or nothing.
    """
    lengths = pc.min_max(pc.binary_length(text.array)).as_py()
    shortest = len("2026-02-02T12:00:00Z")
    if text.odd or not _lies(lengths, shortest, shortest + len(".") + digits):
        return None
    if not pc.all(pc.ends_with(text.array, "Z")).as_py():
        return None
    try:
        moments = pc.cast(text.array, instant_type(digits))
    except pa.ArrowInvalid:
        return None
    span = pc.min_max(pc.cast(moments, pa.int64())).as_py()
    return Vector(moments, []) if _lies(span, *_bounds(digits)) else None


def _bounds(digits: int) -> tuple[int, int]:
    """The first and the last instant, in their unit."""
    first, behind = (
        (datetime(year, 1, 1, tzinfo=UTC) - EPOCH) // timedelta(seconds=1) * 10**digits
        for year in (FIRST_YEAR, last_year(digits) + 1)
    )
    return first, behind - 1


def _lies(span: dict[str, int | None], least: int, most: int) -> bool:
    low, high = span["min"], span["max"]
    return low is not None and high is not None and least <= low <= high <= most


def _matching(text: Vector, form: str, target: pa.DataType) -> Vector:
    sure = where(text, pc.match_substring_regex(text.array, form))
    return Vector(pc.cast(sure.array, target), sure.odd)


def _rescaled(array: pa.Array, target: pa.Decimal128Type) -> Vector:
    """Decimals with other digits, where nothing of them is lost."""
    try:
        return Vector(pc.cast(array, target), [])
    except pa.ArrowInvalid:
        sure = pc.and_kleene(_whole_fits(array, target), _fraction_fits(array, target))
    kept = where(Vector(array, []), sure)
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
