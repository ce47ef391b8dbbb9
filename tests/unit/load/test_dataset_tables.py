import json

import pytest

from chartly.api.columns import parse_column_type
from chartly.api.event_schema import ENVELOPE, Column, EventSchema
from chartly.api.storage import StorageSpec
from chartly.load.dataset_tables import (
    ENVELOPE_TYPES,
    OWN_TYPES,
    add_indexes,
    create_dataset,
    data_table,
    dataset_view,
    rejected_table,
)
from chartly.load.project_tables import PROJECT_TABLES, create_project


def _schema(columns=None, **changes):
    kinds = columns or {"amount": "Decimal(38,9)", "event_id": "String", "occurred_at": "Timestamp"}
    made = {
        "event_type": "sales.event",
        "columns": tuple(
            Column(name, parse_column_type(kind), name != "amount") for name, kind in kinds.items()
        ),
        "identity": ("event_id",),
        "time_column": "occurred_at",
        "granularity": "day",
        "version_field": None,
    }
    return EventSchema(**{**made, **changes})


def _storage(**spec):
    return StorageSpec.model_validate_json(json.dumps({"dataset": "sales-events", **spec}))


def test_the_tables_of_a_dataset_have_its_sql_name():
    assert data_table("sales-events") == "sales_events__data"
    assert rejected_table("sales-events") == "sales_events__rejected"


def test_the_envelope_is_shown_whole_and_a_reference_is_stored_as_page_and_place():
    assert tuple(ENVELOPE_TYPES) == ENVELOPE
    assert set(ENVELOPE) - set(OWN_TYPES) == {"raw_ref"}
    assert (OWN_TYPES["_page"], OWN_TYPES["_record"]) == ("LowCardinality(String)", "UInt32")


def test_a_project_has_a_database_and_tables_that_may_be_made_twice():
    first, *tables = create_project("t__p")
    assert first == "CREATE DATABASE IF NOT EXISTS `t__p`"
    names = tuple(PROJECT_TABLES)
    for name, statement in zip(names, tables, strict=True):
        assert statement.startswith(f"CREATE TABLE IF NOT EXISTS `t__p`.`{name}` (")
        assert "ENGINE = ReplacingMergeTree(" in statement
        assert statement.endswith("SETTINGS fsync_after_insert = 1, fsync_part_directory = 1")


def test_the_ledger_knows_a_page_by_run_stream_and_number():
    """INV-4: entering a page again changes nothing."""
    ledger = next(one for one in create_project("d") if "__ledger" in one)
    key = "dataset, run_id, stream, segment, slice, `index`"
    assert f"ReplacingMergeTree(ordinal) ORDER BY ({key})" in ledger
    assert "`page` UInt32 DEFAULT segment" in ledger, "rows of format 1 name their page so"
    assert "PARTITION BY" not in ledger


def test_events_are_known_by_time_and_key():
    data, rejects = create_dataset("d", _schema(), _storage())
    assert data.startswith("CREATE TABLE IF NOT EXISTS `d`.`sales_events__data` (")
    assert (
        "ENGINE = ReplacingMergeTree(_ver, _deleted) PARTITION BY toYYYYMMDD(`occurred_at`) "
        "ORDER BY (`occurred_at`, event_key) SETTINGS"
    ) in data
    for column in (
        "`amount` Nullable(Decimal(38, 9))",
        "`event_id` String",
        "`occurred_at` DateTime64(6, 'UTC')",
        "`ingested_at` DateTime64(3, 'UTC')",
        "`_ver` UInt64",
        "`_deleted` UInt8",
    ):
        assert f"{column}," in data.replace(") ENGINE", ", ENGINE")
    assert "ReplacingMergeTree(ordinal) ORDER BY (run_id, raw_ref, slice)" in rejects


def test_events_without_a_time_are_known_by_key():
    schema = _schema(time_column=None, granularity=None)
    data, _ = create_dataset("d", schema, _storage())
    assert "ReplacingMergeTree(_ver, _deleted) ORDER BY event_key SETTINGS" in data
    assert "PARTITION" not in data


@pytest.mark.parametrize(
    ("granularity", "expression"),
    [
        ("hour", "toStartOfHour(`occurred_at`)"),
        ("day", "toYYYYMMDD(`occurred_at`)"),
        ("week", "toMonday(`occurred_at`)"),
        ("month", "toYYYYMM(`occurred_at`)"),
        ("year", "toYear(`occurred_at`)"),
        (None, "toYYYYMMDD(`occurred_at`)"),
    ],
)
def test_partitions_have_the_declared_length(granularity, expression):
    data, _ = create_dataset("d", _schema(granularity=granularity), _storage())
    assert f"PARTITION BY {expression} " in data


def test_indexed_fields_get_the_index_that_fits_their_type():
    storage = _storage(indexing={"fields": ["amount", "event_id"]})
    data, _ = create_dataset("d", _schema(), storage)
    assert "INDEX `idx_amount` `amount` TYPE minmax GRANULARITY 1" in data
    assert "INDEX `idx_event_id` `event_id` TYPE bloom_filter(0.01) GRANULARITY 1" in data


def test_an_index_can_be_added_later():
    storage = _storage(indexing={"fields": ["amount"]})
    (statement,) = add_indexes("d", _schema(), storage)
    assert statement == (
        "ALTER TABLE `d`.`sales_events__data` ADD INDEX IF NOT EXISTS `idx_amount` `amount` "
        "TYPE minmax GRANULARITY 1"
    )
    assert add_indexes("d", _schema(), _storage()) == []


def test_the_view_shows_payload_and_envelope_and_nothing_of_ours():
    view = dataset_view("d", _schema(), "sales-events")
    assert view == (
        "CREATE OR REPLACE VIEW `d`.`sales_events` AS SELECT `amount`, `event_id`, `occurred_at`, "
        "`type`, `tenant_id`, `project_id`, `ingested_at`, "
        "concat('sha256:', _page, '#', toString(_record)) AS `raw_ref`, `run_id`, "
        "`profile_digest`, `event_key` FROM `d`.`sales_events__data` FINAL"
    )
