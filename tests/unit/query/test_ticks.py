import pytest

from chartly.query.ticks import digits_of, floored, ticks


@pytest.mark.parametrize(
    ("kind", "digits"),
    [
        ("DateTime64(3, 'UTC')", 3),
        ("Nullable(DateTime64(9, 'UTC'))", 9),
        ("DateTime64(0)", 0),
        ("DateTime", None),
        ("Date32", None),
        ("", None),
    ],
)
def test_the_digits_of_an_engine_s_type(kind, digits):
    assert digits_of(kind) == digits


@pytest.mark.parametrize(
    ("digits", "kept", "sql", "because"),
    [
        (3, 3, "toUnixTimestamp64Milli(x)", "its own unit"),
        (3, None, "toUnixTimestamp64Milli(x)", "the same, found by itself"),
        (0, None, "toUnixTimestamp64Milli(x)", "the coarsest that an engine counts in"),
        (4, None, "toUnixTimestamp64Micro(x)", "between two units"),
        (3, 9, "toUnixTimestamp64Nano(x)", "a finer unit loses nothing"),
        (6, 3, "intDiv(toUnixTimestamp64Micro(x) - positiveModulo(toUnixTimestamp64Micro(x), 1000), 1000)", "towards the past"),
        (9, 3, "intDiv(toUnixTimestamp64Nano(x) - positiveModulo(toUnixTimestamp64Nano(x), 1000000), 1000000)", "the finest"),
    ],
)  # fmt: skip
def test_an_instant_is_counted_towards_the_past(digits, kept, sql, because):
    assert ticks("x", digits, kept) == sql, because


@pytest.mark.parametrize(
    ("digits", "kept", "sql"),
    [
        (3, 3, "x"),
        (0, 3, "x"),
        (3, 0, "subtractMilliseconds(x, positiveModulo(toUnixTimestamp64Milli(x), 1000))"),
        (9, 6, "subtractNanoseconds(x, positiveModulo(toUnixTimestamp64Nano(x), 1000))"),
        (6, 0, "subtractMicroseconds(x, positiveModulo(toUnixTimestamp64Micro(x), 1000000))"),
    ],
)
def test_what_is_finer_is_taken_off(digits, kept, sql):
    assert floored("x", digits, kept) == sql
