"""Whole columns at once, for the two conversions that cost most.

Each takes a column only when every value has the common, unquestionable form; anything else is
left to the functions that look at one value at a time, so that there is one set of rules.
"""

import pyarrow as pa
import pyarrow.compute as pc

_INSTANT = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-5][0-9]:[0-5][0-9](\.[0-9]{1,3})?Z$"
_FIRST_MS = -2_208_988_800_000
_LAST_MS = 10_413_791_999_999


def decimals(values: list[object], precision: int, scale: int) -> pa.Array | None:
    """A decimal128 column, or None when a value needs a closer look."""
    column = texts(values)
    if column is None:
        return None
    whole = precision - scale
    form = rf"^-?[0-9]{{1,{whole}}}(\.[0-9]{{1,{scale}}})?$" if scale and whole else r"^-?[0-9]+$"
    if not whole or not _all(pc.match_substring_regex(column, form)):
        return None
    return pc.cast(column, pa.decimal128(precision, scale))


def instants(values: list[object]) -> pa.Array | None:
    """A timestamp column in UTC milliseconds, or None when a value needs a closer look."""
    column = texts(values)
    if column is None or not _all(pc.match_substring_regex(column, _INSTANT)):
        return None
    try:
        moments = pc.cast(column, pa.timestamp("ms", tz="UTC"))
    except pa.ArrowInvalid:
        return None
    bounds = pc.min_max(pc.cast(moments, pa.int64())).as_py()
    if bounds["min"] is not None and not _FIRST_MS <= bounds["min"] <= bounds["max"] <= _LAST_MS:
        return None
    return moments


def texts(values: list[object]) -> pa.Array | None:
    """A text column, or None when a value is no text."""
    try:
        return pa.array(values, pa.string())
    except (pa.ArrowInvalid, pa.ArrowTypeError, UnicodeEncodeError):
        return None


def _all(mask: pa.Array) -> bool:
    return bool(pc.all(mask, skip_nulls=True, min_count=0).as_py())


def are_short(column: pa.Array, limit: int) -> bool:
    """Whether a column is text without nulls, each of at most ``limit`` bytes."""
    if not pa.types.is_string(column.type) or column.null_count:
        return False
    return len(column) == 0 or bool(pc.max(pc.binary_length(column)).as_py() <= limit)
