"""Values in the types that their columns declare; a value that does not fit is refused."""

import re
from collections.abc import Callable
from datetime import date, datetime, time
from functools import partial

import pyarrow as pa
import pyarrow.compute as pc

from chartly.api.columns import ColumnType
from chartly.extract.decimals import to_decimal
from chartly.extract.instants import to_instant
from chartly.extract.records import Number
from chartly.extract.reject import BadValueError, RejectReason
from chartly.extract.transforms import INT64, Convert
from chartly.extract.values import (
    Values,
    Vector,
    exact_vector,
    instant_type,
    narrowed,
    picked_vector,
    typed_vector,
)
from chartly.extract.vectors import Attempt, booleans, dates, decimals, instants

_DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_UINT64 = (0, (1 << 64) - 1)

ARROW_TYPES: dict[str, Callable[[ColumnType], pa.DataType]] = {
    "String": lambda _: pa.string(),
    "LowCardinality(String)": lambda _: pa.string(),
    "Bool": lambda _: pa.bool_(),
    "Int64": lambda _: pa.int64(),
    "UInt64": lambda _: pa.uint64(),
    "Date": lambda _: pa.date32(),
    "Timestamp": lambda kind: instant_type(kind.precision),
    "Decimal": lambda kind: pa.decimal128(kind.precision, kind.scale),
}


def arrow_type(kind: ColumnType) -> pa.DataType:
    """The Arrow type in which a column's values reach the store."""
    return ARROW_TYPES[kind.name](kind)


def strict(kind: ColumnType) -> Convert:
    """The function that returns a value of type ``kind`` and refuses others; it never coerces."""
    if kind.name == "Decimal":
        return partial(to_decimal, precision=kind.precision, scale=kind.scale)
    if kind.is_instant:
        return partial(to_instant, formats=(), zone=None, digits=kind.precision)
    return _STRICT[kind.name]


def strict_column(kind: ColumnType) -> Attempt:
    """The same for whole columns."""
    if kind.name == "Decimal":
        return partial(decimals, precision=kind.precision, scale=kind.scale)
    if kind.is_instant:
        return partial(instants, digits=kind.precision)
    return _COLUMNS[kind.name]


def _strict_text(value: object) -> str:
    if not isinstance(value, str) or isinstance(value, Number):
        raise BadValueError(RejectReason.TYPE_MISMATCH, "must be text; toString makes it so")
    return value


def _strict_bool(value: object) -> bool:
    if not isinstance(value, bool):
        raise BadValueError(RejectReason.NOT_A_BOOLEAN, "must be true or false")
    return value


def _strict_integer(value: object, bounds: tuple[int, int]) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise BadValueError(RejectReason.NOT_AN_INTEGER, "must be a whole number")
    if not bounds[0] <= value <= bounds[1]:
        raise BadValueError(
            RejectReason.NOT_AN_INTEGER, f"must lie between {bounds[0]} and {bounds[1]}"
        )
    return value


def _strict_date(value: object) -> date:
    if isinstance(value, datetime):
        if value.timetz().replace(tzinfo=None) != time():
            raise BadValueError(RejectReason.NOT_A_DATE, "must be midnight in UTC")
        return value.date()
    match = _DATE.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise BadValueError(RejectReason.NOT_A_DATE, "must be a date such as 2026-02-02")
    try:
        year, month, day = map(int, match.groups())
        day_value = date(year, month, day)
    except ValueError:
        raise BadValueError(RejectReason.NOT_A_DATE, "there is no such date") from None
    if not date(1900, 1, 1) <= day_value <= date(2299, 12, 31):
        raise BadValueError(RejectReason.NOT_A_DATE, "must lie between 1900 and 2299")
    return day_value


_STRICT: dict[str, Convert] = {
    "String": _strict_text,
    "LowCardinality(String)": _strict_text,
    "Bool": _strict_bool,
    "Int64": partial(_strict_integer, bounds=INT64),
    "UInt64": partial(_strict_integer, bounds=_UINT64),
    "Date": _strict_date,
}


def _texts(values: Values) -> Vector | None:
    if isinstance(values, pa.Array):
        return typed_vector(values, pa.string())
    # Arrow would accept a number with a fraction, which is a str too, as text.
    return picked_vector(values, pa.string(), lambda value: type(value) is str)


def _integers(values: Values, target: pa.DataType, bounds: tuple[int, int]) -> Vector | None:
    if not isinstance(values, pa.Array):
        return exact_vector(
            values, target, lambda value: type(value) is int and bounds[0] <= value <= bounds[1]
        )
    whole = typed_vector(values, pa.int64())
    if whole is None:
        return None
    certain = narrowed(whole, pc.greater_equal(whole.array, bounds[0]))
    return Vector(pc.cast(certain.array, target), certain.odd)


_COLUMNS: dict[str, Attempt] = {
    "String": _texts,
    "LowCardinality(String)": _texts,
    "Bool": booleans,
    "Int64": partial(_integers, target=pa.int64(), bounds=INT64),
    "UInt64": partial(_integers, target=pa.uint64(), bounds=_UINT64),
    "Date": dates,
}
