"""Numbers and times of roll-ups are what Python's exact numbers say, or the run fails by name."""

from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from fractions import Fraction

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chartly.api.profile import parse_profile
from chartly.errors import Reason, RunError, SpecError
from chartly.query.windows import Window
from chartly_store.computation import Computation
from support.profiles import changed, playbook_profile

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
WHERE = " FROM {{dataset}} WHERE at >= {{window_start}} AND at < {{window_end}}"
WINDOW = Window(datetime(1899, 12, 31, tzinfo=UTC), datetime(2299, 12, 31, tzinfo=UTC))
LEAST, MOST, UNSIGNED = -(2**63), 2**63 - 1, 2**64 - 1
BIG = Decimal("9" * 29 + "." + "9" * 9)


@pytest.fixture(scope="module")
def table(engine):
    engine.command("CREATE DATABASE IF NOT EXISTS exact")
    engine.command(
        "CREATE TABLE exact.d (at DateTime64(3, 'UTC'), i Int64, u UInt64, n Nullable(Int64), "
        "d Decimal(38, 9), s String, day Date32) ENGINE = Memory"
    )
    return engine


def _fill(engine, rows):
    engine.command("TRUNCATE TABLE exact.d")
    shown = ", ".join(
        f"('{at:%Y-%m-%d %H:%M:%S}.{at.microsecond // 1000:03d}', {i}, {u}, "
        f"{'NULL' if n is None else n}, '{d:f}', '{s}', '{at:%Y-%m-%d}')"
        for at, i, u, n, d, s in rows
    )
    engine.command(f"INSERT INTO exact.d VALUES {shown}")


def _value(engine, expression, kind=None):
    return _column(engine, expression, kind)[0]


def _column(engine, expression, kind=None):
    profile = changed(
        playbook_profile("analytics"), "spec.queryTemplate.text", f"SELECT {expression} AS x{WHERE}"
    )
    if kind is not None:
        profile = changed(profile, "spec.outputs.columns", {"x": kind})
    found = Computation(engine, parse_profile(profile).spec, "`exact`.`d`", "at")
    return [row["x"] for one in found.tables([WINDOW]) for row in one.to_pylist()]


NOW = datetime(2026, 2, 1, 12, 30, 15, 250_000, tzinfo=UTC)
EDGES = [
    (NOW, MOST, UNSIGNED, None, BIG, "1905-06-15"),
    (NOW, MOST, UNSIGNED, LEAST, BIG, "2026-02-01"),
]

CASES = [
    ("sum(i)", None, "twice the largest"),
    ("sumIf(i, i > 0)", None, "with a condition"),
    ("sumOrNull(i)", None, "or null"),
    ("sum(DISTINCT i) + sumDistinct(i)", None, "each once, added"),
    ("sum(d)", None, "money beyond 38 digits"),
    ("sum(u)", None, "unsigned"),
    ("max(i) + 1", None, "plus"),
    ("max(i + 1)", None, "plus within"),
    ("plus(max(i), 1)", None, "plus as a function"),
    ("min(n) - 1", None, "minus"),
    ("-min(n)", None, "the sign of the least"),
    ("negate(min(n))", None, "the same as a function"),
    ("-max(u)", "Int64", "the sign of the largest"),
    ("max(i) * 2", None, "times"),
    ("max(d) * 1000", "Decimal(38, 9)", "money times"),
    ("max(d * d)", "Decimal(38, 18)", "money times money"),
    ("min(u) - max(i) - max(i) - 2", "UInt64", "below zero"),
    ("max(toInt8(300))", None, "a narrow type"),
    ("max(toInt8('300'))", None, "of text"),
    ("max(toUInt64(-1))", None, "unsigned of a negative"),
    ("max(CAST(300 AS Int8))", None, "CAST"),
    ("max(cast(i, 'Int8'))", None, "cast"),
    ("max(300::Int8)", None, "a cast by signs"),
    ("max(toUInt64(n))", None, "unsigned of a column"),
    ("arraySum([max(i), max(i)])", "Int64", "a sum of a list"),
    ("round(max(i), -3)", None, "rounding up"),
    ("intDiv(min(n), -1)", None, "the least by minus one"),
    ("18446744073709551615 + max(1)", None, "numbers as they are written"),
    ("avg(i)", "Decimal(18, 2)", "an average that does not fit"),
    ("toDate(min(at - INTERVAL 120 YEAR))", None, "a day of another century"),
    ("max(toDate(s))", None, "a day as text"),
    ("max(CAST('2026-01-01 00:00:00.1234' AS DateTime64(3, 'UTC')))", None, "digits of a text, by a type with quotes"),
    ("max(addYears(toDate(at), 400))", None, "years beyond a day's type"),
    ("max(toDate(at) + INTERVAL 400 YEAR)", None, "the same by a sign"),
]  # fmt: skip


@pytest.mark.parametrize(("expression", "kind", "because"), CASES, ids=[one[2] for one in CASES])
def test_what_does_not_fit_fails_by_name(table, expression, kind, because):
    _fill(table, EDGES)
    with pytest.raises(RunError, match=r"output 'sales-rollup-daily'.*window 1899") as refused:
        _value(table, expression, kind)
    assert refused.value.reason is Reason.OUTPUT_CONTRACT, because


EXACT = [
    ("sum(i)", "Decimal(38, 0)", 2 * MOST, "a sum has room in the type that is declared"),
    ("sum(u) - sum(i) - sum(i)", "Int64", 2, "what is between may be large"),
    ("max(i) - max(u)", None, MOST - UNSIGNED, "signed and unsigned"),
    ("avg(i)", "Decimal(38, 0)", MOST, "an average"),
    ("avg(n)", "Decimal(38, 0)", LEAST, "an average of what is there"),
    ("avgIf(n, u > 0)", "Decimal(38, 0)", LEAST, "with a condition"),
    ("CAST(sum(i) / 3 AS Decimal(38, 2))", None, Decimal("6148914691236517204.67"), "a cast declares"),
    ("1 / 8", "Decimal(9, 2)", Decimal("0.12"), "half to even, down"),
    ("3 / 8", "Decimal(9, 2)", Decimal("0.38"), "half to even, up"),
    ("-3 / 8", "Decimal(9, 2)", Decimal("-0.38"), "half to even, below zero"),
    ("max(2 * 1.1)", "Decimal(9, 2)", Decimal("2.20"), "a fraction is not a float"),
    ("sumIf(1, i > 5)", None, 2, "a plain sum"),
    ("abs(min(n))", "Decimal(38, 0)", -LEAST, "the least without its sign"),
    ("toString(sum(i))", None, str(2 * MOST), "as text"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("expression", "kind", "value", "because"), EXACT, ids=[one[3] for one in EXACT]
)
def test_numbers_are_exact(table, expression, kind, value, because):
    _fill(table, EDGES)
    assert _value(table, expression, kind) == value, because


INTEGERS = st.one_of(
    st.sampled_from([LEAST, LEAST + 1, -1, 0, 1, 2, 3, MOST - 1, MOST]), st.integers(LEAST, MOST)
)
NATURALS = st.one_of(st.sampled_from([0, 1, MOST, UNSIGNED]), st.integers(0, UNSIGNED))
MONEY = st.one_of(
    st.sampled_from([BIG, Decimal(f"-{BIG}"), Decimal(0), Decimal("0.000000001"), Decimal("1.5")]),
    st.integers(-(10**38) + 1, 10**38 - 1).map(lambda one: Decimal(f"{one}e-9")),
)
LEAVES = ["i", "u", "d", "1", "7", "1.25", "9223372036854775807", "-3"]
EXPRESSIONS = st.recursive(
    st.sampled_from(LEAVES),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from("+-*"), inner).map(lambda one: f"({' '.join(one)})"),
        inner.map(lambda one: f"-({one})"),
        inner.map(lambda one: f"abs({one})"),
        st.tuples(inner, inner).map(lambda two: f"if(i > 0, {two[0]}, {two[1]})"),
        st.tuples(inner, inner).map(lambda two: f"greatest({two[0]}, {two[1]})"),
    ),
    max_leaves=5,
)


def _python(expression, row):
    names = {"i": row[1], "u": row[2], "d": Fraction(row[4])}
    text = expression.replace("1.25", "Fraction(5, 4)").replace("if(", "choice(")
    scope = {
        **names,
        "Fraction": Fraction,
        "abs": abs,
        "greatest": max,
        "choice": lambda condition, one, other: one if condition else other,
    }
    return Fraction(eval(text, scope))  # noqa: S307 - an expression that this test made


@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
@given(EXPRESSIONS, st.lists(st.tuples(INTEGERS, NATURALS, MONEY), min_size=1, max_size=3), st.sampled_from([None, "Int64", "UInt64", "Decimal(38, 0)", "Decimal(38, 9)", "Decimal(38, 18)"]), st.sampled_from(["sum", "max", "min", "avg"]))  # fmt: skip
def test_random_arithmetic_is_exact_or_fails(table, expression, values, kind, aggregate):
    rows = [(NOW, i, u, i, d, "x") for i, u, d in values]
    _fill(table, rows)
    told = [_python(expression, row) for row in rows]
    right = {"sum": sum(told), "max": max(told), "min": min(told), "avg": sum(told) / len(told)}
    try:
        found = _value(table, f"{aggregate}({expression})", kind)
    except (SpecError, RunError):
        return
    wanted = right[aggregate]
    if aggregate == "avg":
        scale = int(kind.split(",")[1].strip(" )"))
        with localcontext(prec=120):
            rounded = Decimal(round(wanted * 10**scale)).scaleb(-scale)
            assert Decimal(found) == rounded.quantize(Decimal(1).scaleb(-scale), ROUND_HALF_EVEN)
    elif isinstance(found, float):
        assert found == float(wanted)
    else:
        assert Fraction(found) == wanted


TIMES = {
    "toDate(at)": lambda at: at.date(),
    "toStartOfDay(at)": lambda at: at.replace(hour=0, minute=0, second=0, microsecond=0),
    "toStartOfHour(at)": lambda at: at.replace(minute=0, second=0, microsecond=0),
    "toStartOfMinute(at)": lambda at: at.replace(second=0, microsecond=0),
    "toStartOfMonth(at)": lambda at: at.date().replace(day=1),
    "toStartOfYear(at)": lambda at: at.date().replace(month=1, day=1),
    "toDateTime(at)": lambda at: at.replace(microsecond=0),
    "CAST(at AS Date)": lambda at: at.date(),
    "at::Date": lambda at: at.date(),
    "toDate32(at)": lambda at: at.date(),
    "toStartOfInterval(at, INTERVAL 1 DAY)": lambda at: at.replace(hour=0, minute=0, second=0, microsecond=0),
    "date_trunc('day', at)": lambda at: at.replace(hour=0, minute=0, second=0, microsecond=0),
    "date_trunc('hour', at)": lambda at: at.replace(minute=0, second=0, microsecond=0),
    "date_trunc('minute', at)": lambda at: at.replace(second=0, microsecond=0),
    "date_trunc('month', at)": lambda at: at.date().replace(day=1),
    "date_trunc('year', at)": lambda at: at.date().replace(month=1, day=1),
    "toYear(at)": lambda at: at.year,
    "toMonth(at)": lambda at: at.month,
    "toHour(at)": lambda at: at.hour,
    "toMinute(at)": lambda at: at.minute,
    "toSecond(at)": lambda at: at.second,
    "toYYYYMM(at)": lambda at: at.year * 100 + at.month,
    "toYYYYMMDD(at)": lambda at: int(at.strftime("%Y%m%d")),
    "toYYYYMMDDhhmmss(at)": lambda at: int(at.strftime("%Y%m%d%H%M%S")),
    "toDayOfYear(at)": lambda at: at.timetuple().tm_yday,
    "toISOWeek(at)": lambda at: at.isocalendar()[1],
    "toISOYear(at)": lambda at: at.isocalendar()[0],
    "formatDateTime(at, '%Y-%m-%d %H:%i:%S')": lambda at: at.strftime("%Y-%m-%d %H:%M:%S"),
    "toDayOfWeek(at)": lambda at: at.isoweekday(),
    "toQuarter(at)": lambda at: (at.month + 2) // 3,
}  # fmt: skip
TIMES["toMillisecond(at)"] = lambda at: at.microsecond // 1000

DIGITS = (3, 6, 9)
SPECIAL = [
    datetime(1905, 6, 15, 23, 59, 59, 500_000), datetime(1969, 12, 31, 23, 59, 59, 999_000), datetime(1970, 1, 1),
    datetime(2106, 2, 6, 23, 59, 59, 999_000), datetime(2106, 2, 7), datetime(1905, 5, 31, 23, 59, 59, 500_000),
    datetime(1900, 1, 1), datetime(1969, 12, 31, 23, 59, 59, 999_999), datetime(2261, 12, 31, 23, 59, 59, 999_999),
]  # fmt: skip
SECOND, MILLISECOND, MICROSECOND = 10**9, 10**6, 10**3


def _nanoseconds(moment):
    return (moment.replace(tzinfo=UTC) - EPOCH) // timedelta(microseconds=1) * 1000


LAST_NANOSECOND = _nanoseconds(datetime(2262, 1, 1)) - 1


def instants(digits):
    """Nanoseconds since 1970 of instants that have so many digits behind the second."""
    each = 10 ** (9 - digits)
    last = datetime(2299, 12, 30) if digits < 9 else datetime(2261, 12, 30)
    finer = st.one_of(st.sampled_from([0, 1, 500, 999]), st.integers(0, 999))
    moments = st.one_of(st.sampled_from(SPECIAL), st.datetimes(datetime(1900, 1, 1), last))
    return st.builds(lambda at, rest: (_nanoseconds(at) + rest) // each * each, moments, finer)


@pytest.fixture(scope="module")
def times(engine):
    """A table of instants for each number of digits."""
    engine.command("CREATE DATABASE IF NOT EXISTS exact")
    for digits in DIGITS:
        engine.command(
            f"CREATE TABLE exact.t{digits} (at DateTime64({digits}, 'UTC')) ENGINE = Memory"
        )
    return engine


def _time(engine, digits, at, expression):
    """A value of one instant; instants as nanoseconds since 1970."""
    engine.command(f"TRUNCATE TABLE exact.t{digits}")
    unit = {3: "ms", 6: "us", 9: "ns"}[digits]
    ticks = pa.array([at // 10 ** (9 - digits)], pa.int64())
    rows = pa.table({"at": ticks.cast(pa.timestamp(unit, tz="UTC"))})
    engine.insert("exact", f"t{digits}", rows)
    profile = changed(
        playbook_profile("analytics"),
        "spec.queryTemplate.text",
        f"SELECT {expression} AS x FROM {{{{dataset}}}} WHERE at >= {{{{window_start}}}} "
        "AND at < {{window_end}}",
    )
    last = datetime(2262 if digits == 9 else 2300, 1, 1, tzinfo=UTC)
    window = Window(datetime(1899, 12, 31, tzinfo=UTC), min(last, WINDOW.end))
    computation = Computation(engine, parse_profile(profile).spec, f"`exact`.`t{digits}`", "at")
    (found,) = computation.tables([window])
    column = found.column("x")
    if pa.types.is_timestamp(column.type):
        size = {"s": SECOND, "ms": MILLISECOND, "us": MICROSECOND, "ns": 1}[column.type.unit]
        return column.cast(pa.int64()).to_pylist()[0] * size
    return column.to_pylist()[0]


@pytest.mark.parametrize("digits", DIGITS)
@pytest.mark.parametrize("expression", TIMES)
def test_times_of_four_centuries_are_exact_or_fail(times, expression, digits):
    @settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
    @given(instants(digits))
    def exact_or_failed(at):
        moment = EPOCH + timedelta(microseconds=at // 1000)
        try:
            found = _time(times, digits, at, expression)
        except RunError as error:
            assert error.reason is Reason.OUTPUT_CONTRACT  # noqa: PT017 - it may raise or not
            assert not 1970 <= moment.year < 2106, "refused without need"
            return
        wanted = TIMES[expression](moment)
        if isinstance(wanted, datetime) and abs(found) < 2**32:
            found *= SECOND  # of a type that arrives as a whole number of seconds
        if isinstance(wanted, datetime):
            wanted = _nanoseconds(wanted)
        elif isinstance(found, int) and not isinstance(wanted, int):
            days = found if abs(found) < 10**6 else found // (86_400 * SECOND)
            found = EPOCH.date() + timedelta(days=days)
        assert found == wanted

    exact_or_failed()


TICKS = {
    "toUnixTimestamp64Milli(at)": lambda at: at // MILLISECOND,
    "toUnixTimestamp64Micro(at)": lambda at: at // MICROSECOND,
    "toUnixTimestamp64Nano(at)": lambda at: at if at <= LAST_NANOSECOND else None,
    "toInt64(at)": lambda at: at // SECOND,
    "min(at)": lambda at: at,
    "max(if(at > {{window_start}}, at, {{window_start}}))": lambda at: at,
    "date_trunc('second', at)": lambda at: at // SECOND * SECOND,
    "date_trunc('millisecond', at)": lambda at: at // MILLISECOND * MILLISECOND,
    "date_trunc('Microsecond', at)": lambda at: at // MICROSECOND * MICROSECOND,
    "toDateTime64(at, 9, 'UTC')": lambda at: at if at <= LAST_NANOSECOND else None,
    "toDateTime64(at, 3, 'UTC')": lambda at: None if at % MILLISECOND else at,
    "CAST(at AS DateTime64(6, 'UTC'))": lambda at: None if at % MICROSECOND else at,
    "at::DateTime64(3, 'UTC')": lambda at: None if at % MILLISECOND else at,
    "toDateTime64(date_trunc('millisecond', at), 3, 'UTC')": lambda at: at // MILLISECOND * MILLISECOND,
    "toDateTime64(date_trunc('second', at), 0, 'UTC')": lambda at: at // SECOND * SECOND,
    "fromUnixTimestamp64Micro(toUnixTimestamp64Micro(at), 'UTC')": lambda at: at // MICROSECOND * MICROSECOND,
    "fromUnixTimestamp64Nano(toUnixTimestamp64Nano(at), 'UTC')": lambda at: at if at <= LAST_NANOSECOND else None,
    "dateDiff('millisecond', toDateTime64('1900-01-01 00:00:00', 3, 'UTC'), at)": lambda at: at // MILLISECOND + 2_208_988_800_000,
    "at - toDateTime64('1970-01-01 00:00:00', 3, 'UTC')": lambda at: Decimal(at).scaleb(-9),
    "at + INTERVAL 1 SECOND": lambda at: at + SECOND,
    "addDays(at, -1)": lambda at: at - 86_400 * SECOND,
    "countIf(at = toDateTime64(toString(at), 9, 'UTC'))": lambda at: 1 if at <= LAST_NANOSECOND else None,
}  # fmt: skip
"""For each expression its value by an instant in nanoseconds; None where it must fail."""


@pytest.mark.parametrize("digits", DIGITS)
@pytest.mark.parametrize("expression", TICKS)
def test_parts_of_a_second_are_exact_towards_the_past_or_fail(times, expression, digits):
    @settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
    @given(instants(digits))
    def exact_or_failed(at):
        wanted = TICKS[expression](at)
        try:
            found = _time(times, digits, at, expression)
        except RunError as error:
            assert error.reason is Reason.OUTPUT_CONTRACT  # noqa: PT017 - it may raise or not
            edge = at < -2_208_900_000 * SECOND or at > LAST_NANOSECOND - 2 * 86_400 * SECOND
            assert wanted is None or edge, "refused without need"
            return
        assert found == wanted

    exact_or_failed()


BEYOND = [
    ("addYears(at, 400)", 2100, "years, which would come out as 1915"),
    ("at + INTERVAL 400 YEAR", 2100, "the same by a sign"),
    ("INTERVAL 400 YEAR + at", 2100, "the other way round"),
    ("addDays(at, 140000)", 2261, "days, which would come out as 2060"),
    ("subtractMonths(at, -4800)", 2261, "months against their name"),
    ("addDays(at, 100)", 2261, "a little"),
    ("fromUnixTimestamp64Nano(toInt64('9214646400000000000'), 'UTC')", 2261, "a count"),
    ("subtractYears(at, 200)", 1970, "before 1900"),
]


@pytest.mark.parametrize(("expression", "year", "because"), BEYOND, ids=[one[2] for one in BEYOND])
def test_nanoseconds_that_would_wrap_around_fail_by_name(times, expression, year, because):
    at = _nanoseconds(datetime(year, 12, 31)) + 1
    with pytest.raises(RunError, match="window 1899") as refused:
        _time(times, 9, at, expression)
    assert refused.value.reason is Reason.OUTPUT_CONTRACT, because


def test_parts_of_a_second_are_never_dropped_by_a_declared_type(times):
    text = "toDateTime64(at, 0, 'UTC')"
    for digits in DIGITS:
        with pytest.raises(SpecError, match="date_trunc"):
            _time(times, digits, 0, text)
