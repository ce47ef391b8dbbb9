"""One list of cases for every adapter of the engine's port, and one load that all must agree on.

A real server takes part where ``CHARTLY_TEST_CLICKHOUSE`` names one, as http(s)://user:password@host:port.
"""

import itertools
import json
import os
import subprocess
import sys
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pyarrow as pa
import pytest

from chartly.api.event_schema import event_schema
from chartly.api.normalizer import NormalizerSpec
from chartly.api.reference import Project
from chartly.api.storage import StorageSpec
from chartly.errors import Reason, RunError
from chartly.load.query_output import FORMAT
from chartly.load.query_output import SETTINGS as RESULT_SETTINGS
from chartly.load.sql import qualified
from chartly.names import SYSTEM_DATABASE
from chartly_store.embedded import open_embedded
from chartly_store.event_table import EventTable
from chartly_store.ledger import Ledger
from chartly_store.project_store import ProjectStore
from chartly_store.query_form import parse_result
from chartly_store.raw_page_table import RawPage
from chartly_store.server import Patience, ServerEngine, open_server
from support.clickhouse_given import VARIABLE, given_access
from support.clickhouse_process import Serving, clickhouse
from support.loading import load_pages, page, sale, sales_plan

REAL = os.environ.get(VARIABLE)
LEGS = ["embedded", "server", *(["real"] if REAL else [])]
NUMBERS = itertools.count()
NAMES = (f"chartly_contract_{os.getpid()}_{number}" for number in itertools.count())
MOMENT = datetime(2026, 2, 2, 10, 15, 0, 123000, tzinfo=UTC)
LONGEST_DECIMAL = Decimal("12345678901234567890123456789.123456789")
LIMITS = {"readonly": 2, "max_execution_time": 5}
COLUMNS = {
    "id": ("UInt64", pa.uint64()),
    "whole": ("Int64", pa.int64()),
    "number": ("Decimal(38, 9)", pa.decimal128(38, 9)),
    "money": ("Nullable(Decimal(18, 2))", pa.decimal128(18, 2)),
    "moment": ("DateTime64(3, 'UTC')", pa.timestamp("ms", tz="UTC")),
    "maybe": ("Nullable(DateTime64(3, 'UTC'))", pa.timestamp("ms", tz="UTC")),
    "day": ("Nullable(Date32)", pa.date32()),
    "text": ("String", pa.string()),
    "word": ("LowCardinality(String)", pa.dictionary(pa.int8(), pa.string())),
    "mood": ("LowCardinality(Nullable(String))", pa.string()),
    "flag": ("Nullable(Bool)", pa.bool_()),
}
ROWS = [
    (0, -(2**63), -LONGEST_DECIMAL, Decimal("-0.01"), MOMENT, MOMENT, date(2026, 2, 2), "", "a", "", True),
    (1, 2**63 - 1, LONGEST_DECIMAL, None, datetime(1970, 1, 1, tzinfo=UTC), None, None, "ä漢😀\t\n\\'\"\0", "ß", None, False),
    (2**64 - 1, 0, Decimal("0.000000001"), Decimal("9999999999999999.99"), datetime(2261, 1, 1, tzinfo=UTC), MOMENT, date(1900, 1, 1), "x" * 70_000, "a", "b", None),
]  # fmt: skip


def _opened(leg, folder):
    if leg == "embedded":
        yield open_embedded(folder / "store")
    elif leg == "server":
        # INV-5 holds in every time zone, the server's among them.
        with clickhouse(folder / "server", how=Serving(zone="America/New_York")) as server:
            yield open_server(server.secret(folder / "secret"))
    else:
        engine = ServerEngine(given_access(), Patience())
        before = databases(engine)
        yield engine
        _leave_as_found(engine, before)


def databases(engine):
    return {str(name) for (name,) in engine.rows("SELECT name FROM system.databases")}


def _leave_as_found(engine, before):
    """Somebody's server keeps its own audit trail; one that a test began goes with it."""
    if SYSTEM_DATABASE not in before:
        engine.command(f"DROP DATABASE IF EXISTS {SYSTEM_DATABASE} SYNC")
    assert databases(engine) - before == set()


@pytest.fixture(scope="module")
def engines(tmp_path_factory):
    """Every engine, opened when first asked for."""
    found, running = {}, []

    def engine(leg):
        if leg not in found:
            opening = _opened(leg, tmp_path_factory.mktemp(leg))
            running.append(opening)
            found[leg] = next(opening)
        return found[leg]

    yield engine
    for one in running:
        next(one, None)
    for one in found.values():
        one.close()


@pytest.fixture(params=LEGS)
def engine(request, engines):
    return engines(request.param)


@pytest.fixture
def database(engine):
    name = next(NAMES)
    engine.command(f"CREATE DATABASE {name}")
    yield name
    engine.command(f"DROP DATABASE {name} SYNC")


@pytest.fixture
def table(engine, database):
    """A table with every stored type; returns how to name it."""
    columns = ", ".join(f"{name} {kind}" for name, (kind, _) in COLUMNS.items())
    engine.command(f"CREATE TABLE {database}.t ({columns}) ENGINE = MergeTree ORDER BY id")
    return f"{database}.t"


def arrow(rows):
    columns = zip(*rows, strict=True) if rows else [[] for _ in COLUMNS]
    return pa.table(
        {
            name: pa.array(values, kind)
            for (name, (_, kind)), values in zip(COLUMNS.items(), columns, strict=True)
        }
    )


def test_every_stored_type_comes_back_exactly(engine, database, table):
    engine.insert(database, "t", arrow(ROWS))
    assert engine.rows(f"SELECT * FROM {table} ORDER BY id") == ROWS


def test_arrow_gives_the_same_values_in_plain_types(engine, database, table):
    engine.insert(database, "t", arrow(ROWS))
    found = engine.arrow(f"SELECT * FROM {table} ORDER BY id")
    assert [tuple(row.values()) for row in found.to_pylist()] == ROWS
    kinds = dict(zip(found.column_names, found.schema.types, strict=True))
    assert kinds["number"] == pa.decimal128(38, 9)
    assert kinds["moment"] == pa.timestamp("ms", tz="UTC")
    assert {kinds[name] for name in ("text", "word", "mood")} == {pa.string()}


def test_columns_are_matched_by_name(engine, database, table):
    engine.insert(database, "t", arrow(ROWS).select(list(reversed(COLUMNS))))
    assert engine.rows(f"SELECT * FROM {table} ORDER BY id") == ROWS


def test_chunks_of_a_table_are_all_inserted(engine, database, table):
    whole = arrow(ROWS)
    engine.insert(database, "t", pa.concat_tables([whole.slice(0, 1), whole.slice(1)]))
    assert engine.rows(f"SELECT count() FROM {table}") == [(3,)]


def test_a_table_without_rows_has_its_columns(engine, database, table):
    engine.insert(database, "t", arrow([]))
    assert engine.rows(f"SELECT * FROM {table}") == []
    found = engine.arrow(f"SELECT id, text FROM {table}")
    assert (found.column_names, found.num_rows) == (["id", "text"], 0)


@pytest.mark.parametrize("text", ["\n\n", ";\n", "\n\n;\n\nSELECT 1\n\n", "FORMAT Native\n", "\0"])
def test_no_value_ends_the_data_of_an_insert(engine, database, text):
    """A block may hold any bytes, also those at which a parser would stop."""
    engine.command(f"CREATE TABLE {database}.b (a String) ENGINE = MergeTree ORDER BY a")
    engine.insert(database, "b", pa.table({"a": [text, text * 1000]}))
    assert engine.rows(f"SELECT a FROM {database}.b ORDER BY length(a)") == [
        (text,),
        (text * 1000,),
    ]


def test_an_engine_works_on_after_it_has_given_memory_back(engine):
    wanted = engine.rows("SELECT sum(number), uniqExact(number) FROM numbers(1000000)")
    engine.release_unused()
    assert engine.rows("SELECT sum(number), uniqExact(number) FROM numbers(1000000)") == wanted


def test_a_large_result_is_whole(engine):
    found = engine.arrow("SELECT number FROM numbers(1000000)")
    assert found.num_rows == 1_000_000
    assert len(engine.rows("SELECT number FROM numbers(100000)")) == 100_000


VALUES = [
    ("String", "'; DROP TABLE x; --\\", "quotes and comments are text"),
    ("String", "a\tb\nc\\d\0e", "so are the characters that the protocol escapes"),
    ("String", "", "nothing is a text, too"),
    ("String", "漢😀", "and so is the rest of Unicode"),
    ("String", "x" * 20_000, "a long value still fits the request"),
    ("UInt64", 2**64 - 1, "unsigned to the end"),
    ("Int64", -(2**63), "signed to the end"),
]


@pytest.mark.parametrize(("kind", "value", "because"), VALUES, ids=[one[2] for one in VALUES])
def test_values_are_parameters(engine, kind, value, because):
    assert engine.rows(f"SELECT {{x:{kind}}}", {"x": value}) == [(value,)], because


def test_an_instant_is_a_parameter(engine):
    sql = "SELECT {x:DateTime64(3, 'UTC')} AS x"
    assert engine.rows(sql, {"x": "2026-02-02 10:15:00.123"}) == [(MOMENT,)]
    assert engine.arrow(sql, {"x": "2026-02-02 10:15:00.123"}).to_pylist() == [{"x": MOMENT}]


INSTANTS = [
    ("1900-01-01T00:00:00Z", -2_208_988_800_000_000_000),
    ("1905-06-15T12:00:00.000000001Z", -2_036_923_199_999_999_999),
    ("1969-12-31T23:59:59.999999999Z", -1),
    ("1970-01-01T00:00:00Z", 0),
    ("2026-02-02T10:15:00.123456789Z", 1_770_027_300_123_456_789),
    ("2106-02-07T06:28:16.5Z", 4_294_967_296_500_000_000),
    ("2261-12-31T23:59:59.999999999Z", 9_214_646_399_999_999_999),
]
"""Texts of instants, and their nanoseconds since 1970."""


def _instants(engine, database, digits, unit):
    ticks = pa.array([count // 10 ** (9 - digits) for _, count in INSTANTS], pa.int64())
    engine.command(
        f"CREATE TABLE {database}.i{digits} (at DateTime64({digits}, 'UTC')) "
        "ENGINE = MergeTree ORDER BY at"
    )
    rows = pa.table({"at": ticks.cast(pa.timestamp(unit, tz="UTC"))})
    engine.insert(database, f"i{digits}", rows)
    return ticks, f"SELECT at FROM {database}.i{digits} ORDER BY at"


@pytest.mark.parametrize(("digits", "unit"), [(3, "ms"), (6, "us"), (9, "ns")])
def test_instants_come_out_with_the_digits_they_went_in_with(engine, database, digits, unit):
    """As rows they have no more than six, the rest cut off towards the past."""
    ticks, sql = _instants(engine, database, digits, unit)
    column = engine.arrow(sql).column("at").combine_chunks()
    assert column.type == pa.timestamp(unit, tz="UTC")
    assert column.cast(pa.int64()) == ticks
    each = 10 ** (digits - 6) if digits > 6 else 1
    epoch, microsecond = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)
    counts = [one * 10 ** max(0, 6 - digits) // each for one in ticks.to_pylist()]
    assert [row[0] for row in engine.rows(sql)] == [epoch + one * microsecond for one in counts]
    answer = engine.formatted(sql, FORMAT, {**RESULT_SETTINGS, **LIMITS}, database)
    texts = [row[0] for row in parse_result(answer).rows]
    assert texts == [_cut(text, digits) for text, _ in INSTANTS]


def _cut(text, digits):
    whole, _, fraction = text.removesuffix("Z").partition(".")
    kept = fraction[:digits].rstrip("0")
    return f"{whole}{'.' if kept else ''}{kept}Z"


WITHOUT_PANDAS = """
import sys
class Without:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "pandas":
            raise ImportError(name)
sys.meta_path.insert(0, Without())
from pathlib import Path
import pyarrow as pa
from chartly.extract.values import listed
from chartly_store.embedded import open_embedded
engine = open_embedded(Path(sys.argv[1]))
engine.command("CREATE DATABASE d")
engine.command("CREATE TABLE d.t (at DateTime64(9, 'UTC')) ENGINE = MergeTree ORDER BY at")
counts = pa.array([-1, 1_770_027_300_123_456_789], pa.int64())
engine.insert("d", "t", pa.table({"at": counts.cast(pa.timestamp("ns", tz="UTC"))}))
print([one.count for one in listed(engine.arrow("SELECT at FROM d.t ORDER BY at").column(0).combine_chunks())])
print(engine.rows("SELECT max(at) FROM d.t"))
engine.close()
"""


def test_nanoseconds_need_no_pandas(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_PANDAS, str(tmp_path / "store")], capture_output=True, text=True, check=False
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "[-1, 1770027300123456789]",
        "[(datetime.datetime(2026, 2, 2, 10, 15, 0, 123456, tzinfo=datetime.timezone.utc),)]",
    ]


def test_commands_take_parameters(engine, database, table):
    engine.insert(database, "t", arrow(ROWS))
    engine.command(
        f"ALTER TABLE {table} DELETE WHERE text = {{x:String}} SETTINGS mutations_sync = 1",
        {"x": ROWS[1][7]},
    )
    assert engine.rows(f"SELECT id FROM {table} ORDER BY id") == [(0,), (2**64 - 1,)]


def test_a_read_only_query_limits_itself_and_nothing_after_it(engine, database, table):
    for _ in range(2):
        assert engine.rows("SELECT 1", None, LIMITS) == [(1,)]
        assert engine.arrow("SELECT 1 AS x", None, LIMITS).to_pylist() == [{"x": 1}]
        with pytest.raises(RunError, match="readonly mode"):
            engine.rows(f"DROP TABLE {table}", None, LIMITS)
        engine.insert(database, "t", arrow(ROWS))
        engine.command(f"TRUNCATE TABLE {table}")


def test_the_limits_of_a_query_hold(engine):
    with pytest.raises(RunError, match="TOO_MANY_ROWS_OR_BYTES|max_result_rows|Limit for result"):
        engine.arrow(
            "SELECT number FROM numbers(100)",
            None,
            {**LIMITS, "max_result_rows": 10, "result_overflow_mode": "throw"},
        )


def test_an_insert_that_is_repeated_is_not_filtered(engine, database):
    """Deduplication is off: rows are idempotent instead, which no engine has to know."""
    engine.command(
        f"CREATE TABLE {database}.d (a UInt64) ENGINE = MergeTree ORDER BY a "
        f"SETTINGS non_replicated_deduplication_window = 100"
    )
    for _ in range(2):
        engine.insert(database, "d", pa.table({"a": pa.array([1], pa.uint64())}))
    assert engine.rows(f"SELECT count() FROM {database}.d") == [(2,)]


FOLLOWED = {
    "columns": {"amount": "Decimal(18,2)"},
    "partitioning": {"by": ["occurred_at"], "granularity": "month"},
    "raw": {"enabled": True},
}


@pytest.fixture
def store(engine):
    made = ProjectStore(engine, Project("contract", f"n-{os.getpid()}-{next(NUMBERS)}"))
    made.create()
    yield made
    engine.command(f"DROP DATABASE {made.database} SYNC")


def events(store, **changes):
    """A dataset of events with an amount that no transform has touched."""
    normalizer = {
        "canonicalEventType": "sales.event",
        "requiredFields": ["occurred_at"],
        "mapping": {"event_id": "$.id", "occurred_at": "$.t", "amount": "$.a"},
        "transforms": [{"op": "toUtcTimestamp", "field": "occurred_at"}],
    }
    storage = {"dataset": "sales", "partitioning": {"by": ["occurred_at"]}, **changes}
    profile = StorageSpec.model_validate_json(json.dumps(storage))
    schema = event_schema(NormalizerSpec.model_validate_json(json.dumps(normalizer)), profile)
    store.ensure_dataset(schema, profile, "flow")
    return EventTable(store, schema, profile)


def put(table, amounts):
    """Events of one page an amount, a day apart; each page has a dictionary of its own."""
    pages = [
        pa.table(
            {
                "event_id": [f"e-{number}"],
                "event_key": [f"e-{number}"],
                "occurred_at": pa.array([MOMENT + timedelta(days=number)]),
                "amount": [amount],
                "_page": pa.array([f"{number:064x}"]).dictionary_encode(),
                "_record": pa.array([number], pa.uint32()),
                "_ver": pa.array([1], pa.uint64()),
                "_deleted": pa.array([0], pa.uint8()),
            }
        )
        for number, amount in enumerate(amounts)
    ]
    table.insert(pa.concat_tables(pages))


def test_a_reference_names_page_and_place(store):
    put(events(store), ["1", "2"])
    assert store.engine.rows(
        f"SELECT raw_ref, toTypeName(raw_ref) FROM {store.view('sales')} ORDER BY raw_ref"
    ) == [(f"sha256:{number:064x}#{number}", "String") for number in range(2)]


def test_stored_rows_move_to_another_layout(store):
    put(events(store), ["1.50"] * 60)
    events(store, **FOLLOWED)
    found = store.engine.rows(f"SELECT amount, count() FROM {store.view('sales')} GROUP BY amount")
    assert found == [(Decimal("1.50"), 60)]
    assert store.columns("sales__data__rebuild") == {}
    assert store.engine.rows(
        "SELECT partition_key FROM system.tables WHERE database = {database:String} "
        "AND name = 'sales__data'",
        {"database": store.database},
    ) == [("toYYYYMM(occurred_at)",)]


def test_stored_rows_that_do_not_fit_stay_where_they_are(store):
    """INV-10."""
    put(events(store), ["1.50", "1.505"])
    before = store.columns("sales__data")
    with pytest.raises(RunError, match="1 of 2 values do not fit exactly") as caught:
        events(store, **FOLLOWED)
    assert caught.value.reason is Reason.SCHEMA_INCOMPATIBLE
    assert store.columns("sales__data") == before


def test_pages_are_kept_as_received(store):
    table = events(store, **FOLLOWED)
    body = b'{"data": ["\xc3\xa4"]}\n\n;\n'
    page = RawPage("ab" * 32, "main", "run-1", 3, MOMENT, body)
    for _ in range(2):
        table.insert_raw([page])
    sql = f"SELECT sha256, segment, size, body FROM `{store.database}`.sales_raw"
    assert store.engine.rows(sql) == [("ab" * 32, 3, len(body), body.decode())]


def test_a_dataset_has_a_largest_size(store):
    table = events(store, maxBytes=100)
    table.check_quota()
    put(table, ["1", "2"])
    with pytest.raises(RunError, match="dataset 'sales' is larger than its maxBytes 100") as caught:
        table.check_quota()
    assert caught.value.reason is Reason.STORAGE_QUOTA_EXCEEDED


def test_a_limit_that_the_engine_was_given_is_one_of_size(engines):
    """Whoever runs a server may set one: the next attempt would be refused as well.

    The embedded engine is of 26.9, the first that limits a table; the tests' server is older.
    """
    engine, database = engines("embedded"), next(NAMES)
    engine.command(f"CREATE DATABASE {database}")
    engine.command(
        f"CREATE TABLE {database}.s (a UInt64) ENGINE = MergeTree ORDER BY a "
        f"SETTINGS max_table_size_bytes_compressed = 1"
    )
    rows = pa.table({"a": pa.array([1], pa.uint64())})
    engine.insert(database, "s", rows)
    with pytest.raises(RunError, match="the store refused: Code: 1016") as caught:
        engine.insert(database, "s", rows)
    assert caught.value.reason is Reason.STORAGE_QUOTA_EXCEEDED


REFUSED = [
    (lambda engine: engine.command("DROP TABLE nowhere.nothing"), "nowhere"),
    (lambda engine: engine.rows("SELECT * FROM nowhere.nothing"), "nowhere"),
    (lambda engine: engine.arrow("SELECT * FROM nowhere.nothing"), "nowhere"),
    (lambda engine: engine.insert("nowhere", "nothing", arrow(ROWS)), "nowhere"),
    (lambda engine: engine.rows("SELECT {x:UInt64}", {"x": "many"}), "many"),
    (lambda engine: engine.rows("SELEKT 1"), "Syntax error"),
    (lambda engine: engine.rows("SELECT throwIf(1, 'on the way')"), "on the way"),
]


@pytest.mark.parametrize(("act", "names"), REFUSED)
def test_a_refusal_is_one_sentence_with_a_reason(engine, act, names):
    """INV-10: the same words from every engine."""
    with pytest.raises(RunError) as caught:
        act(engine)
    assert caught.value.reason is Reason.STORE_UNAVAILABLE
    assert caught.value.message.startswith("the store refused: Code: ")
    assert names in caught.value.message
    assert "\n" not in caught.value.message
    assert "http" not in caught.value.message
    assert caught.value.__cause__ is None


BAD = b'{"id": "bad", "timestamp": "yesterday", "totals": {"amount": 1, "currency": "EUR"}}'
PAGES = [
    page([sale("a", "1.10"), sale("b", "100000000000000.01", "2026-02-03T23:59:59.999+02:00")]),
    page([BAD, sale("a", "3.30"), sale("ä漢😀", "-0.000000001")]),
    page([sale("b", "7", "2026-02-04T00:00:00Z"), sale("a", "null")]),
    page([]),
]
"""Rejects, duplicates, a correction that moves between windows, and an empty page."""


def everything(engine, project, spool):
    """All that two runs over the same pages leave in a store."""
    plan = sales_plan(project)
    store = ProjectStore(engine, project)
    first = load_pages(engine, plan, spool, PAGES)
    second = load_pages(engine, plan, spool, PAGES, "run-2")
    dataset, output = store.view("sales-events"), store.view("sales-rollup-daily")
    rejects = qualified(store.database, "sales_events__rejected")
    found = {
        "reasons": [one.reason for one in (first, second)],
        "audited": [one.audited for one in (first, second)],
        "counts": [one.counts for one in (first, second)],
        "outputs": [one.outputs for one in (first, second)],
        "heads": [one.audit_head for one in (first, second)],
        "events": engine.rows(f"SELECT * FROM {dataset} ORDER BY ALL"),
        "rollup": engine.rows(f"SELECT * FROM {output} ORDER BY ALL"),
        "rejects": engine.rows(f"SELECT * FROM {rejects} FINAL ORDER BY run_id, raw_ref"),
        "ledger": [Ledger(store).totals(run) for run in ("run-1", "run-2")],
        "columns": store.columns("sales_events__data"),
    }
    engine.command(f"DROP DATABASE {store.database} SYNC")
    return found


@pytest.fixture(scope="module")
def oracle(engines, tmp_path_factory):
    project = Project("tenant-contract", f"p-{os.getpid()}")
    return project, everything(engines("embedded"), project, tmp_path_factory.mktemp("oracle"))


@pytest.mark.parametrize("leg", LEGS[1:])
def test_a_whole_load_leaves_the_same_in_every_store(engines, oracle, leg, tmp_path):
    """INV-5: rows, roll-up, fingerprints, rejects, ledger, audit chains."""
    project, wanted = oracle
    found = everything(engines(leg), project, tmp_path)
    assert found["reasons"] == [Reason.SUCCEEDED] * 2
    assert found["audited"] == [True, True]
    counts = found["counts"][0]
    assert (counts["read"], counts["rejected"], counts["duplicate"]) == (7, 2, 2)
    assert {key: value for key, value in found.items() if value != wanted[key]} == {}
    assert json.dumps(found, default=str) == json.dumps(wanted, default=str)


def test_a_closed_engine_can_be_opened_again(engines, tmp_path):
    with clickhouse(tmp_path / "server") as server:
        for number in range(2):
            with closing(open_server(server.secret(tmp_path / "secret"))) as engine:
                engine.command(f"CREATE DATABASE again{number}")
        with closing(open_server(tmp_path / "secret")) as engine:
            found = engine.rows(
                "SELECT name FROM system.databases WHERE name LIKE 'again%' ORDER BY 1"
            )
    assert found == [("again0",), ("again1",)]


def test_an_engine_spells_the_same_values_the_same_way(engine, database, table):
    """What ``chartly query`` shows does not depend on the driver or the server's zone."""
    engine.insert(database, "t", arrow(ROWS))
    answer = engine.formatted(
        f"SELECT * FROM {table} ORDER BY id", FORMAT, {**RESULT_SETTINGS, **LIMITS}, database
    )
    result = parse_result(answer)
    assert result.names == list(COLUMNS)
    assert result.rows[0] == [
        0, -(2**63), format(ROWS[0][2], "f"), "-0.01", "2026-02-02T10:15:00.123Z",
        "2026-02-02T10:15:00.123Z", "2026-02-02", "", "a", "", True,
    ]  # fmt: skip
    assert result.rows[1][2] == str(LONGEST_DECIMAL)
    assert result.rows[1][7] == ROWS[1][7]
    assert result.rows[2][0] == 2**64 - 1
    assert result.rows[1][5] is None
    with pytest.raises(RunError) as caught:
        engine.formatted("SELECT nope", FORMAT, LIMITS, database)
    assert "nope" in caught.value.message
