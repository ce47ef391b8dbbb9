import pytest

from chartly.api.columns import parse_column_type
from chartly.api.event_schema import Column, EventSchema
from chartly.errors import Reason, RunError
from chartly.load.evolution import changes


def _schema(columns):
    return EventSchema(
        event_type="sales.event",
        columns=tuple(
            Column(name, parse_column_type(kind.rstrip("!")), kind.endswith("!"))
            for name, kind in columns.items()
        ),
        identity=("x",),
        time_column=None,
        granularity=None,
        version_field=None,
    )


def _changes(declared, stored):
    envelope = {"event_key": "String", "run_id": "LowCardinality(String)", "_ver": "UInt64"}
    return changes("d", "sales", _schema(declared), {**stored, **envelope})


@pytest.mark.parametrize(
    ("declared", "stored", "statement", "because"),
    [
        ({"x": "String!"}, {"x": "String"}, None, "it is what it was"),
        ({"x": "String"}, {"x": "Nullable(String)"}, None, "it is what it was"),
        ({"x": "String!"}, {"x": "Nullable(String)"}, None, "old rows may hold null"),
        ({"x": "String"}, {"x": "String"}, "MODIFY COLUMN `x` Nullable(String)", "null is wider"),
        ({"x": "Timestamp!"}, {"x": "DateTime64(3, 'UTC')"}, None, "it is what it was"),
        ({"x": "Decimal(12,2)!"}, {"x": "Decimal(10, 2)"}, "MODIFY COLUMN `x` Decimal(12, 2)", "more digits"),
        ({"x": "Decimal(12,2)!"}, {"x": "Nullable(Decimal(10, 2))"}, "MODIFY COLUMN `x` Nullable(Decimal(12, 2))", "and null as before"),
        ({"x": "LowCardinality(String)!"}, {"x": "String"}, "MODIFY COLUMN `x` LowCardinality(String)", "the same values"),
        ({"x": "String"}, {"x": "LowCardinality(Nullable(String))"}, "MODIFY COLUMN `x` Nullable(String)", "the same values"),
        ({"x": "String!", "y": "Int64!"}, {"x": "String"}, "ADD COLUMN IF NOT EXISTS `y` Nullable(Int64)", "old rows have none, so null"),
        ({"x": "String!"}, {"x": "String", "y": "Int64"}, "MODIFY COLUMN `y` Nullable(Int64)", "new rows have none"),
        ({"x": "String!"}, {"x": "String", "y": "Nullable(Int64)"}, None, "it takes null already"),
    ],
)  # fmt: skip
def test_columns_are_added_and_widened(declared, stored, statement, because):
    wanted = [] if statement is None else [f"ALTER TABLE `d`.`sales__data` {statement}"]
    assert _changes(declared, stored) == wanted, because


@pytest.mark.parametrize(
    ("declared", "stored", "because"),
    [
        ("Int64", "Nullable(String)", "text is not a number"),
        ("String", "Nullable(Int64)", "a number is not rewritten as text"),
        ("Decimal(10,2)", "Decimal(12, 2)", "digits would be lost"),
        ("Decimal(14,4)", "Decimal(12, 2)", "another scale is another number of digits before the point"),
        ("Decimal(12,2)", "Int64", "values would have to be rewritten"),
        ("Date", "DateTime64(3, 'UTC')", "the time of day would be lost"),
        ("UInt64", "Int64", "negative numbers have no place"),
    ],
)  # fmt: skip
def test_every_other_change_is_refused_by_name(declared, stored, because):
    """INV-10."""
    with pytest.raises(RunError) as caught:
        _changes({"x": declared}, {"x": stored})
    assert caught.value.reason is Reason.SCHEMA_INCOMPATIBLE, because
    assert (
        f"dataset 'sales': column 'x' is stored as {stored} and declared as" in caught.value.message
    )
    assert "allowed are new columns" in caught.value.message
