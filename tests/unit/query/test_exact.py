"""What the rewriting of a query changes, what it leaves alone, and what it refuses."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartly.api.profile import parse_profile
from chartly.errors import SpecError
from chartly.query.exact import exact_query
from support.profiles import changed, playbook_profile

WHERE = " FROM {{dataset}} WHERE at >= {{window_start}} AND at < {{window_end}}"
TYPES = {
    "at": "DateTime64(3, 'UTC')",
    "i": "Int64",
    "n": "Nullable(Int64)",
    "d": "Decimal(38, 9)",
    "s": "LowCardinality(String)",
    "day": "Date32",
    "flag": "Bool",
    "list": "Array(Int64)",
    "fine": "Decimal(38, 30)",
}


def _text(text, kind="Decimal(9, 2)"):
    profile = changed(playbook_profile("analytics"), "spec.queryTemplate.text", text)
    profile = changed(profile, "spec.outputs.columns", {"x": kind})
    return exact_query(parse_profile(profile).spec, TYPES).text


def _rewritten(expression, kind="Decimal(9, 2)"):
    text = _text(f"SELECT {expression} AS x{WHERE}", kind)
    return re.sub(r"\s+", " ", text.removeprefix("SELECT ").split(" AS x FROM ")[0])


REWRITTEN = [
    ("sum(i)", "sum(toDecimal256(i, 0))", "a sum runs in 76 digits"),
    ("sum(d)", "sum(toDecimal256(d, 9))", "with the scale of its column"),
    ("sum(DISTINCT i)", "sum(DISTINCT ((i) + materialize(toDecimal256(0, 0))))", "each once"),
    ('sum("i")', 'sum(toDecimal256("i", 0))', "a name in quotes"),
    ("`sum`(i)", "`sum`(toDecimal256(i, 0))", "a function in quotes"),
    ("sum(d.i)", "sum(toDecimal256(d.i, 0))", "a name with its table"),
    ("sum(other)", "sum(((other) + materialize(toDecimal256(0, 0))))", "of a type that is not known"),
    ("i + 1", "(toDecimal256(i, 0) + toDecimal256(1, 0))", "a sign"),
    ("plus(i, 1)", "(toDecimal256(i, 0) + toDecimal256(1, 0))", "the same as a function"),
    ("-i", "(toDecimal256(0, 0) - toDecimal256(i, 0))", "the sign of the least"),
    ("negate(i)", "(toDecimal256(0, 0) - toDecimal256(i, 0))", "the same as a function"),
    ("-5", "-5", "a number with its sign"),
    ("1.5", "toDecimal256('1.5', 1)", "a fraction is no float"),
    ("count(*)", "count(*)", "a star that is no sign"),
    ("count()", "count()", "nothing to change"),
    ("i % 2", "i % 2", "a remainder does not wrap around"),
    ("mod(i, 2)", "i % 2", "the same as a function"),
    ("2 * (SELECT 1)", "(toDecimal256(2, 0) * (((SELECT 1)) + materialize(toDecimal256(0, 0))))", "a query as a value"),
    ("at - day", "(at - day)", "between two times"),
    ("INTERVAL 1 DAY + INTERVAL 1 DAY", "INTERVAL 1 DAY + INTERVAL 1 DAY", "of spans of time"),
    ("case when i > 1 then i else 2 end", "CASE when i > 1 then i else 2 END", "a choice"),
    ("list[1]", "list[1]", "an element"),
    ("list[i + 1]", "list[accurateCast((toDecimal256(i, 0) + toDecimal256(1, 0)), 'Nullable(Int64)')]", "at a place that is computed"),
    ("tuple(i, 2).1", "tuple(i, 2).1", "an element by its number"),
    ("(i + 1, 2)", "((toDecimal256(i, 0) + toDecimal256(1, 0)) , 2)", "several values"),
    ("i::Int8", "accurateCast(i, 'Nullable(Int8)')", "a narrow type"),
    ("i::Array(Nullable(Int8))", "CAST(i AS Array(Nullable(Int8)))", "a type within types"),
    ("at::Date32", "CAST(at AS Date32)", "a day of any year"),
    ("i::Bool", "CAST(i AS Bool)", "a truth"),
    ("CAST(i, 'Int8')", "accurateCast(i, 'Nullable(Int8)')", "a type as text"),
    ("[CAST(i + 1 AS Decimal(9, 0))]", "[CAST((toDecimal256(i, 0) + toDecimal256(1, 0)) AS Decimal(9,0))]", "within a list"),
    ("toDate32(at)", "toDate32(at)", "a wide day"),
    ("addDays({{window_end}}, 1)", "addDays({{window_end}}, 1)", "a bound of a window"),
    ("addDays(other, i)", "addDays(other, (accurateCast(i, 'Nullable(Int64)') + throwIf(i > 146100 OR i < -146100, 'no time is moved by more than 400 years, 146100 of its units')))", "by days of a column"),
    ("INTERVAL '1' DAY", "INTERVAL '1' DAY", "a span as text"),
    ("toInt64(s)", "accurateCast(toDecimal256(concat(s, substring('', toUInt8(throwIf(match(s, '[.][0-9]*[1-9]|[0-9][eE]-'), 'Int64 would drop digits; write round(x) or trunc(x) within')) + 1)), 0), 'Nullable(Int64)')", "of text"),
    ("toInt64(at)", "accurateCast(toInt256(subtractMilliseconds(at, positiveModulo(toUnixTimestamp64Milli(at), 1000))), 'Nullable(Int64)')", "of a time"),
    ("toDecimal64(d, 9)", "toDecimal64(d, 9)", "as many digits"),
    ("toDecimal64OrNull(d, 9)", "toDecimal64OrNull(toString(d), 9)", "of a number"),
    ("toDateTime64(day, 3)", "toDateTime64(day, 3)", "a time of a day"),
    ("CAST(day AS DateTime64(3, 'UTC'))", "CAST(day AS DateTime64(3,'UTC'))", "the same as a cast"),
    ("d < 1", "d < 1", "compared, with room"),
    ("fine < i", "toDecimal256(fine, 30) < i", "compared, without"),
    ("less(fine, i)", "less(toDecimal256(fine, 30), i)", "the same as a function"),
    ("fine NOT BETWEEN 1 AND 2", "toDecimal256(fine, 30) NOT BETWEEN 1 AND 2", "not between"),
    ("fine NOT IN (1, 2)", "fine NOT IN (1 , 2)", "not in a list"),
    ("s = NULL", "s = NULL", "compared with nothing"),
    ("i > ANY", "i > ANY", "a word that is a name"),
    ("i < * ", "i < *", "what the engine refuses itself"),
    ("d % 3", "(toDecimal256(d, 9) % toDecimal256(toDecimal256(3, 0), 9))", "the rest of a fraction"),
    ("intDiv(i, 2)", "toDecimal256(intDiv(toDecimal256(i, 0), toDecimal256(2, 0)), 0)", "signed and unsigned"),
    ("gcd(i, 2)", "gcd(accurateCast(i, 'Nullable(Int64)'), 2)", "the common part"),
    ("greatest(i, d)", "greatest(toDecimal256(i, 0), toDecimal256(d, 9))", "the larger of unlike ones"),
    ("greatest(other, i)", "greatest(other, i)", "of what is not known"),
    ("greatest(at, {{window_end}})", "greatest(at, {{window_end}})", "the later"),
    ("toIntervalDay(1)", "toIntervalDay(1)", "a span of time"),
    ("date_trunc('day', at)", "date_trunc('day', subtractMilliseconds(at, positiveModulo(toUnixTimestamp64Milli(at), 1000)))", "towards the past"),
    ("date_trunc('day', day)", "date_trunc('day', day)", "a day has no parts of seconds"),
    ("round(i, -3)", "round(toDecimal256(i, 0), -3)", "rounded up beyond 64 bits"),
    ("round(d)", "round(d)", "rounded"),
    ("if(i > 0, i, 1)", "if(i > 0, i, 1)", "a choice of two"),
    ("multiIf(i > 0, i, i > 1, 1, 2)", "multiIf(i > 0, i, i > 1, 1, 2)", "a choice of several"),
    ("bitXor(i + 1, 2)", "bitXor(accurateCast((toDecimal256(i, 0) + toDecimal256(1, 0)), 'Nullable(Int64)'), 2)", "bits are of 64"),
    ("quantileExact(0.5)(i)", "quantileExact(0.5)(i)", "an aggregate with a parameter"),
    ("arraySum(list)", "arraySum(arrayMap(_item -> _item + materialize(toDecimal256(0, 0)), list))", "a sum of a list"),
    ("plus(i, 1, 2)", "plus(i, 1, 2)", "what the engine refuses itself"),
    ("left(s, 2)", "left(s, 2)", "a function that is also a word of SQL"),
    ("s = 'a + b'", "s = 'a + b'", "signs within text"),
    ("{{window_end}} - INTERVAL 1 DAY", "{{window_end}} - INTERVAL 1 DAY", "a placeholder"),
    ("99999999999999999999 + 1", "(toDecimal256('99999999999999999999', 0) + toDecimal256(1, 0))", "beyond 64 bits"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("expression", "text", "because"), REWRITTEN, ids=[one[2] for one in REWRITTEN]
)
def test_numbers_run_in_76_digits_and_all_else_as_it_is_written(expression, text, because):
    assert _rewritten(expression) == text, because


DIVISIONS = [
    ("i / 3", "toDecimal256(i, 0), ifNull(toDecimal256(3, 0), toDecimal256(1, 0)), 2)", "a whole column"),
    ("CAST(i / 3 AS Decimal(9, 4))", "toDecimal256(3, 0), toDecimal256(1, 0)), 4)", "a cast"),
    ("avg(i)", "toDecimal256(nullIf(count(i), 0), 0)", "an average"),
    ("avgOrNull(i)", "toDecimal256(nullIf(count(i), 0), 0)", "or null"),
    ("avgIf(n, i > 0)", "countIf((i > 0) AND isNotNull(n))", "with a condition"),
    ("avgDistinct(i)", "uniqExact(i)", "each once"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("expression", "part", "because"), DIVISIONS, ids=[one[2] for one in DIVISIONS]
)
def test_divisions_have_the_digits_that_are_declared(expression, part, because):
    assert part in _rewritten(expression), because


GUARDED = [
    ("toDate(at)", "toDate(addDays(at, throwIf(", "a day"),
    ("toDate(s)", "toDate(concat(s, substring('', toUInt8(throwIf(", "a day as text"),
    ("at::Date", "CAST(addDays(at, throwIf(", "a cast"),
    ("at + INTERVAL 1 DAY", "addDays((at + INTERVAL 1 DAY), throwIf(", "beyond four centuries"),
    ("addDays(at, 1)", "addDays((addDays(at, 1)), throwIf(", "the same as a function"),
    ("fromUnixTimestamp64Milli(i)", "addDays((fromUnix", "a time of a number"),
    ("CAST(s AS DateTime64(3, 'UTC'))", "CAST(concat(s, sub", "parts of a second, as text"),
    ("CAST(d AS Decimal(9, 2))", "CAST(concat(toString(d), sub", "digits"),
    ("toUnixTimestamp(at)", "toUnixTimestamp(addDays(at, throwIf(", "seconds"),
    ("addDays(toDate(at), 1)", "addDays(addDays(toDate(", "a day moved"),
    ("toDate(at) + INTERVAL 1 DAY", "addDays(toDate(", "the same by a sign"),
    ("INTERVAL 1 DAY + toDate(at)", "addDays(INTERVAL 1 DAY + toDate(", "in another order"),
]


@pytest.mark.parametrize(("expression", "part", "because"), GUARDED, ids=[o[2] for o in GUARDED])
def test_times_that_would_be_cut_are_looked_at(expression, part, because):
    assert _rewritten(expression).startswith(part), because


def test_a_time_that_was_looked_at_is_not_looked_at_again():
    assert _rewritten("toDate(toDate(at))") == f"toDate({_rewritten('toDate(at)')})"


REFUSED = [
    ("d * d * d", "`*` may give more than 76 digits; write CAST", "too many digits"),
    ("sum(d * 1.11111111111111111111111111)", "a sum of these may have more than 76", "a sum of them"),
    ("CAST(i * 1.5 AS Decimal(38, 0)) / 1.0000000000000000000000000000000000000001", "this division may take more than 76 digits", "a division"),
    ("(i / 3) + 1", "`/` and avg() are exact only as a whole output column", "a division within"),
    ("i / 3 + 1", "`/` and avg() are exact only", "the same without brackets"),
    ("max(i / 3)", "`/` and avg() are exact only", "within a call"),
    ("1e80", "1e80 has more than 76 digits", "a number"),
    ("-1e80", "-1e80 has more than 76 digits", "a number below zero"),
    ("toDate(at) + 1", "write addDays() or addSeconds()", "days by a sign"),
    ("at + INTERVAL 500 YEAR", "no time is moved by more than 400 years", "a long time"),
    ("toDecimal64(i, i)", "needs its scale as a number", "a scale that is computed"),
    ("toDecimal64(i)", "needs its scale as a number", "no scale"),
    ("toDateTime64(at)", "needs its scale as a number", "no scale of a time"),
    ("toDateTime64(at, 0)", "write date_trunc('second', x)", "parts of a second"),
    ("toDate(i)", "write fromUnixTimestamp64Milli(x)", "a time of a number"),
    ("CAST(i AS Date)", "write fromUnixTimestamp64Milli(x)", "the same as a cast"),
    ("i::Date", "write fromUnixTimestamp64Milli(x)", "the same by signs"),
    ("-(abs(d * d))", "`-` may give more than 76 digits; write CAST", "the sign of a product"),
    ("-toDateTime(at)", "not a sign", "the sign of a time"),
    ("-(i / 3)", "`/` and avg() are exact only", "the sign of a division"),
    ("i > i / 3", "`/` and avg() are exact only", "compared with a division"),
    ("bitShiftLeft(i, 1)", "multiply, or use intDiv()", "bits"),
    ("varPopStableIf(i, i > 0)", "write sum(x * x), sum(x), count()", "a float"),
    ("dateAdd(DAY, 1, at)", "write addDays(x, n)", "in SQL's words"),
    ("avgOrDefault(i)", "divide sum by count", "an average or zero"),
    ("sumWithOverflow(i)", "sumWithOverflow() wraps around; use sum", "what wraps by its name"),
    ("arraySum(x -> x, list)", "write arraySum(arrayMap(...))", "a sum with a function"),
    ("tuple(i AS y)", "an alias is not allowed within a call", "an alias"),
    ("arrayMap(x -> x + 1, [1, 2])", "may take more than 38 digits; write CAST", "computed elements"),
    ("[unknown + 1]", "write CAST(... AS Decimal(p, s)) around what is computed", "a list"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("expression", "said", "because"), REFUSED, ids=[one[2] for one in REFUSED]
)
def test_what_cannot_be_exact_is_refused_with_what_to_write(expression, said, because):
    with pytest.raises(SpecError, match=r"queryTemplate.text: line 1, column \d+") as refused:
        _rewritten(expression)
    assert said in str(refused.value), because


CAST_TYPES = ["Date", "DateTime", "Date32", "DateTime64(3)", "Int8", "Decimal(9, 2)", "String", "x"]
CALLS = [
    *(
        "sum",
        "avg",
        "sumIf",
        "count",
        "abs",
        "negate",
        "plus",
        "intDiv",
        "divide",
        "toDate",
        "toInt8",
    ),
    *(
        "toDateTime64",
        "toDecimal64",
        "addDays",
        "toStartOfInterval",
        "dateDiff",
        "arraySum",
        "round",
    ),
    *("arrayMap", "if", "lcm", "date_trunc", "greatest"),
]
_INNER = st.recursive(
    st.sampled_from(["i", "d", "at", "day", "s", "unknown", "7", "1.25", "1e75", "-1e80", "'x'"]),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from([*"+-*/%<=", "BETWEEN", "AND"]), inner).map(" ".join),
        inner.map(lambda text: f"-({text})"),
        inner.map(lambda text: f"[{text}]"),
        inner.map(lambda text: f"CASE WHEN {text} THEN {text} END"),
        inner.map(lambda text: f"at + INTERVAL {text} DAY"),
        st.tuples(inner, st.sampled_from(CAST_TYPES)).map(lambda both: f"({both[0]})::{both[1]}"),
        st.tuples(inner, st.sampled_from(CAST_TYPES)).map(
            lambda both: f"CAST({' AS '.join(both)})"
        ),
        st.tuples(st.sampled_from(CALLS), st.lists(inner, max_size=3)).map(
            lambda both: f"{both[0]}({', '.join(both[1])})"
        ),
    ),
    max_leaves=8,
)


@given(_INNER)
def test_whatever_is_refused_is_refused_with_its_place(expression):
    try:
        _rewritten(expression)
    except SpecError as refused:
        assert str(refused).startswith("analytics: spec.queryTemplate.text: ")  # noqa: PT017 - it may raise or not


def test_a_division_needs_a_column_that_is_declared_as_a_decimal():
    with pytest.raises(SpecError, match="declares as"):
        _rewritten("i / 3", "Int64")


@pytest.mark.parametrize(
    ("text", "part", "because"),
    [
        ("SELECT i AS y, sum(y) AS x", "sum(toDecimal256(y, 0))", "an alias is what it names"),
        ("SELECT sum(y) AS x, d AS y", "sum(toDecimal256(y, 9))", "also before it is named"),
        ("SELECT i AS y, d AS y2, sum(y + y2) AS x", "toDecimal256(y2, 9)", "of another scale"),
        ("WITH i + 1 AS y SELECT sum(y) AS x", "sum(", "in front of a query"),
    ],
)
def test_aliases_are_known(text, part, because):
    assert part in _text(text + WHERE, "Decimal(38, 9)"), because


def test_a_name_of_two_values_may_be_either_of_them():
    inner = f"SELECT i AS y{WHERE} UNION ALL SELECT d AS y{WHERE}"
    assert "toDecimal256(y, 9)" in _text(f"SELECT sum(y) AS x FROM ({inner})")


def test_aliases_that_refer_to_each_other_are_refused():
    with pytest.raises(SpecError, match="refer to each other in a circle"):
        _text("SELECT a + 1 AS b, b + 1 AS a, 1 AS x" + WHERE)


def test_of_columns_nothing_need_be_known():
    spec = parse_profile(playbook_profile("analytics")).spec
    assert exact_query(spec, {}).columns == ("day", "currency", "orders", "total_amount")
