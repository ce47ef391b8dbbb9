import pytest

from chartly.api.columns import INSTANT_DIGITS, parse_column_type
from chartly.api.event_schema import Column
from chartly.api.normalizer import NormalizerSpec
from chartly.extract.precision import instant_digits, instant_units

TIME = {"op": "toUtcTimestamp", "field": "a"}


def _transforms(*transforms):
    spec = {"canonicalEventType": "a.b", "mapping": {"a": "$.a"}, "transforms": transforms}
    return NormalizerSpec.model_validate(spec).transforms


def _columns(types):
    return [Column(name, parse_column_type(kind), required=False) for name, kind in types.items()]


@pytest.mark.parametrize(
    ("following", "columns", "digits", "because"),
    [
        ([], {"a": "Timestamp(3)"}, 3, "its own column"),
        ([], {"a": "Timestamp(9)"}, 9, "a finer one"),
        ([], {"a": "Timestamp"}, INSTANT_DIGITS, "one that names no digits"),
        ([], {"a": "Date"}, INSTANT_DIGITS, "stored as something else"),
        ([], {"b": "Timestamp(9)"}, INSTANT_DIGITS, "another field's"),
        ([("rename", "a", "b")], {"b": "Timestamp(9)"}, 9, "under another name"),
        ([("rename", "a", "b"), ("rename", "b", "c")], {"c": "Timestamp(9)"}, 9, "twice"),
        ([("rename", "a", "b"), ("rename", "c", "a")], {"a": "Timestamp(3)", "b": "Timestamp(9)"}, 9, "another field takes its name"),
        ([("drop", "a", None)], {}, INSTANT_DIGITS, "dropped"),
        ([("const", "a", None)], {"a": "Timestamp(9)"}, INSTANT_DIGITS, "replaced by a value"),
        ([("rename", "c", "a")], {"a": "Timestamp(9)"}, INSTANT_DIGITS, "replaced by another field"),
        ([("drop", "c", None)], {"a": "Timestamp(9)"}, 9, "another field is dropped"),
    ],
)  # fmt: skip
def test_an_instant_is_read_as_its_field_is_stored(following, columns, digits, because):
    more = [
        {"op": op, "field": field, **({"to": to} if to else {}), **({"value": 1} if op == "const" else {})}
        for op, field, to in following
    ]  # fmt: skip
    found = instant_digits(_transforms(TIME, *more), _columns(columns))
    assert found[0] == digits, because


def test_a_unit_is_told_of_fields_that_are_made_instants():
    transforms = _transforms(
        TIME, {"op": "rename", "field": "a", "to": "b"}, {**TIME, "field": "c"}
    )
    assert instant_units(transforms, _columns({"b": "Timestamp(9)", "c": "Timestamp(3)"})) == {
        "a": "nanosecond",
        "c": "millisecond",
    }
