"""Computed columns in the types in which they are stored; what does not fit is an error."""

import re

import pyarrow as pa

from chartly.api.columns import MAX_PRECISION
from chartly.load.sql import bare

_PLAIN = {
    "Bool": pa.bool_(),
    "Float64": pa.float64(),
    "Float32": pa.float64(),
    **{f"Int{bits}": getattr(pa, f"int{bits}")() for bits in (8, 16, 32, 64)},
    **{f"UInt{bits}": getattr(pa, f"uint{bits}")() for bits in (8, 16, 32, 64)},
}
_DECIMAL = re.compile(r"Decimal\(\s*([0-9]+)\s*,\s*([0-9]+)\s*\)")
_WIDE = re.compile(r"Decimal\(76,")


def is_wide(kind: str) -> bool:
    """Whether a column of the engine's type was computed in 76 digits, or holds such values."""
    return _WIDE.search(kind) is not None


def narrowed(column: pa.ChunkedArray, kind: str) -> pa.ChunkedArray:
    """A column of 76 digits in the engine's type of its place.

    Raises:
        pa.ArrowInvalid: a value does not fit, or the type is none of numbers.
    """
    plain = bare(kind)
    decimal = _DECIMAL.fullmatch(plain)
    if decimal is not None and int(decimal[1]) <= MAX_PRECISION:
        return column.cast(pa.decimal128(int(decimal[1]), int(decimal[2])))
    if decimal is not None:
        return column
    if plain not in _PLAIN or not pa.types.is_decimal(column.type):
        raise pa.ArrowInvalid(f"computed numbers have no exact place in {kind}; use CAST")
    return column.cast(_PLAIN[plain])
