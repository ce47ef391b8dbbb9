"""Declared column types: one small grammar for storage columns and analytics outputs."""

import re
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, Field

INSTANT_UNITS = {3: "millisecond", 6: "microsecond", 9: "nanosecond"}
"""The unit of the last digit, by the number of digits after the second."""
INSTANT_DIGITS = 6
"""The digits of a ``Timestamp`` without a number."""
_TIMESTAMPS = {
    "Timestamp": INSTANT_DIGITS,
    **{f"Timestamp({digits})": digits for digits in INSTANT_UNITS},
}
COLUMN_TYPES = (
    "String, LowCardinality(String), Bool, Int64, UInt64, Date, Timestamp, Timestamp(3), "
    "Timestamp(6), Timestamp(9), Decimal(precision,scale)"
)
PLAIN = (
    *("String", "LowCardinality(String)", "Bool", "Int64", "UInt64", "Date"),
    *_TIMESTAMPS,
)
DECIMAL = r"Decimal\(\s*([0-9]{1,2})\s*,\s*([0-9]{1,2})\s*\)"
_DECIMAL = re.compile(DECIMAL, re.ASCII)
MAX_PRECISION = 38
COLUMN_MESSAGE = f"must be one of {COLUMN_TYPES}"
DECIMAL_MESSAGE = (
    f"a Decimal has a precision of 1 to {MAX_PRECISION} and a scale up to its precision"
)


@dataclass(frozen=True)
class ColumnType:
    """A column's type.

    Attributes:
        precision: the digits of a Decimal, or those of a Timestamp after the second: an
            instant is stored as ``DateTime64(precision, 'UTC')``.
        scale: the digits of a Decimal after the point.
    """

    name: str
    precision: int = 0
    scale: int = 0

    def __str__(self) -> str:
        if self.name == "Decimal":
            return f"Decimal({self.precision},{self.scale})"
        if self.is_instant and self.precision != INSTANT_DIGITS:
            return f"Timestamp({self.precision})"
        return self.name

    @property
    def is_instant(self) -> bool:
        return self.name == "Timestamp"


STRING = ColumnType("String")
NUMBER = ColumnType("Decimal", MAX_PRECISION, 9)
INTEGER = ColumnType("Int64")
BOOLEAN = ColumnType("Bool")
TIMESTAMP = ColumnType("Timestamp", INSTANT_DIGITS)


def parse_column_type(text: str) -> ColumnType:
    """Parses a declared type.

    Raises:
        ValueError: the text is no type; the message lists the allowed ones.
    """
    if text in _TIMESTAMPS:
        return ColumnType("Timestamp", _TIMESTAMPS[text])
    if text in PLAIN:
        return ColumnType(text)
    decimal = _DECIMAL.fullmatch(text)
    if decimal is None:
        raise ValueError(COLUMN_MESSAGE)
    precision, scale = int(decimal[1]), int(decimal[2])
    if not 1 <= precision <= MAX_PRECISION or scale > precision:
        raise ValueError(DECIMAL_MESSAGE)
    return ColumnType("Decimal", precision, scale)


def _checked_type(text: str) -> str:
    parse_column_type(text)
    return text


ColumnTypeText = Annotated[str, Field(max_length=64), AfterValidator(_checked_type)]
