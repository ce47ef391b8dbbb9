import pytest

from chartly.api.columns import ColumnType, parse_column_type
from chartly.api.duration import Length, parse_duration


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("String", "String"),
        ("LowCardinality(String)", "LowCardinality(String)"),
        ("Timestamp", "Timestamp"),
        ("Decimal(18, 2)", "Decimal(18,2)"),
        ("Decimal(38,38)", "Decimal(38,38)"),
    ],
)
def test_declared_types(text, written):
    assert str(parse_column_type(text)) == written


@pytest.mark.parametrize(
    "text",
    ["string", "Float64", "Decimal", "Decimal(39,2)", "Decimal(2,3)", "Decimal(0,0)", "Int64 "],
)
def test_other_types_are_refused(text):
    with pytest.raises(ValueError, match="must be one of|precision of 1 to 38"):
        parse_column_type(text)


def test_a_decimal_knows_its_digits():
    assert parse_column_type("Decimal(18,2)") == ColumnType("Decimal", 18, 2)


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
