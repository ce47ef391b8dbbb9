"""Stored tables that move to another layout: exactly, at once, or not at all."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pyarrow as pa
import pytest

from chartly.api.event_schema import event_schema
from chartly.api.normalizer import NormalizerSpec
from chartly.api.storage import StorageSpec
from chartly.errors import Reason, RunError
from chartly_store.dataset_removal import drop_dataset
from chartly_store.event_table import EventTable
from chartly_store.project_store import ProjectStore

START = datetime(2026, 1, 1, 0, 30, tzinfo=UTC)
ASIDE = "sales__data__rebuild"
FIELDS = ("event_id", "occurred_at", "amount", "note", "count")
UTC_TIME = {"op": "toUtcTimestamp", "field": "occurred_at"}


def _specs(columns=None, granularity="day", fields=FIELDS, indexed=("amount",)):
    normalizer = {
        "canonicalEventType": "sales.event",
        "requiredFields": ["event_id", "occurred_at"],
        "mapping": {name: f"$.{name}" for name in fields},
        "transforms": [UTC_TIME],
    }
    storage = {
        "dataset": "sales",
        "partitioning": {"by": ["occurred_at"], "granularity": granularity},
        "indexing": {"fields": list(indexed)},
        "columns": columns or {},
    }
    return (
        NormalizerSpec.model_validate_json(json.dumps(normalizer)),
        StorageSpec.model_validate_json(json.dumps(storage)),
    )


class Sales:
    """A dataset with 60 events in 3 days, some of them twice, some removed."""

    def __init__(self, engine, project):
        self.engine = engine
        self.store = ProjectStore(engine, project)
        self.store.create()

    def ensure(self, engine=None, check_turn=lambda: None, **specs):
        normalizer, storage = _specs(**specs)
        store = self.store if engine is None else ProjectStore(engine, self.store.project)
        return store.ensure_dataset(event_schema(normalizer, storage), storage, "flow", check_turn)

    def put(self, numbers, version, note="n", amount="1.50", count="7", deleted=0, **specs):
        normalizer, storage = _specs(**specs)
        size = len(numbers)
        columns = {
            "event_id": pa.array([f"e-{number}" for number in numbers]),
            "occurred_at": pa.array(
                [START + timedelta(hours=number) for number in numbers], pa.timestamp("ms", "UTC")
            ),
            "amount": pa.array([amount] * size, pa.string()),
            "note": pa.array([note] * size, pa.string()),
            "count": pa.array([count] * size, pa.string()),
            "event_key": pa.array([f"e-{number}" for number in numbers]),
            "_ver": pa.array([version] * size, pa.uint64()),
            "_deleted": pa.array([deleted] * size, pa.uint8()),
            "_page": pa.array(["ab" * 32] * size),
            "_record": pa.array(numbers, pa.uint32()),
            "run_id": pa.array([f"run-{version}"] * size),
        }
        EventTable(self.store, event_schema(normalizer, storage), storage).insert(pa.table(columns))

    def fill(self):
        self.ensure()
        self.put(range(60), 1, note="old")
        self.put(range(0, 60, 2), 2)
        self.put([3, 5], 3, deleted=1)
        # Replaced or removed: nobody reads these values, so nobody has to understand them.
        self.put([60], 1, amount="?")
        self.put([60], 2)
        self.put([61], 1, amount="?", deleted=1)

    def rows(self, columns="* EXCEPT amount"):
        return self.engine.rows(f"SELECT {columns} FROM {self.store.view('sales')} ORDER BY ALL")

    def table(self, what):
        return self.engine.rows(
            f"SELECT {what} FROM system.tables "
            f"WHERE database = {{database:String}} AND name = 'sales__data'",
            {"database": self.store.database},
        )[0][0]

    def is_settled(self):
        return self.store.columns(ASIDE) == {}


@pytest.fixture
def sales(engine, project):
    made = Sales(engine, project)
    made.fill()
    return made


@pytest.mark.parametrize(
    ("granularity", "key"),
    [
        ("hour", "toStartOfHour(occurred_at)"),
        ("week", "toMonday(occurred_at)"),
        ("month", "toYYYYMM(occurred_at)"),
        ("year", "toYear(occurred_at)"),
    ],
)
def test_another_granularity_moves_every_row(sales, granularity, key):
    before = sales.rows("*")
    assert len(before) == 59
    row = sales.ensure(granularity=granularity)
    assert sales.rows("*") == before
    assert sales.table("partition_key") == key
    assert f'"granularity": "{granularity}"' in row.layout
    assert sales.store.dataset("sales") == row
    assert sales.is_settled()


@pytest.mark.parametrize(
    ("columns", "kind", "amount"),
    [
        ({"amount": "Decimal(18,2)"}, "Nullable(Decimal(18, 2))", Decimal("1.50")),
        ({"amount": "LowCardinality(String)"}, "LowCardinality(Nullable(String))", "1.50"),
    ],
)
def test_a_column_takes_another_type_with_every_value(sales, columns, kind, amount):
    before = sales.rows()
    sales.ensure(columns=columns)
    assert sales.rows() == before
    assert {row[0] for row in sales.rows("amount")} == {amount}
    assert sales.store.columns("sales__data")["amount"] == kind
    assert sales.is_settled()


def test_types_go_there_and_back_and_an_index_follows(sales):
    before = sales.rows("* EXCEPT (amount, count)")
    sales.ensure(columns={"amount": "Decimal(18,2)", "count": "Int64"})
    sales.ensure(columns={"amount": "Decimal(20,4)", "count": "Decimal(5,1)"}, granularity="month")
    assert sales.rows("DISTINCT amount, count") == [(Decimal("1.5"), Decimal(7))]
    # Neither a merge nor retention may ever show a value that was not understood.
    assert sales.engine.rows(
        f"SELECT countIf(amount IS NULL) FROM `{sales.store.database}`.sales__data "
        f"WHERE _deleted = 0"
    ) == [(0,)]
    assert "INDEX idx_amount amount TYPE minmax" in sales.table("create_table_query")
    sales.ensure()
    assert sales.rows("DISTINCT amount, count") == [("1.5", "7")]
    assert "INDEX idx_amount amount TYPE bloom_filter" in sales.table("create_table_query")
    assert sales.rows("* EXCEPT (amount, count)") == before


def test_what_no_profile_names_moves_along(sales):
    sales.ensure(fields=("event_id", "occurred_at", "amount"), granularity="month")
    assert sales.engine.rows(
        f"SELECT DISTINCT note FROM `{sales.store.database}`.sales__data FINAL ORDER BY note"
    ) == [("n",), ("old",)]


def test_tombstones_move_along(sales):
    """A row that comes again, from before its correction, stays removed."""
    before = sales.rows("*")
    sales.ensure(granularity="month")
    sales.put([3, 5], 1, note="old")
    assert sales.rows("*") == before


def test_values_that_do_not_fit_are_refused_and_nothing_changes(sales):
    """INV-10."""
    sales.put([10, 20, 30], 9, amount="1.505")
    before = (sales.rows("*"), sales.store.columns("sales__data"), sales.store.dataset("sales"))
    with pytest.raises(RunError) as caught:
        sales.ensure(columns={"amount": "Decimal(18,2)"}, granularity="month")
    assert caught.value.reason is Reason.SCHEMA_INCOMPATIBLE
    assert caught.value.message == (
        "dataset 'sales': column 'amount' is stored as Nullable(String) and declared as "
        "Nullable(Decimal(18, 2)), which 3 of 59 values do not fit exactly, the one of event "
        "'e-10' among them; nothing was changed; correct them, declare another type, or write "
        "another dataset"
    )
    after = (sales.rows("*"), sales.store.columns("sales__data"), sales.store.dataset("sales"))
    assert after == before
    assert sales.is_settled()


def test_a_dataset_without_time_takes_another_type(engine, project):
    sales = Sales(engine, project)
    normalizer, storage = _specs()
    for kind in ("String", "Int64"):
        timeless = storage.model_copy(update={"partitioning": None, "columns": {"count": kind}})
        schema = event_schema(normalizer, timeless)
        sales.store.ensure_dataset(schema, timeless, "flow")
        if kind == "String":
            sales.put([1, 2], 1)
    assert sales.rows("count") == [(7,), (7,)]


class CrashError(Exception):
    """The process died here."""


class DyingEngine:
    """An engine whose owner dies before or after one of its commands or inserts."""

    def __init__(self, engine, number, when):
        self._engine = engine
        self._left = number
        self._when = when

    def _act(self, act):
        self._left -= 1
        if self._left == 0 and self._when == "before":
            raise CrashError
        act()
        if self._left == 0:
            raise CrashError

    def command(self, sql, parameters=None):
        self._act(lambda: self._engine.command(sql, parameters))

    def insert(self, database, table, rows):
        self._act(lambda: self._engine.insert(database, table, rows))

    def rows(self, sql, parameters=None, settings=None):
        return self._engine.rows(sql, parameters, settings)


WANTED = {"columns": {"amount": "Decimal(18,2)"}, "granularity": "month"}


@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_anywhere_the_next_run_finds_or_finishes_it(engine, project, when):
    """INV-4: whoever dies, no row is lost and none is there twice."""
    sales = Sales(engine, project)
    number = 0
    while True:
        number += 1
        sales.fill()
        before = sales.rows()
        try:
            sales.ensure(DyingEngine(engine, number, when), **WANTED)
            break
        except CrashError:
            assert sales.rows() == before
        row = sales.ensure(**WANTED)
        assert sales.rows() == before
        assert sales.store.columns("sales__data")["amount"] == "Nullable(Decimal(18, 2))"
        assert sales.table("partition_key") == "toYYYYMM(occurred_at)"
        assert '"granularity": "month"' in row.layout
        assert sales.is_settled()
        drop_dataset(sales.store, "sales")
    assert number > 12


def test_a_table_that_follows_its_profiles_is_not_moved_again(sales):
    row = sales.ensure(**WANTED)
    engine = Recording(sales.engine)
    assert sales.ensure(engine, **WANTED) == row
    assert [one for one in engine.commands if "EXCHANGE" in one or "MODIFY" in one] == []


class Recording:
    """An engine that tells what it was told."""

    def __init__(self, engine):
        self._engine = engine
        self.commands = []

    def command(self, sql, parameters=None):
        self.commands.append(sql)
        self._engine.command(sql, parameters)

    def __getattr__(self, name):
        return getattr(self._engine, name)


def test_rows_that_come_on_the_way_are_not_left_behind(sales):
    """A process that was given up for dead may wake up."""
    asked = []

    def check_turn():
        asked.append(1)
        if len(asked) == 2:
            sales.put([1], 99, note="late")

    with pytest.raises(RunError, match="its rows changed while they were moved") as caught:
        sales.ensure(check_turn=check_turn, granularity="month")
    assert caught.value.reason is Reason.STORE_UNAVAILABLE
    assert ("late",) in sales.rows("DISTINCT note")
    assert sales.is_settled()
    sales.ensure(granularity="month")
    assert ("late",) in sales.rows("DISTINCT note")


@pytest.mark.parametrize("ask", [1, 2])
def test_an_attempt_that_is_over_moves_nothing(sales, ask):
    """Asked before the work and before the swap."""
    before = sales.table("partition_key")
    asked = []

    def check_turn():
        asked.append(1)
        if len(asked) == ask:
            raise RunError(Reason.TERMINATED, "over")

    with pytest.raises(RunError, match="over"):
        sales.ensure(check_turn=check_turn, granularity="month")
    assert sales.table("partition_key") == before


def test_teardown_takes_along_what_stands_beside(sales):
    number = 0
    while sales.is_settled():
        number += 1
        with pytest.raises(CrashError):
            sales.ensure(DyingEngine(sales.engine, number, "after"), **WANTED)
    drop_dataset(sales.store, "sales")
    assert sales.store.columns(ASIDE) == {}
