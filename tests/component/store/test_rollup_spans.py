"""One query over many windows gives the rows of one query a window: both run, over the same rows."""

from datetime import UTC, datetime, timedelta
from random import Random

import pyarrow as pa
import pytest

from chartly.api.duration import parse_duration
from chartly.api.profile import parse_profile
from chartly.errors import RunError
from chartly.query.windows import window_of, window_start_sql, windows_between, windows_of
from chartly_store import computation
from chartly_store.computation import Computation
from support.profiles import changed, playbook_profile

WHERE = " FROM {{dataset}} WHERE occurred_at >= {{window_start}} AND occurred_at < {{window_end}}"
BOTH = [
    " FROM {{dataset}} WHERE occurred_at >= {{window_start}} AND occurred_at < {{window_end}}",
    " FROM {{dataset}} WHERE ({{window_start}} <= occurred_at AND `occurred_at` < {{window_end}})",
    " FROM {{dataset}} WHERE {{window_end}} > occurred_at AND (quantity = 1 OR quantity > 2) AND occurred_at >= {{window_start}}",
    " FROM {{dataset}} WHERE amount BETWEEN 1 AND 7 AND (occurred_at >= {{window_start}} AND NOT quantity = 2) AND occurred_at < {{window_end}} AND currency IN ('EUR', 'USD')",
]  # fmt: skip
KEYS = [
    ("date_trunc('day', occurred_at) AS day, currency", "1,2"),
    ("lower(currency) AS currency", "currency"),
    ("date_trunc('hour', occurred_at) AS hour", "hour, currency"),
    ("quantity % 3 AS rest, currency AS c", "c, 1"),
    ("max(currency) AS c", "occurred_at, intDiv(quantity, 2)"),
    ("occurred_at", "(occurred_at, currency)"),
]
VALUES = [
    "count(*) AS n, sum(amount) AS s",
    "CAST(avg(amount) AS Decimal(18, 6)) AS n, min(amount) AS s",
    "countIf(isNull(quantity)) AS n, uniqExact(amount) AS s",
    "uniqCombined(quantity) AS n, sumOrNull(quantity) AS s",
    "quantileExact(0)(quantity) AS n, max(occurred_at) AS s",
]
TAILS = [
    "",
    " HAVING count() > 2",
    " ORDER BY s DESC, 1",
    " HAVING n > 1 AND count() < 9 ORDER BY n",
]
MILLISECOND = timedelta(milliseconds=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LENGTHS = ["PT15M", "PT7H", "P1D", "P3D", "P1W", "P2W", "P1M", "P5M", "P1Y"]


def _moments(chance, length, middle):
    """Instants on both sides of edges, and anywhere."""
    found = []
    window = window_of(middle, length)
    for _ in range(8):
        found += [window.start, window.end - MILLISECOND]
        inside = chance.random() * (window.end - window.start)
        found.append(window.start + inside // MILLISECOND * MILLISECOND)
        window = window_of(window.end, length)
        if chance.random() < 0.3:
            window = window_of(window.end, length)
    return found


@pytest.fixture(scope="module")
def fill(engine):
    """Makes a table of rows at some instants, in an order of their own."""

    def fill(chance, moments):
        engine.command("CREATE DATABASE IF NOT EXISTS spans")
        engine.command("DROP TABLE IF EXISTS spans.d SYNC")
        engine.command(
            "CREATE TABLE spans.d (occurred_at DateTime64(3, 'UTC'), amount Decimal(38, 9), "
            "quantity Nullable(Int64), currency LowCardinality(Nullable(String))) "
            "ENGINE = MergeTree ORDER BY occurred_at"
        )
        rows = [
            (one, chance.randrange(10), chance.choice((None, 1, 2, 3, 7)), chance.choice((None, "EUR", "USD")))
            for one in moments
            for _ in range(3)
        ]  # fmt: skip
        chance.shuffle(rows)
        values = ", ".join(
            f"(fromUnixTimestamp64Milli({(at - EPOCH) // MILLISECOND}, 'UTC'), {amount}, "
            f"{'NULL' if quantity is None else quantity}, {'NULL' if currency is None else repr(currency)})"
            for at, amount, quantity, currency in rows
        )
        engine.command(f"INSERT INTO spans.d VALUES {values}")

    return fill


def _computation(engine, text, length, **limits):
    profile = changed(playbook_profile("analytics"), "spec.queryTemplate.text", text)
    profile = changed(profile, "spec.inputs.window", length)
    if limits:
        profile = changed(profile, "spec.limits", limits)
    return Computation(engine, parse_profile(profile).spec, "`spans`.`d`", "occurred_at")


def _rows(found, windows):
    rows = [
        repr(sorted(row.items())) for table in found.tables(windows) for row in table.to_pylist()
    ]
    return sorted(rows)


def _both(found, windows):
    at_once = _rows(found, windows)
    found._spanning = None
    return at_once, _rows(found, windows)


def _queries(chance, how_many):
    """Queries of the form that runs at once; each part comes up with each other sooner or later."""
    for _ in range(how_many):
        (names, keys), values = chance.choice(KEYS), chance.choice(VALUES)
        yield (
            f"SELECT {names}, {values}{chance.choice(BOTH)} GROUP BY {keys}{chance.choice(TAILS)}"
        )


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("middle", ["1969-12-30T23:00", "1948-02-29T11:00", "2026-02-27T05:00"])
def test_many_windows_at_once_give_what_each_gives(engine, fill, length, middle):
    """INV-5."""
    chance = Random(f"{length} {middle}")
    size = parse_duration(length)
    moments = _moments(chance, size, datetime.fromisoformat(middle).replace(tzinfo=UTC))
    fill(chance, moments)
    windows = windows_of(moments, size)
    asked = [one for one in windows if chance.random() < 0.7] + [window_of(windows[-1].end, size)]
    rows = 0
    for text in _queries(chance, 6):
        found = _computation(engine, text, length)
        assert found._spanning is not None, text
        at_once, one_by_one = _both(found, asked)
        assert at_once == one_by_one, text
        rows += len(at_once)
    assert rows


UNITS = {3: "Milli", 6: "Micro", 9: "Nano"}


@pytest.mark.parametrize("digits", UNITS)
@pytest.mark.parametrize("length", LENGTHS)
def test_the_engine_finds_the_start_of_a_window_as_we_do(engine, length, digits):
    """Down to the last unit of a window, before 1970 too."""
    chance, size = Random(length), parse_duration(length)
    each = 10 ** (digits - 3)
    starts = {}
    for _ in range(300):
        at = chance.randrange(-2_000_000_000_000, 9_000_000_000_000)
        window = window_of(EPOCH + at * MILLISECOND, size)
        start, end = ((edge - EPOCH) // MILLISECOND for edge in (window.start, window.end))
        for ticks in (at * each + chance.randrange(each), start * each, end * each - 1):
            starts[ticks] = start
    start = window_start_sql(f"fromUnixTimestamp64{UNITS[digits]}(at, 'UTC')", size, digits)
    said = engine.rows(f"SELECT at, {start} FROM (SELECT arrayJoin({list(starts)}) AS at)")
    assert dict(said) == starts


KEPT = [
    ("SELECT count() AS n" + BOTH[0], "no rows are one group"),
    ("SELECT {{window_start}} AS at, count() AS n" + BOTH[0] + " GROUP BY at, currency", "an edge is shown"),
    ("SELECT currency, count() AS n" + BOTH[0] + " GROUP BY 1 ORDER BY n DESC, currency LIMIT 1", "the first of each"),
    ("SELECT currency, count() AS n FROM {{dataset}} WHERE occurred_at > {{window_start}} AND occurred_at <= {{window_end}} GROUP BY 1", "other edges"),
    ("SELECT currency, count() AS n FROM {{dataset}} WHERE occurred_at >= {{window_start}} - toIntervalHour(1) AND occurred_at < {{window_end}} GROUP BY 1", "looks back"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "because"), KEPT, ids=[one[1] for one in KEPT])
def test_other_queries_run_for_each_window(engine, fill, text, because):
    at = datetime(2026, 2, 1, tzinfo=UTC)
    day = parse_duration("P1D")
    fill(Random(1), [at, at + MILLISECOND, at + timedelta(days=3, hours=5)])
    found = _computation(engine, text, "P1D")
    windows = windows_between(at, at + timedelta(days=30), day)
    rows = [row for table in found.tables(windows) for row in table.to_pylist()]
    assert sum(row["n"] for row in rows) >= 5
    assert {row["_window_start"] for row in rows} >= {at, at + timedelta(days=3)}


DAILY = "SELECT currency, count() AS n" + BOTH[0] + " GROUP BY 1"


class Counting:
    """An engine that remembers how many windows or spans each query was for."""

    def __init__(self, engine):
        self.engine, self.asked = engine, []
        self.rows = engine.rows

    def arrow(self, sql, parameters, settings):
        self.asked.append(len(parameters) // 2 - 1)
        return self.engine.arrow(sql, parameters, settings)


@pytest.fixture
def year(engine, fill):
    """Two hundred days with a row or three each, and their windows."""
    at = datetime(2026, 2, 1, tzinfo=UTC)
    fill(Random(1), [at + timedelta(days=day, hours=day % 24) for day in range(200)])
    return windows_between(at, at + timedelta(days=200), parse_duration("P1D"))


def test_one_query_serves_windows_without_gaps(engine, year):
    counting = Counting(engine)
    tables = list(_computation(counting, DAILY, "P1D").tables(year))
    assert counting.asked == [1]
    assert sum(sum(table.column("n").to_pylist()) for table in tables) == 600
    assert list(_computation(counting, DAILY, "P1D").tables([])) == []


def test_windows_with_gaps_share_a_query_up_to_a_number_of_spans(engine, year):
    counting = Counting(engine)
    found = _computation(counting, DAILY, "P1D")
    tables = list(found.tables(year[::2]))
    assert len(counting.asked) == 8
    assert max(counting.asked) <= 24
    assert {one for table in tables for one in table.column("_window_start").to_pylist()} == {
        one.start for one in year[::2]
    }


def test_a_query_has_a_bound_of_windows(engine, year, monkeypatch):
    monkeypatch.setattr(computation, "_MANY", 60)
    counting = Counting(engine)
    list(_computation(counting, DAILY, "P1D").tables(year))
    assert counting.asked == [1, 1, 1, 1]


def test_where_the_limits_do_not_hold_many_windows_fewer_are_asked_for(engine, year, monkeypatch):
    monkeypatch.setattr(computation, "_MAX_ROWS", 200)
    counting = Counting(engine)
    tables = list(_computation(counting, DAILY, "P1D").tables(year))
    assert len(counting.asked) > len(tables) > 1
    assert sum(sum(table.column("n").to_pylist()) for table in tables) == 600


def test_windows_that_take_much_memory_together_are_asked_for_apart(engine, year, monkeypatch):
    whole = list(_computation(engine, DAILY, "P1D").tables(year[:5]))
    monkeypatch.setattr(computation, "_EASY_BYTES", 1)
    counting = Counting(engine)
    tables = list(_computation(counting, DAILY, "P1D").tables(year[:5]))
    assert len(tables) == 5, "each by itself, within all of its limit"
    assert len(counting.asked) == 9
    one, other = (
        {tuple(row.values()) for row in pa.concat_tables(they).to_pylist()}
        for they in (tables, whole)
    )
    assert one == other


def test_where_the_limits_do_not_hold_few_windows_the_query_fails(engine, year, monkeypatch):
    monkeypatch.setattr(computation, "_MAX_ROWS", 1)
    with pytest.raises(RunError, match="Limit for result exceeded"):
        list(_computation(engine, DAILY, "P1D").tables(year))


def test_another_refusal_is_not_tried_again(engine, year):
    counting = Counting(engine)
    found = _computation(
        counting, DAILY.replace("count()", "max(repeat(toString(amount), 10000000))"), "P1D"
    )
    with pytest.raises(RunError, match="Too many times to repeat"):
        list(found.tables(year))
    assert counting.asked == [1]
