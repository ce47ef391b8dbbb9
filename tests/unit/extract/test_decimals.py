from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartly.extract.decimals import decimal_text, to_decimal
from chartly.extract.records import Number
from chartly.extract.reject import BadValueError, RejectReason

THIRTY_EIGHT = "12345678901234567890123456789.123456789"


@pytest.mark.parametrize(
    ("value", "precision", "scale", "expected"),
    [
        ("19.99", 38, 9, "19.99"),
        ("100000000000000.01", 38, 9, "100000000000000.01"),
        (THIRTY_EIGHT, 38, 9, THIRTY_EIGHT),
        ("+5", 18, 2, "5"),
        ("1e-7", 38, 9, "0.0000001"),
        ("1e2", 18, 2, "100"),
        ("-1.5E+1", 18, 2, "-15"),
        ("-0.50", 18, 2, "-0.5"),
        ("-0", 18, 2, "0"),
        ("0.00000000000", 18, 2, "0"),
        ("19.990", 18, 2, "19.99"),
        ("0007.5", 18, 2, "7.5"),
        (42, 18, 2, "42"),
        (10**36, 38, 0, "1" + "0" * 36),
        (Number("1e2"), 18, 2, "100"),
        (Number("1.5E+1"), 18, 2, "15"),
        (Number("125e-2"), 18, 2, "1.25"),
        (Decimal("7.00"), 18, 1, "7"),
    ],
)
def test_money_is_exact(value, precision, scale, expected):
    assert decimal_text(to_decimal(value, precision, scale)) == expected


@pytest.mark.parametrize(
    ("value", "reason", "because"),
    [
        ("19.999", RejectReason.DECIMAL_OUT_OF_RANGE, "scale 2 would round it"),
        ("1" * 39, RejectReason.DECIMAL_OUT_OF_RANGE, "39 digits"),
        ("1" * 17, RejectReason.DECIMAL_OUT_OF_RANGE, "17 digits before the point of 18, 2"),
        (Number("1e400"), RejectReason.DECIMAL_OUT_OF_RANGE, "far too large"),
        (Number("1e-400"), RejectReason.DECIMAL_OUT_OF_RANGE, "far too small"),
        ("1e-10", RejectReason.DECIMAL_OUT_OF_RANGE, "ten digits after the point"),
        ("1e", RejectReason.NOT_A_NUMBER, "an exponent without digits"),
        ("e2", RejectReason.NOT_A_NUMBER, "an exponent alone"),
        ("1e2.5", RejectReason.NOT_A_NUMBER, "half an exponent"),
        ("1e123456", RejectReason.NOT_A_NUMBER, "an exponent of six digits"),
        ("NaN", RejectReason.NOT_A_NUMBER, "not a number"),
        ("Infinity", RejectReason.NOT_A_NUMBER, "infinite"),
        ("", RejectReason.NOT_A_NUMBER, "empty"),
        (" 1", RejectReason.NOT_A_NUMBER, "a space"),
        ("1,000", RejectReason.NOT_A_NUMBER, "a thousands separator"),
        (".5", RejectReason.NOT_A_NUMBER, "no digit before the point"),
        ("٣", RejectReason.NOT_A_NUMBER, "digits outside ASCII"),
        ("1\n", RejectReason.NOT_A_NUMBER, "a line break"),
        ("9" * 401, RejectReason.NOT_A_NUMBER, "endless"),
        (True, RejectReason.NOT_A_NUMBER, "a boolean"),
        ([1], RejectReason.NOT_A_NUMBER, "a list"),
    ],
)
def test_what_would_be_rounded_or_guessed_is_refused(value, reason, because):
    with pytest.raises(BadValueError) as caught:
        to_decimal(value, 18, 2)
    assert caught.value.reason is reason, because


@given(
    st.decimals(
        allow_nan=False, allow_infinity=False, places=9, min_value=-(10**28), max_value=10**28
    )
)
def test_every_decimal_survives_its_text(number):
    assert to_decimal(format(number, "f"), 38, 9) == number
    assert Decimal(decimal_text(number)) == number
