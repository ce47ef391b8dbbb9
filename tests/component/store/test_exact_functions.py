"""Every function that a query may call: exact, a failed run by name, or refused with a hint."""

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from math import gcd

import pytest

from chartly.api.profile import parse_profile
from chartly.errors import Reason, RunError, SpecError
from chartly.query.functions import AGGREGATES, SCALARS
from chartly.query.windows import Window
from chartly_store.computation import Computation
from support.profiles import changed, playbook_profile

WHERE = " FROM {{dataset}} WHERE at >= {{window_start}} AND at < {{window_end}}"
WINDOW = Window(datetime(1899, 12, 31, tzinfo=UTC), datetime(2299, 12, 31, tzinfo=UTC))
LEAST, MOST, UNSIGNED = -(2**63), 2**63 - 1, 2**64 - 1
AT = datetime(1905, 6, 15, 23, 59, 59, 500_000, tzinfo=UTC)
MONEY = Decimal("1.999999999")
FINE = Decimal("0.1")
FAILS, REFUSED = "fails", "refused"


@pytest.fixture(scope="module")
def table(engine):
    engine.command("CREATE DATABASE IF NOT EXISTS functions")
    engine.command(
        "CREATE TABLE functions.d (at DateTime64(3, 'UTC'), i Int64, u UInt64, n Nullable(Int64), "
        "d Decimal(38, 9), f Decimal(38, 37), s String, j String, day Date32) ENGINE = Memory"
    )
    engine.command(
        f"INSERT INTO functions.d VALUES ('1905-06-15 23:59:59.500', {LEAST}, {UNSIGNED}, NULL, "
        f"'{MONEY}', '{FINE}', '1.239', '{{\"a\": 99999999999999999999}}', '1905-06-15')"
    )
    return engine


def _value(engine, expression, kind=None):
    profile = changed(
        playbook_profile("analytics"), "spec.queryTemplate.text", f"SELECT {expression} AS x{WHERE}"
    )
    if kind is not None:
        profile = changed(profile, "spec.outputs.columns", {"x": kind})
    found = Computation(engine, parse_profile(profile).spec, "`functions`.`d`", "at")
    return next(row["x"] for one in found.tables([WINDOW]) for row in one.to_pylist())


TABLE = [
    ("bitShiftLeft(i, 1)", REFUSED, "bits that leave the type"),
    ("bitShiftRight(i, 1)", REFUSED, "the same on the other side"),
    ("toInt64(d)", FAILS, "a whole number of a fraction"),
    ("toInt64(trunc(d))", 1, "a fraction that is dropped knowingly"),
    ("toInt8(d * 1000000000)", FAILS, "computed and too large"),
    ("toInt64(s)", FAILS, "of a fraction as text"),
    ("toInt8(repeat('9', 80))", FAILS, "text of more digits than any number has"),
    ("toInt64(CAST(d AS Decimal(38, 9)))", FAILS, "of a cast"),
    ("CAST(d AS Int64)", FAILS, "a cast"),
    ("d::Int64", FAILS, "a cast by signs"),
    ("CAST(d AS Decimal(9, 2))", FAILS, "fewer digits behind the point"),
    ("CAST(round(d, 2) AS Decimal(9, 2))", Decimal("2.00"), "rounded knowingly"),
    ("CAST(s AS Decimal(9, 2))", FAILS, "fewer digits, of text"),
    ("CAST(s AS Decimal(9, 3))", Decimal("1.239"), "as many, of text"),
    ("CAST('1239e-3' AS Decimal(9, 2))", FAILS, "an exponent"),
    ("CAST(sum(d) AS Decimal(38, 2))", FAILS, "of a sum"),
    ("toDecimal64(d, 2)", FAILS, "a function"),
    ("toDecimal64(s, 2)", FAILS, "a function, of text"),
    ("toDecimal64(s, 3)", Decimal("1.239"), "as many digits"),
    ("toDecimal64(repeat('9', 30), 0)", FAILS, "too many digits"),
    ("toDecimal64(i, i)", REFUSED, "a scale that is computed"),
    ("toDecimal64OrNull(s, 2)", FAILS, "fewer digits or null"),
    ("toDecimal64OrNull('none', 2)", None, "no number"),
    ("toDecimal128OrNull(s, 3)", Decimal("1.239"), "all digits"),
    ("toInt64OrNull('99999999999999999999')", None, "null stands for what is none"),
    ("toInt64OrZero('99999999999999999999')", REFUSED, "zero does not"),
    ("toDateOrNull('1905-06-15')", REFUSED, "the nearest day"),
    ("varPopStable(i)", REFUSED, "a float"),
    ("stddevSampStable(i)", REFUSED, "another"),
    ("max((i / 2))", REFUSED, "a division within"),
    ("round(i / 2, 2)", REFUSED, "a division in round"),
    ("(i / 2)", REFUSED, "a division in brackets"),
    ("if(i < 0, i, d)", Decimal(LEAST), "a whole number or money"),
    ("if(i < 0, u, f)", UNSIGNED, "unsigned or small money"),
    ("multiIf(i > 0, 1, d)", MONEY, "of several"),
    ("coalesce(n, d)", MONEY, "the first that is there"),
    ("CASE WHEN i < 0 THEN i ELSE d END", Decimal(LEAST), "in SQL's words"),
    ("greatest(i, u)", UNSIGNED, "signed with unsigned"),
    ("least(i, u)", LEAST, "the other way"),
    ("greatest(u, f)", FAILS, "unsigned with small money"),
    ("greatest(i, d)", MONEY, "with money"),
    ("i < u", 1, "compared, signed with unsigned"),
    ("u = -1", 0, "equal"),
    ("u < f", 0, "compared with small money"),
    ("less(u, f)", 0, "the same as a function"),
    ("u > f", 1, "the other way"),
    ("f < u", 1, "the other order"),
    ("countIf(u < f)", 0, "within a condition"),
    ("f BETWEEN 0 AND 18446744073709551615", 1, "between"),
    ("i < d", 1, "compared with money"),
    ("intDiv(i, -1)", FAILS, "the least by minus one"),
    ("intDiv(i, -1)", 2**63, "where there is room", "Decimal(38, 0)"),
    ("intDiv(u, i)", -1, "unsigned by signed"),
    ("intDiv(toInt64(-7), u)", 0, "signed by unsigned"),
    ("intDiv(u, toInt64(-1))", -UNSIGNED, "by minus one", "Decimal(38, 0)"),
    ("intDiv(d, 0.5)", 3, "money by a fraction", "Int64"),
    ("intDiv(i, n)", None, "by what is not there", "Int64"),
    ("intDiv(i, 0)", FAILS, "by zero"),
    ("intDivOrZero(i, -1)", REFUSED, "or zero"),
    ("abs(i)", 2**63, "the least without its sign"),
    ("i % u", LEAST, "the rest, signed and unsigned"),
    ("u % toInt64(-10)", 5, "by less than zero"),
    ("d % 3", MONEY, "the rest of money"),
    ("toDecimal64(5, 2) % 3", Decimal(2), "the rest of a cast"),
    ("modulo(toDecimal64(5, 2), 3)", Decimal(2), "the same as a function"),
    ("d % 0.000000001", Decimal(0), "by a fraction"),
    ("d % 0.3", Decimal("0.199999999"), "by another", "Decimal(38, 9)"),
    ("gcd(u - 5, 10)", FAILS, "the common part beyond the type"),
    ("gcd(u, 10)", FAILS, "of a column"),
    ("gcd(toInt64(12), 18)", gcd(12, 18), "of what fits"),
    ("lcm(u, 18446744073709551614)", REFUSED, "the common multiple"),
    ("length(range(3))", 3, "a range"),
    ("arraySum([u, u])", 2 * UNSIGNED, "a sum of a list", "Decimal(38, 0)"),
    ("arraySum([u, u])", FAILS, "that does not fit"),
    ("arraySum(arrayMap(y -> CAST(y * 2 AS Decimal(38, 0)), [u]))", 2 * UNSIGNED, "a sum of what is computed", "Decimal(38, 0)"),
    ("arrayMax([i, d])", MONEY, "the most of a list"),
    ("addYears(at, 300)", AT.replace(year=2205), "a time moved"),
    ("addYears(at, 500)", REFUSED, "beyond the range"),
    ("addYears(at, 4294967296)", REFUSED, "years beyond 32 bits"),
    ("addMonths(at, 4294967296)", REFUSED, "months beyond 32 bits"),
    ("addDays(day, 4294967296)", REFUSED, "days beyond 32 bits"),
    ("addYears(day, 500)", REFUSED, "a day"),
    ("addDays(at, u)", FAILS, "by days without a sign"),
    ("addYears(at, u)", FAILS, "by years without a sign"),
    ("at + toIntervalDay(u)", FAILS, "by a span without a sign"),
    ("at + INTERVAL u DAY", FAILS, "by another"),
    ("at + INTERVAL 500 YEAR", REFUSED, "by a sign"),
    ("at - INTERVAL 100 YEAR", FAILS, "towards the past"),
    ("addDays(day, toInt64(4294967296))", FAILS, "days that are computed"),
    ("addYears(at, 399)", FAILS, "beyond the range"),
    ("addYears(day, toInt64(399))", FAILS, "a day beyond it"),
    ("day + toInt64(4294967296)", FAILS, "days by a sign, computed"),
    ("subtractYears(at, 50)", FAILS, "the same as a function"),
    ("subtractDays(day, 1)", date(1905, 6, 14), "the day before"),
    ("addSeconds(at, 99999999999999999)", REFUSED, "seconds that wrap around"),
    ("day + 1000000", REFUSED, "days by a sign"),
    ("date_add(YEAR, 500, at)", REFUSED, "in SQL's words"),
    ("dateSub(YEAR, 500, at)", REFUSED, "in other words"),
    ("dateDiff('day', at, toDateTime64('2299-01-01', 3, 'UTC'))", (date(2299, 1, 1) - AT.date()).days, "days between centuries"),
    ("dateDiff('second', at, toDateTime64('2299-01-01', 3, 'UTC'))", (datetime(2299, 1, 1, tzinfo=UTC) - AT) // timedelta(seconds=1) + 1, "seconds begun"),
    ("dateDiff('year', day, toDate32('2299-01-01'))", 2299 - 1905, "years"),
    ("formatDateTime(at, '%Y-%m-%d %H:%i:%S %f')", "1905-06-15 23:59:59 500000", "as text"),
    ("toYYYYMMDD(at)", 19050615, "digits of a day"),
    ("toISOYear(at)", AT.isocalendar()[0], "a year of weeks"),
    ("toWeek(at)", 24, "a week"),
    ("toUnixTimestamp64Milli(at)", (AT - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1), "milliseconds"),
    ("fromUnixTimestamp64Milli(-2036880000500)", AT, "and back"),
    ("toUnixTimestamp64Micro(at)", -2036880000500000, "microseconds"),
    ("fromUnixTimestamp64Micro(-2036880000500000)", AT, "microseconds and back"),
    ("fromUnixTimestamp64Micro(i)", FAILS, "microseconds beyond the range"),
    ("toUnixTimestamp64Nano(at)", -2036880000500000000, "nanoseconds"),
    ("fromUnixTimestamp64Nano(-2036880000500000000)", AT, "nanoseconds and back"),
    ("fromUnixTimestamp64Nano(i)", FAILS, "nanoseconds before the range"),
    ("fromUnixTimestamp64Milli(i)", FAILS, "beyond the range"),
    ("fromUnixTimestamp64Milli(u)", FAILS, "without a sign"),
    ("toDateTime64(i, 3, 'UTC')", REFUSED, "a time of a number"),
    ("toDate(i)", REFUSED, "a day of a number"),
    ("CAST(i AS Date32)", REFUSED, "a cast of a number"),
    ("toDateTime64(at, 0, 'UTC')", REFUSED, "parts of a second"),
    ("CAST(at AS DateTime64(0))", REFUSED, "a cast of them"),
    ("toDateTime64('1905-06-15 23:59:59.9999', 3, 'UTC')", FAILS, "of text"),
    ("toDateTime64('1905-06-15 23:59:59.500', 3, 'UTC')", AT, "text that fits"),
    ("quantileExact(0.5)(d)", MONEY, "an element"),
    ("medianExact(arrayJoin([1, 2, 3, 4]))", 3, "the upper of two in the middle"),
    ("groupBitXor(u)", UNSIGNED, "bits"),
    ("bitNot(u)", 0, "all of them"),
    ("sumMap(map('a', i))", REFUSED, "a sum by key"),
    ("JSONExtractInt(j, 'a')", REFUSED, "a number that does not fit"),
    ("toInt64(JSONExtractRaw(j, 'a'))", FAILS, "the same, looked at"),
    ("toInt64(JSONExtractRaw('{\"a\": 12}', 'a'))", 12, "one that fits"),
    ("hex(i)", "8000000000000000", "as text"),
    ("transform(i, [1, 2], [10, 20], 0)", 0, "a list of pairs"),
    ("transform(u, [-1], [1], 0)", 0, "signed with unsigned"),
    ("multiplyDecimal(d, d, 2)", REFUSED, "digits that are dropped"),
    ("divideDecimal(d, d, 2)", REFUSED, "digits that are cut"),
    ("round(i, -3)", FAILS, "rounded beyond the type"),
    ("round(d)", Decimal(2), "rounded"),
    ("floor(d)", Decimal(1), "down"),
    ("sign(i)", -1, "the sign"),
]  # fmt: skip


@pytest.mark.parametrize("row", TABLE, ids=[one[2] for one in TABLE])
def test_functions_are_exact_or_fail_or_are_refused(table, row):
    expression, wanted, because, *kind = row
    if wanted is REFUSED:
        with pytest.raises(SpecError, match=r"writ|use|needs|declares|400 years"):
            _value(table, expression, *kind)
        return
    if wanted is FAILS:
        with pytest.raises(RunError) as failed:
            _value(table, expression, *kind)
        assert failed.value.reason is Reason.OUTPUT_CONTRACT, failed.value
        return
    assert _value(table, expression, *kind) == wanted, because


REASONS = {
    "gives text": """lower upper lowerutf8 upperutf8 trim trimleft trimright trimboth ltrim rtrim concat
        concatwithseparator substring substr substringutf8 left right leftutf8 rightutf8 leftpad rightpad
        lpad rpad replace replaceone replaceall replaceregexpone replaceregexpall extract extractall
        splitbychar splitbystring arraystringconcat reverse repeat format unhex base64encode base64decode
        tostring tostringcuttozero domain path protocol cutquerystring jsonextractstring jsonextractraw
        jsontype""",
    "gives a truth": """equals notequals less greater lessorequals greaterorequals and or not xor in notin
        isnull isnotnull startswith endswith like notlike ilike match empty notempty has hasall hasany
        mapcontains jsonhas jsonextractbool isvalidutf8 arrayexists arrayall tobool""",
    "counts what is in memory": """count uniqexact length lengthutf8 char_length position positionutf8
        locate ascii indexof arraycount arrayuniq jsonlength""",
    "is an estimate by its name, the same every time": "uniq uniqcombined uniqhll12",
    "gives back one of its values": """min max minmap maxmap quantileexact quantilesexact quantileexactlow
        quantileexacthigh medianexact quantileexactweighted grouparraysorted ifnull nullif coalesce
        assumenotnull tonullable array tuple tupleelement map mapkeys mapvalues arrayelement arraymap
        arrayfilter arraymin arraymax arraysort arrayreversesort arraydistinct arrayconcat arrayslice
        arrayjoin""",
    "takes single bits, or is one for what is equal": """groupbitand groupbitor groupbitxor bitand bitor
        bitxor siphash64 cityhash64 xxhash64 md5 sha256 sha1 halfmd5""",
    "random arithmetic is held against Python": """sum avg plus minus multiply divide negate""",
    "times of four centuries are held against Python": """todate todatetime todate32 cast toyear toquarter
        tomonth todayofyear todayofmonth todayofweek tohour tominute tosecond tomillisecond tounixtimestamp
        tostartofyear tostartofquarter tostartofmonth tostartofweek tomonday tostartofday tostartofhour
        tostartofminute tostartoffiveminutes tostartoftenminutes tostartoffifteenminutes
        tostartofinterval toyyyymm toyyyymmddhhmmss toisoweek tolastdayofmonth date_trunc datetrunc
        timeslot""",
    "another spelling, or the same with another unit": """ceil ceiling truncate mod date_diff datediff
        toint16 toint32 touint8 touint16 touint32 touint64 touint64ornull todecimal32 todecimal128
        addhours addminutes addweeks subtracthours subtractminutes subtractmonths subtractseconds
        subtractweeks tointervalhour tointervalminute tointervalmonth tointervalsecond tointervalweek
        tointervalyear""",
    "is refused, as a row of its kind shows": """sumwithoverflow varsampstable stddevpopstable
        date_sub dateadd jsonextractuint""",
}


def test_every_function_that_may_be_called_was_looked_at():
    listed = {name for names in REASONS.values() for name in names.split()}
    called = {name.lower() for row in TABLE for name in re.findall(r"(\w+)\(", row[0])}
    assert sorted((AGGREGATES | SCALARS) - listed - called) == []
    assert sorted(listed - AGGREGATES - SCALARS) == [], "is not allowed any more"


_PARSED = {"date_add", "dateadd", "date_sub", "datesub", "summap", "minmap", "maxmap"}
"""Words of the engine's grammar, and an aggregate with a combinator."""


def test_the_engine_has_every_function_that_may_be_called(engine):
    there = {str(row[0]).lower() for row in engine.rows("SELECT name FROM system.functions")}
    assert sorted((AGGREGATES | SCALARS) - there - _PARSED) == []
