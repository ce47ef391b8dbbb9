"""Engine, Arrow and Python floor a time to the same instant, wherever in 1900 to 2299 it lies."""

from datetime import UTC, datetime, timedelta
from random import Random

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartly.api.duration import Length
from chartly.load.sql import instant_parameter
from chartly.query.windows import window_of, window_start_sql, windows_of
from chartly_store.expiry import delete_older, holds_older
from chartly_store.project_store import ProjectStore
from support.loading import load_pages, page, sale, sales_plan

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)
NOW = datetime(2026, 2, 1, 12, 30, 15, 250_001, tzinfo=UTC)
FIRST = datetime(1900, 1, 1, tzinfo=UTC)
LAST = datetime(2299, 12, 31, 23, 59, 59, 999000, tzinfo=UTC)
UNITS = ("minute", "hour", "day", "week", "month", "year")
COUNTS = (1, 2, 3, 7, 40, 99)
BOUNDARIES = (1900, 1901, 1905, 1969, 1970, 2038, 2100, 2106, 2149, 2200, 2262, 2283, 2299)


def _milliseconds(moment):
    return (moment - EPOCH) // MILLISECOND


def _edges():
    """The first and last milliseconds of days, months and years, where types of the engine end."""
    starts = [datetime(year, month, 1, tzinfo=UTC) for year in BOUNDARIES for month in range(1, 13)]
    starts += [one + timedelta(days=3, hours=5) for one in starts]
    steps = (-500 * MILLISECOND, -MILLISECOND, timedelta(), MILLISECOND, 500 * MILLISECOND)
    return [one + step for one in starts for step in steps if one + step >= FIRST]


def _anywhere():
    chance = Random(1905)
    span = _milliseconds(LAST) - _milliseconds(FIRST)
    return [FIRST + chance.randint(0, span) * MILLISECOND for _ in range(2_000)]


MOMENTS = sorted({FIRST, LAST, *_edges(), *_anywhere()})


@pytest.fixture(scope="module")
def table(engine):
    """A table of all the moments, in order."""
    engine.command("CREATE DATABASE IF NOT EXISTS floors")
    engine.command(
        "CREATE TABLE floors.m (moment DateTime64(3, 'UTC')) ENGINE = MergeTree ORDER BY moment"
    )
    engine.insert("floors", "m", pa.table({"moment": _array(MOMENTS)}))
    return "floors.m"


def _array(moments):
    return pa.array(map(_milliseconds, moments), pa.int64()).cast(pa.timestamp("ms", tz="UTC"))


def test_an_instant_comes_out_of_the_engine_as_it_went_in(engine, table):
    sql = f"SELECT moment FROM {table} ORDER BY moment"
    assert [row[0] for row in engine.rows(sql)] == MOMENTS
    assert engine.arrow(sql).column("moment").to_pylist() == MOMENTS


@pytest.mark.parametrize("unit", UNITS)
def test_arrow_floors_as_windows_do(unit):
    """The floor by which batches end where partitions do."""
    floors = pc.floor_temporal(_array(MOMENTS), unit=unit).to_pylist()
    assert floors == [window_of(one, Length(1, unit)).start for one in MOMENTS]


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("count", COUNTS)
def test_the_engine_floors_as_windows_do(engine, table, unit, count):
    length = Length(count, unit)
    sql = f"SELECT {window_start_sql('moment', length, 3)} FROM {table} ORDER BY moment"
    expected = [_milliseconds(window_of(one, length).start) for one in MOMENTS]
    assert [row[0] for row in engine.rows(sql)] == expected


@pytest.fixture(scope="module")
def fine_table(engine):
    """The moments of 1900 to 2261, each with up to the last unit of its millisecond, as finer types."""
    engine.command("CREATE DATABASE IF NOT EXISTS floors")
    engine.command(
        "CREATE TABLE floors.f (six DateTime64(6, 'UTC'), nine DateTime64(9, 'UTC'), "
        "number UInt32) ENGINE = MergeTree ORDER BY number"
    )
    counts = [_milliseconds(one) * 10**6 + 10**6 - 1 for one in FINE]
    nine = pa.array(counts, pa.int64())
    six = pa.array([count // 1000 for count in counts], pa.int64())
    columns = {
        "six": six.cast(pa.timestamp("us", tz="UTC")),
        "nine": nine.cast(pa.timestamp("ns", tz="UTC")),
        "number": pa.array(range(len(counts)), pa.uint32()),
    }
    engine.insert("floors", "f", pa.table(columns))
    return "floors.f"


FINE = [one for one in MOMENTS if one.year < 2262]


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize(("column", "digits"), [("six", 6), ("nine", 9)])
def test_the_last_unit_before_an_edge_is_in_its_window(engine, fine_table, unit, column, digits):
    length = Length(1, unit)
    sql = f"SELECT {window_start_sql(column, length, digits)} FROM {fine_table} ORDER BY number"
    expected = [_milliseconds(window_of(one, length).start) for one in FINE]
    assert [row[0] for row in engine.rows(sql)] == expected


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("column", ["six", "nine"])
def test_arrow_floors_the_last_unit_before_an_edge_too(engine, fine_table, unit, column):
    found = engine.arrow(f"SELECT {column} FROM {fine_table} ORDER BY number").column(0)
    floors = pc.floor_temporal(found, unit=unit).cast(pa.timestamp("us", tz="UTC"))
    assert floors.to_pylist() == [window_of(one, Length(1, unit)).start for one in FINE]


LENGTHS = st.one_of(
    st.builds(Length, st.integers(1, 99_999), st.sampled_from(["minute", "hour", "day", "week"])),
    st.builds(Length, st.integers(1, 9_999), st.just("month")),
    st.builds(Length, st.integers(1, 999), st.just("year")),
)


@given(
    st.integers(_milliseconds(FIRST), _milliseconds(LAST)).map(
        lambda one: EPOCH + one * MILLISECOND
    ),
    LENGTHS,
)
def test_every_window_is_exact_in_the_engine(engine, moment, length):
    """However long a window may be declared: its ends as parameters, and its start as SQL."""
    window = window_of(moment, length)
    at = "{at:DateTime64(3, 'UTC')}"
    row = engine.rows(
        f"SELECT {window_start_sql(at, length, 3)}, {at} >= {{start:DateTime64(3, 'UTC')}}, "
        f"{at} < {{end:DateTime64(3, 'UTC')}}, toUnixTimestamp64Milli({{start:DateTime64(3, 'UTC')}}), "
        "toUnixTimestamp64Milli({end:DateTime64(3, 'UTC')})",
        {
            name: instant_parameter(one)
            for name, one in (("at", moment), ("start", window.start), ("end", window.end))
        },
    )[0]
    start, end = map(_milliseconds, (window.start, window.end))
    assert row == (start, True, True, start, end)


SOME = [one for one in MOMENTS if one.year in BOUNDARIES][::23]


@pytest.mark.parametrize("granularity", ["hour", "day", "week", "month", "year"])
def test_no_partition_hides_or_moves_a_row(engine, project, tmp_path, granularity):
    """A window that is read by its ends gives its rows, however the table is partitioned."""
    plan = sales_plan(project, _partitioned(granularity))
    records = [sale(f"e{number}", "1", _text(one)) for number, one in enumerate(SOME)]
    result = load_pages(engine, plan, tmp_path, [page(records[::2]), page(records[1::2])])
    assert (result.counts["loaded"], result.counts["rejected"]) == (len(SOME), 0), result.message
    store = ProjectStore(engine, project)
    for unit in ("hour", "day", "month"):
        length = Length(1, unit)
        for window in windows_of(SOME, length):
            found = engine.rows(
                f"SELECT occurred_at FROM {store.view('sales-events')} "
                "WHERE occurred_at >= {start:DateTime64(3, 'UTC')} "
                "AND occurred_at < {end:DateTime64(3, 'UTC')} ORDER BY occurred_at",
                {"start": instant_parameter(window.start), "end": instant_parameter(window.end)},
            )
            times = [row[0] for row in found]
            assert times == [one for one in SOME if window.start <= one < window.end], window
    rolled = engine.rows(f"SELECT sum(n) FROM {store.view('sales-rollup-daily')}")
    assert rolled[0][0] == len(SOME), "each row is in one window"
    assert result.outputs[0].windows == len(windows_of(SOME, Length(1, "day")))


def _partitioned(granularity):
    return {
        "storage": {"spec.partitioning.granularity": granularity, "spec.retentionDays": None},
        "analytics": {
            "spec.queryTemplate.text": (
                "SELECT currency, count(*) AS n FROM {{dataset}} WHERE occurred_at >= {{window_start}} "
                "AND occurred_at < {{window_end}} GROUP BY currency"
            )
        },
    }


def _text(moment):
    return moment.isoformat(timespec="milliseconds")


@pytest.mark.parametrize("moment", [one for one in SOME if one.microsecond][:20])
def test_what_is_older_is_older_by_the_millisecond(engine, moment):
    engine.command("CREATE DATABASE IF NOT EXISTS aging")
    engine.command(
        "CREATE OR REPLACE TABLE aging.m (moment DateTime64(3, 'UTC')) "
        "ENGINE = MergeTree ORDER BY moment"
    )
    around = [moment - MILLISECOND, moment, moment + MILLISECOND]
    engine.insert("aging", "m", pa.table({"moment": _array(around)}))
    assert holds_older(engine, "aging.m", "moment", moment)
    delete_older(engine, "aging.m", "moment", moment)
    assert [row[0] for row in engine.rows("SELECT moment FROM aging.m ORDER BY moment")] == around[
        1:
    ]
    assert not holds_older(engine, "aging.m", "moment", moment)


@pytest.mark.parametrize("digits", [6, 9])
@pytest.mark.parametrize("moment", [datetime(1905, 6, 1, tzinfo=UTC), EPOCH, NOW])
def test_what_is_older_is_older_by_the_microsecond(engine, moment, digits):
    microsecond = timedelta(microseconds=1)
    engine.command("CREATE DATABASE IF NOT EXISTS aging")
    engine.command(
        f"CREATE OR REPLACE TABLE aging.f (moment DateTime64({digits}, 'UTC')) "
        "ENGINE = MergeTree ORDER BY moment"
    )
    around = [moment - microsecond, moment, moment + microsecond]
    rows = pa.array(around, pa.timestamp("us", tz="UTC")).cast(pa.timestamp("ns", tz="UTC"))
    engine.insert("aging", "f", pa.table({"moment": rows}))
    delete_older(engine, "aging.f", "moment", moment)
    left = engine.rows("SELECT moment FROM aging.f ORDER BY moment")
    assert [row[0] for row in left] == around[1:]
    assert not holds_older(engine, "aging.f", "moment", moment)
