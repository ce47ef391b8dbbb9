import pytest

from chartly.api.columns import parse_column_type
from chartly.api.event_schema import Column
from chartly.load.sql import bare, base_type, column_type, nullable, qualified, quoted


def test_names_are_quoted():
    assert quoted("a_b") == "`a_b`"
    assert qualified("tenant__project", "sales__data") == "`tenant__project`.`sales__data`"


@pytest.mark.parametrize(
    ("declared", "stored", "takes_null"),
    [
        ("String", "String", "Nullable(String)"),
        ("LowCardinality(String)", "LowCardinality(String)", "LowCardinality(Nullable(String))"),
        ("Bool", "Bool", "Nullable(Bool)"),
        ("Int64", "Int64", "Nullable(Int64)"),
        ("UInt64", "UInt64", "Nullable(UInt64)"),
        ("Date", "Date32", "Nullable(Date32)"),
        ("Timestamp", "DateTime64(6, 'UTC')", "Nullable(DateTime64(6, 'UTC'))"),
        ("Timestamp(3)", "DateTime64(3, 'UTC')", "Nullable(DateTime64(3, 'UTC'))"),
        ("Timestamp(6)", "DateTime64(6, 'UTC')", "Nullable(DateTime64(6, 'UTC'))"),
        ("Timestamp(9)", "DateTime64(9, 'UTC')", "Nullable(DateTime64(9, 'UTC'))"),
        ("Decimal(12,2)", "Decimal(12, 2)", "Nullable(Decimal(12, 2))"),
    ],
)
def test_declared_types_have_one_stored_type_and_one_that_takes_null(declared, stored, takes_null):
    kind = parse_column_type(declared)
    assert base_type(kind) == stored
    assert column_type(Column("x", kind, required=True)) == stored
    assert column_type(Column("x", kind, required=False)) == takes_null
    assert nullable(takes_null) == takes_null


@pytest.mark.parametrize("kind", ["String", "Nullable(String)", "LowCardinality(Nullable(String))"])
def test_wrappers_change_no_value(kind):
    assert bare(kind) == "String"
