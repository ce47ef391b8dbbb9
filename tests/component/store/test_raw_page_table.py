"""Pages as received, and the room that a dataset may take."""

import hashlib
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from chartly.api.event_schema import event_schema
from chartly.api.normalizer import NormalizerSpec
from chartly.api.storage import StorageSpec
from chartly.errors import Reason, RunError
from chartly_store.dataset_removal import drop_dataset
from chartly_store.event_table import EventTable
from chartly_store.project_store import ProjectStore
from chartly_store.raw_page_table import RawPage

NOW = datetime(2026, 2, 10, 6, tzinfo=UTC)
BODY = b'{"data": [{"id": "a"}, {"id": "b", "more": "\xc3\xa4"}]}'
NORMALIZER = NormalizerSpec.model_validate_json(
    json.dumps({"canonicalEventType": "sales.event", "mapping": {"event_id": "$.id"}})
)


@pytest.fixture
def store(engine, project):
    made = ProjectStore(engine, project)
    made.create()
    return made


def _table(store, workflow="flow", **changes):
    storage = StorageSpec.model_validate_json(json.dumps({"dataset": "sales", **changes}))
    schema = event_schema(NORMALIZER, storage)
    store.ensure_dataset(schema, storage, workflow)
    return EventTable(store, schema, storage)


def _kept(store, **changes):
    return _table(store, **{"raw": {"enabled": True}, **changes})


def _page(body=BODY, run="run-1", segment=0, at=NOW):
    return RawPage(hashlib.sha256(body).hexdigest(), "main", run, segment, at, body)


def _event(table, page, index, key):
    columns = {
        "event_id": [key],
        "event_key": [key],
        "_page": [page.sha256],
        "_record": pa.array([index], pa.uint32()),
        "_ver": pa.array([1], pa.uint64()),
        "_deleted": pa.array([0], pa.uint8()),
    }
    table.insert(pa.table(columns))


def _bodies(store, view="sales_raw"):
    sql = f"SELECT run_id, segment, size, body FROM `{store.database}`.{view} ORDER BY ALL"
    return store.engine.rows(sql)


def test_a_page_is_kept_byte_for_byte_and_once(store):
    table = _kept(store)
    for _ in range(2):
        table.insert_raw([_page(), _page(b"[]", segment=1)])
    assert _bodies(store) == [
        ("run-1", 0, len(BODY), BODY.decode()),
        ("run-1", 1, 2, "[]"),
    ]
    hashed = f"SELECT countIf(lower(hex(SHA256(body))) != sha256) FROM `{store.database}`.sales_raw"
    assert store.engine.rows(hashed) == [(0,)]


@pytest.mark.parametrize("later", [timedelta(seconds=1), timedelta(days=9)])
def test_a_page_that_comes_again_is_of_the_last_run(store, later):
    """Also across the weeks that partition the table."""
    table = _kept(store)
    table.insert_raw([_page(run="run-2", segment=7, at=NOW + later)])
    table.insert_raw([_page()])
    assert _bodies(store) == [("run-2", 7, len(BODY), BODY.decode())]


def test_the_query_of_the_docs_leads_from_an_event_to_its_record(store):
    table = _kept(store)
    page = _page()
    table.insert_raw([page])
    _event(table, page, 1, "o-17")
    _event(table, page, 0, "a")
    text = (Path(__file__).parents[3] / "docs/user/storage.md").read_text(encoding="utf-8")
    (sql,) = re.findall(r"^```sql\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    for shown, name in (("sales_events", "sales"), ("sales_raw", "sales_raw")):
        assert f" {shown} AS " in sql
        sql = sql.replace(f" {shown} AS ", f" `{store.database}`.{name} AS ")
    assert store.engine.rows(sql) == [('{"id":"b","more":"ä"}',)]


def test_no_page_is_kept_unless_the_profile_says_so(store):
    table = _table(store)
    table.insert_raw([_page()])
    assert store.columns("sales_raw") == {}
    assert store.pages_of("sales") == []


def test_no_pages_are_no_insert(store):
    _kept(store).insert_raw([])
    assert _bodies(store) == []


def test_pages_are_read_by_a_name_of_their_own(store):
    _kept(store, raw={"enabled": True, "dataset": "received"}).insert_raw([_page()])
    assert len(_bodies(store, "received")) == 1
    assert store.pages_of("sales") == ["received"]


def test_the_name_must_be_free(store):
    """INV-10."""
    _kept(store)
    with pytest.raises(RunError) as caught:
        _kept(store, dataset="orders", raw={"enabled": True, "dataset": "sales-raw"})
    assert caught.value.reason is Reason.SCHEMA_INCOMPATIBLE
    assert caught.value.message == (
        'dataset \'sales-raw\' is laid out as {"pagesOf": "sales"}; {"pagesOf": "orders"} '
        "needs another dataset"
    )


@pytest.mark.parametrize("enabled", [True, False])
def test_pages_go_when_nobody_received_them_for_long(store, enabled):
    """Also those from before they were no longer kept."""
    old, again = _page(at=NOW - timedelta(days=3, seconds=1)), _page(b"[]", at=NOW)
    _kept(store).insert_raw([old, _page(b"[]", at=NOW - timedelta(days=3, seconds=1)), again])
    _table(store, raw={"enabled": enabled, "retentionDays": 3}).expire(NOW)
    assert [row[3] for row in _bodies(store)] == ["[]"]


def test_events_do_not_go_with_pages(store):
    table = _kept(store)
    page = _page(at=NOW - timedelta(days=30))
    table.insert_raw([page])
    _event(table, page, 0, "a")
    table.expire(NOW)
    assert _bodies(store) == []
    assert store.engine.rows(f"SELECT event_id FROM {store.view('sales')}") == [("a",)]


def test_teardown_takes_pages_along(store):
    _kept(store)
    _kept(store, raw={"enabled": True, "dataset": "received"})
    assert store.pages_of("sales") == ["received", "sales-raw"]
    assert drop_dataset(store, "sales")
    for table in ("sales__data", "sales_raw__data", "received__data", "sales_raw", "received"):
        assert store.columns(table) == {}
    assert store.pages_of("sales") == []
    assert _kept(store, workflow="other") is not None


def test_a_dataset_that_is_too_large_takes_no_more(store):
    """INV-10: events, rejects and pages count."""
    table = _kept(store, maxBytes=1000)
    table.check_quota()
    table.insert_raw([_page(bytes(range(256)) * 4 + hashlib.sha512(b"x").digest() * 20)])
    assert store.bytes_on_disk("sales") > 1000
    with pytest.raises(RunError) as caught:
        table.check_quota()
    assert caught.value.reason is Reason.STORAGE_QUOTA_EXCEEDED
    assert caught.value.message == "dataset 'sales' is larger than its maxBytes 1000"
    _table(store, dataset="other", maxBytes=1000).check_quota()


def test_rejects_take_room(store):
    table = _table(store)
    before = store.bytes_on_disk("sales")
    table.insert_rejects([{"run_id": "run-1", "raw_ref": "sha256:0#0", "record": "x"}])
    assert store.bytes_on_disk("sales") > before


def test_parts_that_were_merged_away_take_no_room(store):
    """The engine's own limit counts them, and so would refuse a table that is half full."""
    table = _table(store)
    for number in range(4):
        _event(table, _page(), number, f"key-{number}")
    full = store.bytes_on_disk("sales")
    store.engine.command(f"OPTIMIZE TABLE `{store.database}`.sales__data FINAL")
    assert store.bytes_on_disk("sales") <= full
