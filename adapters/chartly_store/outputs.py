"""Computed columns in the types in which they are stored; what does not fit is an error."""

import re
from collections.abc import Mapping

import pyarrow as pa

from chartly.api.columns import MAX_PRECISION, TIMESTAMP, parse_column_type
from chartly.api.place import Place
from chartly.extract.storable import arrow_type
from chartly.load.sql import bare
from chartly.query.ticks import digits_of

_PLAIN = {
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
            raise where.refusal(
                f"column {name!r} gives {column.type}, which never becomes {kind} as "
                f"outputs.columns declares"
            )


def _is_text(kind: pa.DataType) -> bool:
    return any(
        is_it(kind) for is_it in (pa.types.is_string, pa.types.is_large_string, pa.types.is_binary)
    )


def kept_instants(
    given: Mapping[str, str], stored: Mapping[str, str], declared: Mapping[str, str]
) -> dict[str, str]:
    """The instants of a stored output that keep their digits, by column.

    Args:
        given: the engine's types that the query gives.
        stored: those that the table has.
        declared: those of the profile; one that names its digits is meant so.
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
