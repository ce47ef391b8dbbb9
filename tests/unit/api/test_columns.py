import pytest

from chartly.api.columns import (
    INSTANT_DIGITS,
    INSTANT_UNITS,
    TIMESTAMP,
    ColumnType,
    parse_column_type,
)
from chartly.api.duration import Length, parse_duration


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("String", "String"),
        ("LowCardinality(String)", "LowCardinality(String)"),
        ("Timestamp", "Timestamp"),
        (f"Timestamp({INSTANT_DIGITS})", "Timestamp"),
        ("Timestamp(9)", "Timestamp(9)"),
        ("Decimal(18, 2)", "Decimal(18,2)"),
        ("Decimal(38,38)", "Decimal(38,38)"),
    ],
)
def test_declared_types(text, written):
    assert str(parse_column_type(text)) == written


@pytest.mark.parametrize(
    "text",
    [
        "string",
        "Float64",
        "Decimal",
        "Decimal(39,2)",
        "Decimal(2,3)",
        "Decimal(0,0)",
        "Int64 ",
        "Timestamp(0)",
        "Timestamp(4)",
        "Timestamp()",
        "Timestamp (6)",
        "Timestamp(06)",
        "timestamp(6)",
    ],
)
def test_other_types_are_refused(text):
    with pytest.raises(ValueError, match="must be one of|precision of 1 to 38"):
        parse_column_type(text)


def test_a_type_knows_its_digits():
    assert parse_column_type("Decimal(18,2)") == ColumnType("Decimal", 18, 2)
    assert parse_column_type("Timestamp") == TIMESTAMP == ColumnType("Timestamp", INSTANT_DIGITS)
    for digits in INSTANT_UNITS:
        kind = parse_column_type(f"Timestamp({digits})")
        assert (kind.is_instant, kind.precision) == (True, digits)
    assert not parse_column_type("Date").is_instant


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("P1D", Length(1, "day")),
        ("P2W", Length(2, "week")),
        ("P1M", Length(1, "month")),
        ("P1Y", Length(1, "year")),
        ("PT6H", Length(6, "hour")),
        ("PT15M", Length(15, "minute")),
    ],
)
def test_durations(text, length):
    assert parse_duration(text) == length


@pytest.mark.parametrize(
    "text",
    ["", "P", "PT", "1D", "P0D", "P1DT1H", "P1H", "PT1D", "P1.5D", "p1d", "P1000Y", "P10000M"],
)
def test_other_durations_are_refused(text):
    with pytest.raises(ValueError, match="ISO 8601 duration with one part"):
        parse_duration(text)
