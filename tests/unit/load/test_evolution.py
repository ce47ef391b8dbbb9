import pytest

from chartly.api.columns import parse_column_type
from chartly.api.event_schema import Column, EventSchema
from chartly.errors import Reason, RunError
from chartly.load.dataset_tables import OWN_TYPES
from chartly.load.evolution import changes, check_event_table, check_layout, evolve, layout_of


def _schema(columns, **changes):
    made = {
        "event_type": "sales.event",
        "columns": tuple(
            Column(name, parse_column_type(kind.rstrip("!")), kind.endswith("!"))
            for name, kind in columns.items()
        ),
        "identity": ("key",),
        "time_column": None,
        "granularity": None,
        "version_field": None,
    }
    return EventSchema(**{**made, **changes})


def _evolve(declared, stored, partition="", **schema):
    return evolve("sales", _schema(declared, **schema), {**stored, **OWN_TYPES}, partition)


@pytest.mark.parametrize(
    ("declared", "stored", "statement", "because"),
    [
        ({"x": "String!"}, {"x": "String"}, None, "it is what it was"),
        ({"x": "String"}, {"x": "Nullable(String)"}, None, "it is what it was"),
        ({"x": "String!"}, {"x": "Nullable(String)"}, None, "old rows may hold null"),
        ({"x": "String"}, {"x": "String"}, "MODIFY COLUMN `x` Nullable(String)", "null is wider"),
        ({"x": "Timestamp!"}, {"x": "DateTime64(6, 'UTC')"}, None, "it is what it was"),
        ({"x": "Decimal(12,2)!"}, {"x": "Decimal(10, 2)"}, "MODIFY COLUMN `x` Decimal(12, 2)", "more digits"),
        ({"x": "Decimal(12,2)!"}, {"x": "Nullable(Decimal(10, 2))"}, "MODIFY COLUMN `x` Nullable(Decimal(12, 2))", "and null as before"),
        ({"x": "LowCardinality(String)!"}, {"x": "String"}, "MODIFY COLUMN `x` LowCardinality(String)", "the same values"),
        ({"x": "String"}, {"x": "LowCardinality(Nullable(String))"}, "MODIFY COLUMN `x` Nullable(String)", "the same values"),
        ({"x": "String!", "y": "Int64!"}, {"x": "String"}, "ADD COLUMN IF NOT EXISTS `y` Nullable(Int64)", "old rows have none, so null"),
        ({"x": "String!"}, {"x": "String", "y": "Int64"}, "MODIFY COLUMN `y` Nullable(Int64)", "new rows have none"),
        ({"x": "String!"}, {"x": "String", "y": "Nullable(Int64)"}, None, "it takes null already"),
    ],
)  # fmt: skip
def test_columns_are_added_and_widened_in_their_place(declared, stored, statement, because):
    found = _evolve(declared, stored)
    wanted = [] if statement is None else [f"ALTER TABLE `d`.`sales__data` {statement}"]
    assert changes("d", "sales", found, stored | OWN_TYPES) == wanted, because
    assert not found.rebuilt


@pytest.mark.parametrize(
    ("declared", "stored", "wanted"),
    [
        ("Int64", "Nullable(String)", "Nullable(Int64)"),
        ("String!", "Int64", "String"),
        ("Decimal(10,2)!", "Decimal(12, 2)", "Decimal(10, 2)"),
        ("Decimal(14,4)!", "Decimal(12, 2)", "Decimal(14, 4)"),
        ("Decimal(12,2)", "Int64", "Nullable(Decimal(12, 2))"),
        ("LowCardinality(String)!", "Nullable(Bool)", "LowCardinality(Nullable(String))"),
        ("Date!", "DateTime64(3, 'UTC')", "Date32"),
    ],
)
def test_every_other_type_is_a_rebuild(declared, stored, wanted):
    found = _evolve({"x": declared}, {"x": stored})
    assert found.rebuilt
    (made,) = found.casts
    assert (made.column, made.stored, made.wanted) == ("`x`", stored, wanted)
    assert found.columns["x"] == wanted


def test_a_rebuild_keeps_what_no_profile_names_any_more_and_adds_what_is_new():
    found = _evolve({"x": "Int64!", "new": "String!"}, {"x": "String", "old": "UInt64"})
    assert found.columns == {
        "x": "Int64",
        "new": "Nullable(String)",
        "old": "Nullable(UInt64)",
        **OWN_TYPES,
    }


TIMED = {"time_column": "at", "granularity": "month"}


@pytest.mark.parametrize(
    ("partition", "rebuilt"),
    [("toYYYYMM(at)", False), ("toYYYYMM(`at`)", False), ("toYYYYMMDD(at)", True)],
)
def test_other_partitions_are_a_rebuild(partition, rebuilt):
    stored = {"at": "DateTime64(6, 'UTC')"}
    found = _evolve({"at": "Timestamp!"}, stored, partition, **TIMED)
    assert (found.rebuilt, found.casts, found.modified) == (rebuilt, (), {})


def test_what_makes_the_identity_keeps_its_type():
    """INV-10."""
    with pytest.raises(RunError) as caught:
        _evolve({"key": "Int64!"}, {"key": "String"})
    assert caught.value.reason is Reason.SCHEMA_INCOMPATIBLE
    assert caught.value.message == (
        "dataset 'sales': column 'key' makes the identity and is stored as String; "
        "as Int64 every event_key would be another one; write another dataset"
    )


def test_what_makes_the_identity_may_be_widened():
    assert not _evolve({"key": "Decimal(12,2)"}, {"key": "Decimal(10, 2)"}).rebuilt


LAYOUT = {"time": "at", "granularity": "day", "version": None, "identity": ["id", "line"]}


@pytest.mark.parametrize(
    ("part", "value", "says"),
    [
        ("time", None, "its time column is at and cannot become none: every event would be another one"),
        ("identity", ["id"], "its identity is id, line and cannot become id: every event_key would be another one"),
        ("version", "at", "its versionField is none and cannot become at: stored versions could not be compared with new ones"),
    ],
)  # fmt: skip
def test_what_makes_and_orders_events_never_changes(part, value, says):
    """INV-10."""
    with pytest.raises(RunError) as caught:
        check_layout("sales", LAYOUT, {**LAYOUT, part: value})
    assert caught.value.reason is Reason.SCHEMA_INCOMPATIBLE
    assert caught.value.message == f"dataset 'sales': {says}; write another dataset"


def test_the_granularity_may_change():
    check_layout("sales", LAYOUT, {**LAYOUT, "granularity": "month"})


def test_a_layout_is_of_the_schema():
    schema = _schema({"at": "Timestamp!"}, identity=("id", "line"), **TIMED)
    assert layout_of(schema) == {**LAYOUT, "granularity": "month"}


def test_a_table_of_an_older_version_is_refused():
    """INV-10."""
    older = {name: kind for name, kind in OWN_TYPES.items() if name not in ("_page", "_record")}
    check_event_table("sales", LAYOUT, {})
    check_event_table("sales", LAYOUT, OWN_TYPES)
    with pytest.raises(RunError) as caught:
        check_event_table("sales", {"time": "at"}, {**older, "raw_ref": "String"})
    assert caught.value.reason is Reason.SCHEMA_INCOMPATIBLE
    assert caught.value.message == (
        "dataset 'sales': its table was made by an older version and has no _page, _record; "
        "write another dataset, or tear this one down and load it again"
    )


def test_an_output_is_not_a_dataset_of_events():
    """INV-10."""
    with pytest.raises(RunError) as caught:
        check_event_table("daily", {"window": "P1D"}, {"day": "Date32"})
    assert caught.value.message == (
        'dataset \'daily\' holds no events, it is laid out as {"window": "P1D"}; '
        "write another dataset"
    )
