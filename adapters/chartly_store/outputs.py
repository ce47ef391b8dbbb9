"""Computed columns in the types in which they are stored; what does not fit is an error."""

import re
from collections.abc import Mapping

import pyarrow as pa

from chartly.api.columns import MAX_PRECISION, parse_column_type
from chartly.errors import SpecError
from chartly.extract.storable import arrow_type
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


def check_types(empty: pa.Table, declared: Mapping[str, str], where: str) -> None:
    """Whether the types that a query gives can become those that are declared, value by value.

    Args:
        empty: its result over no rows.
        declared: type by column, as a profile has it.

    Raises:
        SpecError: one never can.
    """
    for name, kind in declared.items():
        column, target = empty.column(name), arrow_type(parse_column_type(kind))
        try:
            column.cast(target)
            fits = not _is_text(column.type) or _is_text(target)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            fits = False
        if not fits:
            raise SpecError(
                f"{where}: column {name!r} gives {column.type}, which never becomes {kind} as "
                f"outputs.columns declares"
            )


def _is_text(kind: pa.DataType) -> bool:
    return any(
        is_it(kind) for is_it in (pa.types.is_string, pa.types.is_large_string, pa.types.is_binary)
    )


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
