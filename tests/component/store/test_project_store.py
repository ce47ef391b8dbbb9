import json

import pytest

from chartly.api.event_schema import ENVELOPE, event_schema
from chartly.api.normalizer import NormalizerSpec
from chartly.api.storage import StorageSpec
from chartly.errors import Reason, RunError
from chartly_store.dataset_removal import drop_dataset, drop_output
from chartly_store.project_store import ProjectStore

NORMALIZER = {
    "canonicalEventType": "sales.event",
    "requiredFields": ["event_id", "occurred_at", "amount"],
    "mapping": {"event_id": "$.id", "occurred_at": "$.t", "amount": "$.a", "note": "$.n"},
    "transforms": [
        {"op": "toUtcTimestamp", "field": "occurred_at"},
        {"op": "toDecimal", "field": "amount", "precision": 10, "scale": 2},
    ],
}
STORAGE = {
    "dataset": "sales",
    "partitioning": {"by": ["occurred_at"]},
    "indexing": {"fields": ["event_id", "amount", "note"]},
}


def _specs(normalizer, storage):
    return (
        NormalizerSpec.model_validate_json(json.dumps({**NORMALIZER, **normalizer})),
        StorageSpec.model_validate_json(json.dumps({**STORAGE, **storage})),
    )


@pytest.fixture
def store(engine, project):
    made = ProjectStore(engine, project)
    made.create()
    return made


def _ensure(store, workflow="flow", normalizer=None, storage=None):
    one, two = _specs(normalizer or {}, storage or {})
    return store.ensure_dataset(event_schema(one, two), two, workflow)


def test_a_project_is_not_there_until_it_is_made(engine, project):
    store = ProjectStore(engine, project)
    assert not store.exists()
    store.create()
    store.create()
    assert store.exists()
    assert store.dataset("sales") is None
    assert store.columns("sales__data") == {}
    assert store.bytes_on_disk("sales") == 0


def test_a_dataset_is_made_once_and_claimed(store):
    row = _ensure(store)
    assert (row.dataset, row.workflow, row.sealed_before) == ("sales", "flow", None)
    assert _ensure(store).version == 1
    columns = store.columns("sales__data")
    assert columns["amount"] == "Decimal(10, 2)"
    assert columns["note"] == "Nullable(String)"
    assert list(columns)[:4] == ["amount", "event_id", "note", "occurred_at"]
    shown = store.columns("sales")
    assert list(shown)[4:] == list(ENVELOPE)
    assert shown["raw_ref"] == "String"


def test_a_dataset_has_one_writer(store):
    _ensure(store)
    with pytest.raises(RunError) as caught:
        _ensure(store, "other")
    assert caught.value.reason is Reason.DATASET_IN_USE
    assert caught.value.message == (
        "dataset 'sales' is written by workflow 'flow'; workflow 'other' needs another one"
    )


@pytest.mark.parametrize(
    ("normalizer", "storage", "says"),
    [
        ({}, {"partitioning": None}, "its time column is occurred_at and cannot become none"),
        ({"versionField": "occurred_at"}, {}, "its versionField is none and cannot become occurred_at"),
        ({"identity": ["event_id", "note"]}, {}, "its identity is event_id and cannot become event_id, note"),
    ],
)  # fmt: skip
def test_what_makes_and_orders_the_events_can_never_change(store, normalizer, storage, says):
    """INV-10."""
    _ensure(store)
    with pytest.raises(RunError) as caught:
        _ensure(store, normalizer=normalizer, storage=storage)
    assert caught.value.reason is Reason.SCHEMA_INCOMPATIBLE
    assert caught.value.message.startswith(f"dataset 'sales': {says}")


def test_an_output_can_not_become_a_dataset_of_events(store):
    """INV-10."""
    store.claim("sales", "flow", '{"window": "P1D"}')
    with pytest.raises(RunError, match="dataset 'sales' holds no events") as caught:
        _ensure(store)
    assert caught.value.reason is Reason.SCHEMA_INCOMPATIBLE


def test_an_output_keeps_its_layout(store):
    """INV-10."""
    store.claim("daily", "flow", '{"window": "P1D"}')
    with pytest.raises(RunError) as caught:
        store.claim("daily", "flow", '{"window": "P1M"}')
    assert caught.value.reason is Reason.SCHEMA_INCOMPATIBLE
    assert caught.value.message == (
        'dataset \'daily\' is laid out as {"window": "P1D"}; '
        '{"window": "P1M"} needs another dataset'
    )


def test_a_table_of_an_older_version_is_refused_and_left_alone(store):
    """INV-10."""
    _ensure(store)
    table = f"`{store.database}`.sales__data"
    store.engine.command(f"ALTER TABLE {table} DROP COLUMN _page, ADD COLUMN raw_ref String")
    before = store.columns("sales__data")
    with pytest.raises(RunError, match="was made by an older version and has no _page;") as caught:
        _ensure(store)
    assert caught.value.reason is Reason.SCHEMA_INCOMPATIBLE
    assert store.columns("sales__data") == before


WIDER = [
    NORMALIZER["transforms"][0],
    {"op": "toDecimal", "field": "amount", "precision": 20, "scale": 2},
]


@pytest.mark.parametrize(
    ("normalizer", "column", "kind"),
    [
        ({"transforms": WIDER}, "amount", "Decimal(20, 2)"),
        ({"requiredFields": ["event_id", "occurred_at"]}, "amount", "Nullable(Decimal(10, 2))"),
        ({"requiredFields": ["amount", "occurred_at"]}, "event_id", "Nullable(String)"),
        ({"mapping": {**NORMALIZER["mapping"], "extra": "$.x"}}, "extra", "Nullable(String)"),
    ],
)
def test_stored_columns_follow_the_profile_also_under_an_index(store, normalizer, column, kind):
    _ensure(store)
    store.engine.command(
        f"INSERT INTO {store.view('sales').replace('`sales`', '`sales__data`')} "
        "(event_id, occurred_at, amount, event_key, _ver) VALUES ('a', '2026-01-01', 1.5, 'a', 1)"
    )
    _ensure(store, normalizer=normalizer)
    assert store.columns("sales__data")[column] == kind
    assert store.columns("sales")[column] == kind
    assert len(store.engine.rows(f"SELECT * FROM {store.view('sales')}")) == 1


def test_a_field_can_be_indexed_later(store):
    _ensure(store, storage={"indexing": {"fields": ["amount"]}})
    _ensure(store)
    _ensure(store)
    found = store.engine.rows(
        "SELECT name, type FROM system.data_skipping_indices "
        "WHERE database = {database:String} ORDER BY name",
        {"database": store.database},
    )
    assert found == [
        ("idx_amount", "minmax"),
        ("idx_event_id", "bloom_filter"),
        ("idx_note", "bloom_filter"),
    ]


def test_a_dropped_field_leaves_the_view_and_its_values_stay(store):
    _ensure(store)
    mapping = {name: path for name, path in NORMALIZER["mapping"].items() if name != "amount"}
    changes = {
        "mapping": mapping,
        "requiredFields": ["event_id", "occurred_at"],
        "transforms": NORMALIZER["transforms"][:1],
    }
    _ensure(store, normalizer=changes, storage={"indexing": {"fields": []}})
    assert "amount" not in store.columns("sales")
    assert store.columns("sales__data")["amount"] == "Nullable(Decimal(10, 2))"


def test_teardown_drops_a_dataset_and_lets_another_workflow_have_its_name(store):
    _ensure(store)
    assert drop_dataset(store, "sales")
    assert not drop_dataset(store, "sales"), "a second teardown finds nothing"
    assert store.columns("sales__data") == store.columns("sales__rejected") == {}
    assert _ensure(store, "other").workflow == "other"


def test_teardown_of_an_output_that_never_was_is_no_error(store):
    assert not drop_output(store, "never")
