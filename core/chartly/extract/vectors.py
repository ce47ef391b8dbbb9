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
    texts = _texts(values)
    if texts is None:
        return None
    whole = precision - scale
    form = rf"^-?[0-9]{{1,{whole}}}(\.[0-9]{{1,{scale}}})?$" if scale and whole else r"^-?[0-9]+$"
    if not whole or not _all(pc.match_substring_regex(texts, form)):
        return None
    return pc.cast(texts, pa.decimal128(precision, scale))


def instants(values: list[object]) -> pa.Array | None:
    """A timestamp column in UTC milliseconds, or None when a value needs a closer look."""
    texts = _texts(values)
    if texts is None or not _all(pc.match_substring_regex(texts, _INSTANT)):
        return None
    try:
        moments = pc.cast(texts, pa.timestamp("ms", tz="UTC"))
    except pa.ArrowInvalid:
        return None
    bounds = pc.min_max(pc.cast(moments, pa.int64())).as_py()
    if bounds["min"] is not None and not _FIRST_MS <= bounds["min"] <= bounds["max"] <= _LAST_MS:
        return None
    return moments


def _texts(values: list[object]) -> pa.Array | None:
    try:
        return pa.array(values, pa.string())
    except (pa.ArrowInvalid, pa.ArrowTypeError, UnicodeEncodeError):
        return None


def _all(mask: pa.Array) -> bool:
    return bool(pc.all(mask, skip_nulls=True, min_count=0).as_py())
