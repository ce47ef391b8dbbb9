"""Declared column types: one small grammar for storage columns and analytics outputs."""

import re
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator

COLUMN_TYPES = (
    "String, LowCardinality(String), Bool, Int64, UInt64, Date, Timestamp, Decimal(precision,scale)"
)
_PLAIN = ("String", "LowCardinality(String)", "Bool", "Int64", "UInt64", "Date", "Timestamp")
_DECIMAL = re.compile(r"Decimal\(\s*([0-9]{1,2})\s*,\s*([0-9]{1,2})\s*\)")
MAX_PRECISION = 38


@dataclass(frozen=True)
class ColumnType:
    """A column's type; precision and scale are set for Decimal only.

    ``Timestamp`` is an instant with milliseconds, stored as DateTime64(3,'UTC').
    """

    name: str
    precision: int = 0
    scale: int = 0

    def __str__(self) -> str:
        if self.name == "Decimal":
            return f"Decimal({self.precision},{self.scale})"
        return self.name


STRING = ColumnType("String")
NUMBER = ColumnType("Decimal", MAX_PRECISION, 9)
INTEGER = ColumnType("Int64")
BOOLEAN = ColumnType("Bool")
TIMESTAMP = ColumnType("Timestamp")


def parse_column_type(text: str) -> ColumnType:
    """A declared type.

    Raises:
        ValueError: with the types that are allowed.
    """
    if text in _PLAIN:
        return ColumnType(text)
    found = _DECIMAL.fullmatch(text)
    if found is None:
        raise ValueError(f"must be one of {COLUMN_TYPES}")
    precision, scale = int(found[1]), int(found[2])
    if not 1 <= precision <= MAX_PRECISION or scale > precision:
        raise ValueError("a Decimal has a precision of 1 to 38 and a scale up to its precision")
    return ColumnType("Decimal", precision, scale)


def _declared(text: str) -> str:
    parse_column_type(text)
    return text


ColumnTypeText = Annotated[str, AfterValidator(_declared)]
