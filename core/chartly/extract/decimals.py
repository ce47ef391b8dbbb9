"""Exact decimals from JSON values: never through a float, never rounded."""

import re
from decimal import Context, Decimal, InvalidOperation

from chartly.extract.reject import BadValueError, RejectReason

_TEXT = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,5})?")
_JSON = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,5})?")
EXACT = Context(prec=400, Emax=100_000, Emin=-100_000, traps=[InvalidOperation])
_LONGEST = 400


def to_decimal(value: object, precision: int, scale: int) -> Decimal:
    """``value`` as a Decimal with at most ``precision`` digits, ``scale`` after the point.

    JSON numbers and their texts are accepted, such as ``19.99``, with exponents if they are exact.

    Raises:
        BadValueError: it is no number, or does not fit without rounding.
    """
    number = number_of(value)
    sign, digits, exponent = number.as_tuple()
    if not isinstance(exponent, int) or not any(digits):
        return Decimal(0)
    zeros = len(digits) - len("".join(map(str, digits)).rstrip("0"))
    fraction = max(0, -(exponent + zeros))
    whole = max(0, len(digits) + exponent)
    if fraction > scale:
        raise BadValueError(
            RejectReason.DECIMAL_OUT_OF_RANGE,
            f"has {fraction} digits after the point; allowed are {scale}",
        )
    if whole > precision - scale:
        raise BadValueError(
            RejectReason.DECIMAL_OUT_OF_RANGE,
            f"has {whole} digits before the point; allowed are {precision - scale}",
        )
    return Decimal((sign, digits, exponent))


def number_of(value: object) -> Decimal:
    """``value``, a number or its text, as an exact decimal.

    Raises:
        BadValueError: it is no number.
    """
    form = _TEXT
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise BadValueError(RejectReason.NOT_A_NUMBER, "must be a number or its text")
    if isinstance(value, Decimal):
        return value
    if type(value) is not str:
        form = _JSON
    text = str(value)
    if len(text) > _LONGEST or form.fullmatch(text) is None:
        raise BadValueError(
            RejectReason.NOT_A_NUMBER, "must be digits with an optional sign, point and exponent"
        )
    return EXACT.create_decimal(text)


def decimal_text(value: Decimal) -> str:
    """The canonical text of a number: no exponent, no trailing zeros, no minus zero."""
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
