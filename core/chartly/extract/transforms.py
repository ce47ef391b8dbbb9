"""One function per transform: it returns the new value, or raises ``BadValueError``.

A null stays null through every transform but ``default`` and ``const``.
"""

import hashlib
import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from functools import partial

from chartly.api import normalizer as api
from chartly.api.columns import INSTANT_DIGITS
from chartly.extract.canonical import canonical_json
from chartly.extract.decimals import decimal_text, to_decimal
from chartly.extract.instants import to_instant
from chartly.extract.moments import NanoInstant
from chartly.extract.records import Number
from chartly.extract.reject import BadValueError, RejectReason

Convert = Callable[[object], object]
INT64 = (-(1 << 63), (1 << 63) - 1)
_INTEGER = re.compile(r"[+-]?[0-9]{1,25}(\.0*)?")
_WITH_EXPONENT = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?[eE][+-]?[0-9]{1,5}")
_BOOLEANS = {
    **dict.fromkeys(("true", "yes", "1"), True),
    **dict.fromkeys(("false", "no", "0"), False),
}


def conversion(transform: api.Transform, digits: int = INSTANT_DIGITS) -> Convert:
    """The function of a transform that changes one value; ``drop`` and ``rename`` change none.

    Args:
        digits: those behind the second that an instant keeps.
    """
    convert = _conversion(transform, digits)
    if isinstance(transform, api.Default | api.Const):
        return convert
    return lambda value: None if value is None else convert(value)


def _conversion(transform: api.Transform, digits: int) -> Convert:  # noqa: PLR0911 - one return per transform
    match transform:
        case api.ToNumber():
            return partial(to_decimal, precision=38, scale=9)
        case api.ToDecimal():
            return partial(to_decimal, precision=transform.precision, scale=transform.scale)
        case api.ToUtcTimestamp():
            return partial(
                to_instant,
                formats=transform.formats,
                zone=transform.zone,
                excess=transform.excess,
                digits=digits,
            )
        case api.Default():
            return lambda value: transform.value if value is None else value
        case api.Const():
            return lambda _: transform.value
        case api.MapValues():
            return partial(_mapped, values=transform.values)
        case api.Drop() | api.Rename():
            return lambda value: value
        case api.Hash():
            return partial(_hashed, salt=transform.salt)
        case _:
            return _WITHOUT_SETTINGS[transform.op]


def to_int(value: object) -> int:
    """A whole number of 64 bits, from a number or its digits.

    Raises:
        BadValueError: it has a fraction, or is too large.
    """
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        raise BadValueError(RejectReason.NOT_AN_INTEGER, "must be a whole number")
    if isinstance(value, Number | Decimal) or _has_exponent(value):
        value = decimal_text(to_decimal(value, 38, 9))
    if isinstance(value, str):
        if _INTEGER.fullmatch(value) is None:
            raise BadValueError(RejectReason.NOT_AN_INTEGER, "must be a whole number")
        value = int(value.partition(".")[0])
    if not INT64[0] <= value <= INT64[1]:
        raise BadValueError(RejectReason.NOT_AN_INTEGER, "must fit 64 bits")
    return int(value)


def _has_exponent(value: object) -> bool:
    return isinstance(value, str) and _WITH_EXPONENT.fullmatch(value) is not None


def to_text(value: object) -> str:
    """The text of a value: digits as they were sent, objects as canonical JSON."""
    if isinstance(value, str):
        return str(value)
    if isinstance(value, Decimal):
        return decimal_text(value)
    text = canonical_json(value).decode("utf-8", "surrogatepass")
    return text.strip('"') if isinstance(value, date | NanoInstant) else text


def to_bool(value: object) -> bool:
    """True or false, also as a word or digit.

    Raises:
        BadValueError: it is neither.
    """
    if isinstance(value, bool):
        return value
    boolean = _BOOLEANS.get(str(value).lower()) if isinstance(value, str | int) else None
    if boolean is None:
        raise BadValueError(RejectReason.NOT_A_BOOLEAN, "must be true, false, yes, no, 1 or 0")
    return boolean


def _changed_text(change: Callable[[str], str], value: object) -> str:
    if not isinstance(value, str):
        raise BadValueError(RejectReason.TYPE_MISMATCH, "must be text; put toString before")
    return change(str(value))


def _mapped(value: object, values: dict[str, api.Scalar]) -> api.Scalar:
    key = to_text(value)
    if key not in values:
        raise BadValueError(RejectReason.VALUE_NOT_MAPPED, "is not among the keys of values")
    return values[key]


def _hashed(value: object, salt: str) -> str:
    return hashlib.sha256((salt + to_text(value)).encode("utf-8", "surrogatepass")).hexdigest()


_WITHOUT_SETTINGS: dict[str, Convert] = {
    "toInt": to_int,
    "toString": to_text,
    "toBool": to_bool,
    "lower": partial(_changed_text, str.lower),
    "upper": partial(_changed_text, str.upper),
    "trim": partial(_changed_text, str.strip),
}
"""Transforms without settings of their own."""
