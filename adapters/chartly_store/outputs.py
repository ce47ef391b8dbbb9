"""Casts computed columns to the types of their table; a value that does not fit is an error."""

import re
from collections.abc import Mapping

import pyarrow as pa

from chartly.api.columns import MAX_PRECISION, TIMESTAMP, parse_column_type
from chartly.api.place import Place
from chartly.extract.storable import arrow_type
from chartly.load.sql import bare
from chartly.query.ticks import digits_of

_NUMBERS = {
    "Bool": pa.bool_(),
    "Float64": pa.float64(),
    "Float32": pa.float64(),
    **{f"Int{bits}": getattr(pa, f"int{bits}")() for bits in (8, 16, 32, 64)},
    **{f"UInt{bits}": getattr(pa, f"uint{bits}")() for bits in (8, 16, 32, 64)},
}
_INSTANTS = {
    digits: pa.timestamp(unit, tz="UTC")
    for digits, unit in ((0, "s"), (3, "ms"), (6, "us"), (9, "ns"))
}
_DECIMAL = re.compile(r"Decimal\(\s*([0-9]+)\s*,\s*([0-9]+)\s*\)")
_TYPE_DIGITS = re.compile(r"[0-9](?=, 'UTC'\))")
_WIDE = re.compile(r"Decimal\(76,")


def check_types(empty: pa.Table, declared: Mapping[str, str], where: Place) -> None:
    """Raises unless the types of a query's result can be cast to the declared ones.

    Args:
        empty: the result over no rows.
        declared: the profile's type of each column.

    Raises:
        SpecError: a column never can be cast.
    """
    for name, kind in declared.items():
        column, target = empty.column(name), arrow_type(parse_column_type(kind))
        try:
            column.cast(target)
            fits = not _is_text(column.type) or _is_text(target)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            fits = False
        if not fits:
            raise where.refusal(
                f"column {name!r} gives {column.type}, which never becomes {kind} as "
                f"outputs.columns declares"
            )


def _is_text(kind: pa.DataType) -> bool:
    return any(
        is_kind(kind)
        for is_kind in (pa.types.is_string, pa.types.is_large_string, pa.types.is_binary)
    )


def kept_instants(
    given: Mapping[str, str], stored: Mapping[str, str], declared: Mapping[str, str]
) -> dict[str, str]:
    """The instants of a stored output that keep their digits, by column.

    Args:
        given: the engine's types of the query's result.
        stored: the engine's types of the table.
        declared: the profile's types; one that names its digits decides.
    """
    return {
        name: kind
        for name, kind in stored.items()
        if name in given
        and declared.get(name, TIMESTAMP.name) == TIMESTAMP.name
        and digits_of(kind) in _INSTANTS
        and digits_of(given[name]) is not None
        and _TYPE_DIGITS.sub("", kind) == _TYPE_DIGITS.sub("", given[name])
    }


def instant_array_type(kind: str) -> pa.DataType:
    """The Arrow type of an engine's instants."""
    return _INSTANTS[digits_of(kind) or 0]


def is_wide(kind: str) -> bool:
    """Whether a column of the engine's type was computed with 76 digits, or holds such values."""
    return _WIDE.search(kind) is not None


def narrowed(column: pa.ChunkedArray, kind: str) -> pa.ChunkedArray:
    """Casts a column of 76 digits to the engine's type of its output column.

    Raises:
        pa.ArrowInvalid: a value does not fit, or the type is not numeric.
    """
    target = bare(kind)
    decimal = _DECIMAL.fullmatch(target)
    if decimal is not None and int(decimal[1]) <= MAX_PRECISION:
        return column.cast(pa.decimal128(int(decimal[1]), int(decimal[2])))
    if decimal is not None:
        return column
    if target not in _NUMBERS or not pa.types.is_decimal(column.type):
        raise pa.ArrowInvalid(f"computed numbers have no exact place in {kind}; use CAST")
    return column.cast(_NUMBERS[target])
