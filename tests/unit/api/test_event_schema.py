import json

import pytest

from chartly.api.event_schema import event_schema
from chartly.api.profile import parse_profile
from chartly.api.suggestion import suggestion_for
from chartly.errors import SpecError
from support.profiles import changed, playbook_profile


def _schema(normalizer=(), storage=()):
    one, two = playbook_profile("normalizer"), playbook_profile("storage")
    for path, value in normalizer:
        one = changed(one, f"spec.{path}", value)
    for path, value in storage:
        two = changed(two, f"spec.{path}", value)
    return event_schema(parse_profile(one).spec, parse_profile(two).spec)


def test_the_playbook_s_schema():
    schema = _schema()
    assert [(one.name, str(one.type), one.required) for one in schema.columns] == [
        ("amount", "Decimal(38,9)", True),
        ("currency", "String", True),
        ("customer_id", "String", False),
        ("event_id", "String", True),
        ("occurred_at", "Timestamp", True),
    ]
    assert schema.identity == ("event_id",)
    assert (schema.time_column, schema.granularity) == ("occurred_at", "day")
    assert schema.event_type == "sales.event"


TIME = {"op": "toUtcTimestamp", "field": "occurred_at"}


@pytest.mark.parametrize(
    ("transforms", "columns", "expected"),
    [
        ([{"op": "toDecimal", "field": "amount", "precision": 18, "scale": 2}], {}, "Decimal(18,2)"),
        ([{"op": "toNumber", "field": "amount"}], {"amount": "Decimal(18,2)"}, "Decimal(18,2)"),
        ([], {"amount": "Decimal(18,2)"}, "Decimal(18,2)"),
        ([{"op": "toInt", "field": "amount"}], {"amount": "Decimal(18,2)"}, "Decimal(18,2)"),
        ([{"op": "toString", "field": "amount"}], {}, "String"),
        ([{"op": "const", "field": "amount", "value": 1}], {}, "String"),
        ([{"op": "default", "field": "amount", "value": 1}], {}, "String"),
        ([{"op": "toBool", "field": "amount"}], {}, "Bool"),
    ],
)  # fmt: skip
def test_a_column_s_type_comes_from_transforms_and_declaration(transforms, columns, expected):
    schema = _schema([("transforms", [*transforms, TIME])], [("columns", columns)])
    assert str(schema.columns[0].type) == expected


def test_drop_rename_and_const_change_the_fields():
    transforms = [
        TIME,
        {"op": "drop", "field": "customer_id"},
        {"op": "rename", "field": "amount", "to": "total"},
        {"op": "const", "field": "source", "value": "api"},
    ]
    required = ["event_id", "occurred_at"]
    schema = _schema(
        [("transforms", transforms), ("requiredFields", required)],
        [("indexing.fields", ["source"])],
    )
    names = [one.name for one in schema.columns]
    assert names == ["currency", "event_id", "occurred_at", "source", "total"]


def test_identity_defaults_to_all_fields_without_an_event_id():
    schema = _schema(
        [
            ("mapping", {"b": "$.b", "a": "$.a"}),
            ("requiredFields", []),
            ("transforms", []),
        ],
        [("indexing.fields", []), ("partitioning", None)],
    )
    assert schema.identity == ("a", "b")
    assert schema.time_column is None
    assert schema.granularity is None


@pytest.mark.parametrize(
    ("normalizer", "storage", "says"),
    [
        ([("requiredFields", ["event_idd"])], [], "normalizer: spec.requiredFields[0]: \"event_idd\" is not mapped; did you mean 'event_id'?"),
        ([("identity", ["key"])], [], 'spec.identity[0]: "key" is not mapped'),
        ([("versionField", "updated")], [], 'spec.versionField: "updated" is not mapped'),
        ([("versionField", "currency")], [], 'spec.versionField: "currency" must be an instant'),
        ([("transforms", [{"op": "trim", "field": "curency"}])], [], "spec.transforms[0].field: \"curency\" is not mapped; did you mean 'currency'?"),
        ([("mapping.run_id", "$.r")], [], "the envelope has that name"),
        ([], [("partitioning.by", ["customer_id"])], 'storage: spec.partitioning.by[0]: "customer_id" must be an instant'),
        ([("requiredFields", ["event_id"])], [], 'spec.partitioning.by[0]: "occurred_at" must be in the normalizer\'s requiredFields'),
        ([], [("indexing.fields", ["nope"])], 'spec.indexing.fields[0]: "nope" is not mapped; allowed are'),
        ([], [("columns", {"nope": "String"})], 'spec.columns.nope: "nope" is not mapped'),
        ([], [("columns", {"amount": "String"})], 'spec.columns.amount: "String" cannot hold the Decimal(38,9)'),
        ([], [("retentionDays", None), ("retention", {"days": 3, "from": "amount"})], 'spec.retention.from: "amount" must be an instant'),
    ],
)  # fmt: skip
def test_profiles_that_do_not_fit_are_told_so(normalizer, storage, says):
    """INV-10."""
    with pytest.raises(SpecError) as caught:
        _schema(normalizer, storage)
    assert says in caught.value.message


def test_a_versioned_dataset_needs_an_instant():
    assert _schema([("versionField", "occurred_at")]).version_field == "occurred_at"


@pytest.mark.parametrize("digits", [3, 6, 9])
def test_a_time_of_any_precision_partitions_orders_and_ages_a_dataset(digits):
    schema = _schema(
        [("versionField", "occurred_at")],
        [
            ("columns", {"occurred_at": f"Timestamp({digits})"}),
            ("retentionDays", None),
            ("retention", {"days": 3, "from": "occurred_at"}),
        ],
    )
    assert (schema.time_column, schema.version_field) == ("occurred_at", "occurred_at")
    types = {column.name: column.type for column in schema.columns}
    assert types["occurred_at"].precision == digits


@pytest.mark.parametrize(
    ("word", "allowed", "says"),
    [
        ("amout", ["amount", "currency"], "did you mean 'amount'?"),
        ("zzz", ["amount", "currency"], "allowed are amount, currency"),
        ("zzz", [f"name{i}" for i in range(20)], "allowed are name0, name1"),
        ("zzz", [], "there is none"),
    ],
)
def test_suggestions(word, allowed, says):
    assert suggestion_for(word, allowed).startswith(says)
    json.dumps(suggestion_for(word, allowed))
