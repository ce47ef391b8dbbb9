from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pyarrow as pa
import pytest

from chartly.api.duration import Length
from chartly.api.event_schema import event_schema
from chartly.api.profile import parse_profile
from chartly.errors import Reason, RunError
from chartly.load.project_tables import PUBLISHED
from chartly.query.windows import window_of, windows_between
from chartly_store.attempts import Attempt, Attempts
from chartly_store.event_table import EventTable
from chartly_store.project_store import ProjectStore
from chartly_store.rollup import Publisher, Rollup
from support.profiles import changed, playbook_profile, playbook_profiles

PROFILES = {profile.id.kind: profile.spec for profile in playbook_profiles()}
START = datetime(2026, 2, 1, tzinfo=UTC)
DAY = Length(1, "day")
VIEW = "sales_rollup_daily"


def _analytics(**changes):
    source = playbook_profile("analytics")
    for path, value in changes.items():
        source = changed(source, "spec." + path.replace("__", "."), value)
    return parse_profile(source).spec


class Sales:
    """A dataset with hourly sales, filled run by run."""

    def __init__(self, engine, project):
        self.store = ProjectStore(engine, project)
        self.store.create()
        self.schema = event_schema(PROFILES["normalizer"], PROFILES["storage"])
        self.store.ensure_dataset(self.schema, PROFILES["storage"], "sales-onboard")
        self.table = EventTable(self.store, self.schema, PROFILES["storage"])

    def put(self, run, ordinal, days, **values):
        self.put_rows(run, ordinal, days, **values)
        attempt = Attempt(run, 1, 0, "sales-onboard", "1.0.0", "sha256:0", START)
        assert Attempts(self.store).begin(attempt, START).ordinal == ordinal

    def put_rows(
        self, run, ordinal, days, currency="EUR", amount="1.10", deleted=0, past=timedelta()
    ):
        rows = [
            {
                "amount": Decimal(amount).quantize(Decimal("1.000000000")),
                "currency": currency,
                "customer_id": None,
                "event_id": f"{day}-{hour}",
                "occurred_at": START + timedelta(days=day, hours=hour) + past,
                "type": "sales.event",
                "tenant_id": "t",
                "project_id": "p",
                "ingested_at": START,
                "_page": "0",
                "_record": hour,
                "run_id": run,
                "profile_digest": "sha256:0",
                "event_key": f"{day}-{hour}",
                "_ver": ordinal << 40,
                "_deleted": deleted,
            }
            for day in days
            for hour in range(3)
        ]
        types = {
            "_ver": pa.uint64(),
            "_deleted": pa.uint8(),
            "_record": pa.uint32(),
            "amount": pa.decimal128(38, 9),
        }
        schema = pa.schema(
            [
                (
                    name,
                    types.get(name)
                    or (pa.timestamp("us", "UTC") if isinstance(value, datetime) else pa.string()),
                )
                for name, value in rows[0].items()
            ]
        )
        self.table.insert(pa.Table.from_pylist(rows, schema))

    def rollup(self, **changes):
        return Rollup(self.store, _analytics(**changes), "occurred_at")

    def rows(self):
        return self.store.engine.rows(f"SELECT * FROM `{self.store.database}`.{VIEW} ORDER BY ALL")


@pytest.fixture
def sales(engine, project):
    return Sales(engine, project)


def _publisher(number, digest="sha256:q", rivals=()):
    return Publisher(number, f"run-{number}", digest, rivals)


def _publish(rollup, number, digest="sha256:q", sealed=None):
    return rollup.publish(rollup.touched(digest), _publisher(number, digest), sealed, complete=True)


def test_the_playbook_s_query_is_computed_per_window(sales):
    sales.put("run-1", 1, range(3))
    result = _publish(sales.rollup(), 1)
    assert (result.windows, result.sealed, result.rows) == (3, 0, 3)
    assert [row[1:] for row in sales.rows()] == [("EUR", 3, Decimal("3.300000000"))] * 3


def test_only_touched_windows_are_computed_again_and_a_repeat_changes_nothing(sales):
    sales.put("run-1", 1, range(5))
    first = _publish(sales.rollup(), 1)
    assert sales.rollup().touched("sha256:q") == []
    sales.put("run-2", 2, [3])
    touched = sales.rollup().touched("sha256:q")
    assert touched == [window_of(START + timedelta(days=3), DAY)]
    assert _publish(sales.rollup(), 2).fingerprint == first.fingerprint
    assert sales.rollup().fingerprint() == first.fingerprint


@pytest.mark.parametrize(
    ("ordinal", "rivals", "covers", "because"),
    [
        (5, (), 5, "nobody else writes"),
        (5, (3,), 2, "an earlier one still loads"),
        (5, (7,), 5, "a later one begins where this one ends"),
        (5, (7, 4, 6), 3, "the earliest decides"),
    ],
)
def test_what_a_publication_covers(ordinal, rivals, covers, because):
    assert _publisher(ordinal, rivals=rivals).covers == covers, because


@pytest.mark.parametrize(
    ("ordinal", "last", "because"),
    [
        (5, 0, "the first one"),
        (5, 4, "in the order of attempts"),
        (5, 5, "of another query, by the same attempt"),
        (5, 9, "an attempt that began earlier and publishes later"),
        (5, (3 << 28) | 9, "again"),
    ],
)
def test_each_publication_is_above_the_last(ordinal, last, because):
    generation = _publisher(ordinal).generation(last)
    assert generation > last, because
    assert generation & ((1 << 28) - 1) == ordinal


def test_an_earlier_attempt_that_publishes_later_publishes_all_its_windows(sales):
    """It loads while a later one publishes the same window without its rows."""
    sales.put("run-1", 1, [0])
    sales.put("run-2", 2, [0, 1])
    later = sales.rollup()
    windows = later.touched("sha256:q")
    later.publish(windows, _publisher(2, rivals=(1,)), None, complete=True)
    sales.put_rows("run-1", 3, [0, 2], currency="USD")
    earlier = sales.rollup()
    assert [one.start.day for one in earlier.touched("sha256:q")] == [1, 2, 3]
    earlier.publish(earlier.touched("sha256:q"), _publisher(1), None, complete=True)
    assert [row[1:3] for row in sales.rows()] == [("USD", 3), ("EUR", 3), ("USD", 3)]


def test_rows_that_come_behind_a_publication_are_in_the_next_one(sales):
    """The attempt that loads them fails, and never publishes."""
    sales.put("run-1", 1, [0])
    sales.put("run-2", 2, [1])
    rollup = sales.rollup()
    rollup.publish(rollup.touched("sha256:q"), _publisher(2, rivals=(1,)), None, complete=True)
    sales.put_rows("run-1", 1, [5])
    sales.put("run-3", 3, [1])
    assert 6 in [one.start.day for one in sales.rollup().touched("sha256:q")]


def test_rows_of_a_rival_that_has_not_published_them_are_not_swept(sales):
    sales.put("run-1", 1, [0])
    sales.put("run-2", 2, [1])
    earlier, later = sales.rollup(), sales.rollup()
    switch = earlier._switch

    def others_publish(*given, **named):
        publisher = _publisher(2, rivals=(1,))
        later.publish(later.touched("sha256:q")[1:], publisher, None, complete=True)
        switch(*given, **named)

    earlier._switch = others_publish
    earlier.publish(
        earlier.touched("sha256:q")[:1], _publisher(1, rivals=(2,)), None, complete=True
    )
    assert [row[2] for row in sales.rows()] == [3, 3]


def test_rows_of_a_run_that_never_published_are_covered_by_the_next(sales):
    sales.put("run-1", 1, range(2))
    _publish(sales.rollup(), 1)
    sales.put("died", 2, [4])
    sales.put("run-3", 3, [1])
    assert [one.start.day for one in sales.rollup().touched("sha256:q")] == [2, 5]


def test_another_query_computes_every_window_again(sales):
    sales.put("run-1", 1, range(4))
    _publish(sales.rollup(), 1)
    assert len(sales.rollup().touched("sha256:other")) == 4


def test_groups_that_vanish_vanish_and_other_windows_stay(sales):
    sales.put("run-1", 1, [0, 1])
    _publish(sales.rollup(), 1)
    sales.put("run-2", 2, [0], currency="USD")
    _publish(sales.rollup(), 2)
    assert [row[1] for row in sales.rows()] == ["USD", "EUR"]


def test_a_window_whose_rows_are_all_gone_is_published_empty(sales):
    sales.put("run-1", 1, [0, 1])
    _publish(sales.rollup(), 1)
    sales.put("run-2", 2, [0], deleted=1)
    result = _publish(sales.rollup(), 2)
    assert (result.windows, result.rows) == (1, 1)


def test_a_range_that_was_asked_for_leaves_the_others_to_the_next_run(sales):
    sales.put("run-1", 1, range(4))
    rollup = sales.rollup()
    given = windows_between(START, START + timedelta(days=1), DAY)
    rollup.publish(given, _publisher(1), None, complete=False)
    assert len(sales.rows()) == 1
    assert len(sales.rollup().touched("sha256:q")) == 4


def test_a_sealed_window_is_kept_as_it_is(sales):
    sales.put("run-1", 1, range(3))
    _publish(sales.rollup(), 1)
    sales.put("run-2", 2, range(3), currency="USD")
    result = _publish(sales.rollup(), 2, sealed=START + timedelta(days=1))
    assert (result.windows, result.sealed) == (2, 1)
    assert [row[1] for row in sales.rows()] == ["EUR", "USD", "USD"]


def test_a_crash_before_the_switch_leaves_the_old_result(sales, monkeypatch):
    sales.put("run-1", 1, range(2))
    first = _publish(sales.rollup(), 1)
    sales.put("run-2", 2, range(2), currency="USD")
    dying = sales.rollup()
    monkeypatch.setattr(dying, "_switch", lambda *_, **__: (_ for _ in ()).throw(RuntimeError))
    with pytest.raises(RuntimeError):
        _publish(dying, 2)
    assert sales.rollup().fingerprint() == first.fingerprint
    _publish(sales.rollup(), 3)
    assert [row[1:3] for row in sales.rows()] == [("USD", 3)] * 2
    stored = sales.store.engine.rows(f"SELECT count() FROM `{sales.store.database}`.{VIEW}__data")
    assert stored == [(2,)]


def test_many_windows_are_switched_by_one_insert(sales, monkeypatch):
    sales.put("run-1", 1, range(60))
    calls = []
    insert = sales.store.insert_dicts
    monkeypatch.setattr(
        sales.store,
        "insert_dicts",
        lambda table, rows: (calls.append((table, len(rows))), insert(table, rows)),
    )
    assert _publish(sales.rollup(), 1).rows == 60
    assert calls == [(PUBLISHED, 61)]


def test_declared_columns_are_a_contract(sales):
    columns = {
        "day": "Timestamp",
        "currency": "String",
        "orders": "Int64",
        "total_amount": "Decimal(18,2)",
    }
    sales.put("run-1", 1, [0])
    _publish(sales.rollup(outputs__columns=columns), 1)
    assert sales.rows() == [(START, "EUR", 3, Decimal("3.30"))]
    kinds = sales.store.columns(f"{VIEW}__data")
    assert kinds["total_amount"] == "Decimal(18, 2)"


def test_what_would_lose_digits_is_no_output(sales):
    columns = {
        "day": "Timestamp",
        "currency": "String",
        "orders": "Int64",
        "total_amount": "Decimal(18,2)",
    }
    sales.put("run-1", 1, [0], amount="0.001")
    with pytest.raises(RunError, match="column 'total_amount' does not fit Decimal") as caught:
        _publish(sales.rollup(outputs__columns=columns), 1)
    assert caught.value.reason is Reason.OUTPUT_CONTRACT


@pytest.mark.parametrize(
    ("columns", "says"),
    [({"day": "Timestamp"}, "the query gives columns day, currency, orders, total_amount")],
)
def test_columns_that_are_not_the_query_s_are_refused(sales, columns, says):
    sales.put("run-1", 1, [0])
    with pytest.raises(RunError, match=says) as caught:
        _publish(sales.rollup(outputs__columns=columns), 1)
    assert caught.value.reason is Reason.OUTPUT_CONTRACT


def test_an_output_never_changes_its_columns(sales):
    sales.put("run-1", 1, [0])
    _publish(sales.rollup(), 1)
    text = (
        "SELECT currency, count() AS orders FROM {{dataset}} WHERE occurred_at >= {{window_start}} "
        "AND occurred_at < {{window_end}} GROUP BY 1"
    )
    with pytest.raises(RunError, match="the dataset holds day") as caught:
        _publish(sales.rollup(queryTemplate__text=text), 2, "sha256:new")
    assert caught.value.reason is Reason.OUTPUT_CONTRACT


LATEST = (
    "SELECT currency, max(occurred_at) AS latest FROM {{dataset}} "
    "WHERE occurred_at >= {{window_start}} AND occurred_at < {{window_end}} GROUP BY 1"
)


def _latest(sales, kind):
    declared = {} if kind is None else {"currency": "String", "latest": kind}
    return sales.rollup(queryTemplate__text=LATEST, outputs__columns=declared)


@pytest.mark.parametrize(
    ("kind", "stored"),
    [(None, 6), ("Timestamp", 6), ("Timestamp(3)", 3), ("Timestamp(6)", 6), ("Timestamp(9)", 9)],
)
def test_an_instant_of_a_new_output_has_the_digits_of_its_column_or_declaration(
    sales, kind, stored
):
    sales.put("run-1", 1, [0])
    _publish(_latest(sales, kind), 1)
    assert sales.store.columns(f"{VIEW}__data")["latest"] == f"DateTime64({stored}, 'UTC')"
    assert sales.rows() == [("EUR", START + timedelta(hours=2))]


@pytest.mark.parametrize("kind", [None, "Timestamp"])
@pytest.mark.parametrize("recorded", [3, 9])
def test_an_instant_of_a_stored_output_keeps_its_digits(sales, kind, recorded):
    sales.put("run-1", 1, [0])
    first = _publish(_latest(sales, f"Timestamp({recorded})"), 1)
    again = _publish(_latest(sales, kind), 2, "sha256:later")
    assert again.fingerprint == first.fingerprint
    assert sales.store.columns(f"{VIEW}__data")["latest"] == f"DateTime64({recorded}, 'UTC')"
    sales.put("run-2", 2, [0], past=timedelta(microseconds=1))
    if recorded == 9:
        _publish(_latest(sales, kind), 3, "sha256:last")
        assert sales.rows() == [("EUR", START + timedelta(hours=2, microseconds=1))]
        return
    says = r"column 'latest' does not fit DateTime64\(3, 'UTC'\): .* lose data"
    with pytest.raises(RunError, match=says) as caught:
        _publish(_latest(sales, kind), 3, "sha256:last")
    assert caught.value.reason is Reason.OUTPUT_CONTRACT


@pytest.mark.parametrize("kind", ["Timestamp(3)", "Timestamp(9)"])
def test_an_instant_with_other_digits_than_those_stored_is_another_contract(sales, kind):
    sales.put("run-1", 1, [0])
    _publish(_latest(sales, None), 1)
    with pytest.raises(RunError, match="the dataset holds currency") as caught:
        _publish(_latest(sales, kind), 2, "sha256:later")
    assert caught.value.reason is Reason.OUTPUT_CONTRACT


def test_a_declared_instant_that_would_lose_digits_is_no_output(sales):
    sales.put("run-1", 1, [0], past=timedelta(microseconds=1))
    with pytest.raises(RunError, match="column 'latest' does not fit Timestamp") as caught:
        _publish(_latest(sales, "Timestamp(3)"), 1)
    assert caught.value.reason is Reason.OUTPUT_CONTRACT


def test_limits_hold(sales):
    sales.put("run-1", 1, range(20))
    with pytest.raises(RunError) as caught:
        _publish(sales.rollup(limits={"maxMemoryBytes": 1}), 1)
    assert caught.value.reason is Reason.STORE_UNAVAILABLE


def test_writes_still_work_after_a_query_ran_read_only(sales):
    sales.put("run-1", 1, [0])
    _publish(sales.rollup(), 1)
    sales.put("run-2", 2, [1])
    assert _publish(sales.rollup(), 2).rows == 2


@pytest.mark.parametrize("threads", [1, 2])
def test_a_fingerprint_does_not_depend_on_threads(sales, threads):
    """INV-5."""
    sales.put("run-1", 1, range(30))
    rollup = sales.rollup()
    expected = _publish(rollup, 1).fingerprint
    from chartly.query.fingerprint import fingerprint_query, fingerprint_text

    row = sales.store.engine.rows(
        fingerprint_query(sales.store.view("sales-rollup-daily")), settings={"max_threads": threads}
    )[0]
    assert fingerprint_text(row) == expected


def _as_before(sales):
    """The output's table as an older version made it: rows without places."""
    table = f"`{sales.store.database}`.`{VIEW}__data`"
    for statement in (
        (
            f"CREATE TABLE {table[:-1]}_old` ENGINE = MergeTree "
            f"ORDER BY (_window_start, _generation) AS SELECT * EXCEPT _row FROM {table}"
        ),
        f"EXCHANGE TABLES {table[:-1]}_old` AND {table}",
        f"DROP TABLE {table[:-1]}_old` SYNC",
    ):
        sales.store.engine.command(statement)


class DeathError(Exception):
    """The process died here."""


@pytest.mark.parametrize("dies", ["", "CREATE OR REPLACE TABLE", "EXCHANGE", "DROP TABLE"])
def test_the_rows_of_an_older_store_get_their_places(sales, monkeypatch, dies):
    sales.put("run-1", 1, range(3))
    before = _publish(sales.rollup(), 1)
    _as_before(sales)
    engine = sales.store.engine

    def command(sql, parameters=None, real=engine.command):
        real(sql, parameters)
        if dies and dies in sql:
            raise DeathError

    if dies:
        with monkeypatch.context() as patched:
            patched.setattr(engine, "command", command)
            with pytest.raises(DeathError):
                _publish(sales.rollup(), 2)
    sales.put("run-2", 2, [5])
    after = _publish(sales.rollup(), 3)
    assert (before.rows, after.rows) == (3, 4)
    assert "_row" in sales.store.columns(f"{VIEW}__data")
    assert sales.store.columns(f"{VIEW}__data_numbered") == {}
    assert [row[1:] for row in sales.rows()] == [("EUR", 3, Decimal("3.300000000"))] * 4


def test_an_exchange_whose_answer_is_lost_is_not_undone(sales, monkeypatch):
    """The engine sends it again, and two exchanges are none."""
    sales.put("run-1", 1, range(3))
    _publish(sales.rollup(), 1)
    _as_before(sales)
    engine = sales.store.engine
    lost = []

    def command(sql, parameters=None, real=engine.command):
        real(sql, parameters)
        if sql.startswith("EXCHANGE") and not lost:
            lost.append(sql)
            real(sql, parameters)

    monkeypatch.setattr(engine, "command", command)
    sales.put("run-2", 2, [5])
    assert _publish(sales.rollup(), 2).rows == 4
    assert "_row" in sales.store.columns(f"{VIEW}__data")
    assert lost


def test_rows_that_are_inserted_again_are_there_once(sales, monkeypatch):
    """An insert whose answer was lost is sent again, over a network."""
    sales.put("run-1", 1, range(3))
    engine = sales.store.engine

    def insert(database, table, rows, real=engine.insert):
        real(database, table, rows)
        real(database, table, rows)

    monkeypatch.setattr(engine, "insert", insert)
    assert _publish(sales.rollup(), 1).rows == 3
    assert [row[2] for row in sales.rows()] == [3, 3, 3]


def test_a_process_that_was_given_up_for_dead_sweeps_nothing_of_its_successor(sales):
    """The later generation is computed, and not published yet, when the older process wakes up."""
    sales.put("run-1", 1, range(2))
    sales.put("run-2", 2, [0])
    late = sales.rollup()
    windows = late.touched("sha256:q")
    late._ensure_output()
    counts = late._compute(windows, 2)
    _publish(sales.rollup(), 1)
    late._switch(windows, counts, 2, _publisher(2), complete=True)
    assert [row[2] for row in sales.rows()] == [3, 3]
