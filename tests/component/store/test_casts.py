"""Casts as the engine does them: exact, or refused."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from chartly.load.casts import cast

MOMENT = datetime(2026, 2, 2, 10, 15, 0, 500000, tzinfo=UTC)
D = Decimal


@pytest.mark.parametrize(
    ("stored", "wanted", "exact", "inexact"),
    [
        ("String", "Decimal(5, 2)", {"1.50": D("1.50"), "-0.01": D("-0.01"), "999.99": D("999.99"), "7.1000": D("7.1"), "8.000": D(8)},
         ["", "x", "1e2", "1000", "0.001", "+1", " 1", "1.", ".5", "01", "1,5", "nan", "1\n"]),
        ("String", "Decimal(2, 2)", {"0.15": D("0.15"), "0": D(0)}, ["1.15", "00.1"]),
        ("String", "Decimal(3, 0)", {"999": D(999), "5.00": D(5)}, ["5.1", "1000"]),
        ("String", "Int64", {"5": 5, "-9223372036854775808": -(2**63)}, ["05", "5.0", "-0", "9223372036854775808", "", "true"]),
        ("String", "UInt64", {"18446744073709551615": 2**64 - 1, "0": 0}, ["-1", "18446744073709551616"]),
        ("String", "Bool", {"true": True, "false": False}, ["1", "True", "yes", ""]),
        ("String", "Date32", {"2026-02-02": date(2026, 2, 2)}, ["2026-02-31", "2026-2-2", "1899-12-31", "2300-01-01", "2026-02-02T00:00:00Z"]),
        ("String", "DateTime64(3, 'UTC')", {"2026-02-02T10:15:00.5Z": MOMENT, "2026-02-02T10:15:00.500Z": MOMENT},
         ["2026-02-02", "2026-02-02T10:15:00", "2026-02-02T24:15:00Z", "2026-02-31T10:15:00Z", "2026-02-02T10:15:00.0001Z", "2026-02-02T10:15:00+02:00", "1800-02-02T10:15:00Z"]),
        ("LowCardinality(String)", "Int64", {"5": 5}, ["x"]),
        ("Int64", "UInt64", {5: 5}, [-1]),
        ("UInt64", "Int64", {5: 5}, [2**63]),
        ("Int64", "Decimal(5, 2)", {-999: D(-999)}, [1000]),
        ("Int64", "String", {-5: "-5"}, []),
        ("Bool", "LowCardinality(String)", {True: "true"}, []),
        ("Bool", "Int64", {}, [True, False]),
        ("Int64", "Bool", {}, [0, 1]),
        ("Decimal(10, 2)", "Int64", {D("5.00"): 5}, [D("5.10")]),
        ("Decimal(38, 2)", "Int64", {D("9223372036854775807"): 2**63 - 1}, [D("9223372036854775808"), D("999999999999999999999999999999999999.99")]),
        ("Decimal(18, 2)", "Decimal(38, 4)", {D("9999999999999999.99"): D("9999999999999999.9900")}, []),
        ("Decimal(18, 4)", "Decimal(18, 2)", {D("1.2300"): D("1.23")}, [D("1.2301"), D("-0.0001")]),
        ("Decimal(10, 2)", "Decimal(4, 2)", {D("-99.99"): D("-99.99")}, [D("100.00")]),
        ("Decimal(10, 2)", "String", {D("-0.50"): "-0.5"}, []),
        ("Date32", "String", {date(2026, 2, 2): "2026-02-02"}, []),
        ("DateTime64(3, 'UTC')", "String", {MOMENT: "2026-02-02T10:15:00.5Z", MOMENT.replace(microsecond=0): "2026-02-02T10:15:00Z"}, []),
        ("DateTime64(3, 'UTC')", "Date32", {}, [MOMENT]),
    ],
)  # fmt: skip
@pytest.mark.parametrize("null", [False, True])
def test_a_value_moves_exactly_or_not_at_all(engine, stored, wanted, exact, inexact, null):
    if null:
        stored, wanted = (_nullable(one) for one in (stored, wanted))
    made = cast("`x`", stored, wanted)
    for value in exact:
        assert _moved(engine, made, value) == (exact[value], 0), value
    for value in inexact:
        assert _moved(engine, made, value)[1] == 1, value
    if null:
        assert _moved(engine, made, None) == (None, 0)


INSTANTS = [
    ("2026-02-02 10:15:00.123", 3, 6, "2026-02-02 10:15:00.123000", "microseconds"),
    ("2026-02-02 10:15:00.123", 3, 9, "2026-02-02 10:15:00.123000000", "nanoseconds"),
    ("1900-01-01 00:00:00.001", 3, 6, "1900-01-01 00:00:00.001000", "the first year"),
    ("2299-12-31 23:59:59.999", 3, 6, "2299-12-31 23:59:59.999000", "the last year"),
    ("1969-12-31 23:59:59.000001", 6, 9, "1969-12-31 23:59:59.000001000", "before the epoch"),
    ("2262-04-11 23:47:16.000", 3, 9, "2262-04-11 23:47:16.000000000", "the end of nanoseconds"),
    ("2262-04-12 00:00:00.000", 3, 9, None, "beyond the end of nanoseconds"),
    ("2026-02-02 10:15:00.120000", 6, 3, "2026-02-02 10:15:00.120", "digits that are zero"),
    ("2026-02-02 10:15:00.120001", 6, 3, None, "a digit that is not"),
    ("1969-12-31 23:59:59.999500", 6, 3, None, "towards zero, before the epoch"),
    ("2026-02-02 10:15:00.000000001", 9, 6, None, "a nanosecond"),
]  # fmt: skip


@pytest.mark.parametrize(("value", "digits", "room", "cast_value", "because"), INSTANTS, ids=[case[4] for case in INSTANTS])  # fmt: skip
@pytest.mark.parametrize("null", [False, True])
def test_an_instant_keeps_every_digit(engine, value, digits, room, cast_value, because, null):
    stored, wanted = (f"DateTime64({scale}, 'UTC')" for scale in (digits, room))
    if null:
        stored, wanted = _nullable(stored), _nullable(wanted)
    made = cast("`x`", stored, wanted)
    given = f"CAST(toDateTime64('{value}', {digits}, 'UTC'), '{stored.replace(chr(39), chr(92) + chr(39))}')"
    ((misfit,),) = engine.rows(f"SELECT {made.inexact} FROM (SELECT {given} AS x)")
    assert bool(misfit) == (cast_value is None), because
    if cast_value is not None:
        assert engine.rows(f"SELECT toString({made.value}) FROM (SELECT {given} AS x)") == [
            (cast_value,)
        ]


@pytest.mark.parametrize(
    ("text", "digits", "fits"),
    [
        ("2026-02-02T10:15:00.123456Z", 6, True),
        ("2026-02-02T10:15:00.1234567Z", 6, False),
        ("2026-02-02T10:15:00.123456789Z", 9, True),
        ("2262-04-12T00:00:00Z", 9, False),
        ("2026-02-31T00:00:00Z", 9, False),
    ],
)
def test_text_becomes_an_instant_of_any_precision(engine, text, digits, fits):
    made = cast("`x`", "String", f"DateTime64({digits}, 'UTC')")
    ((misfit,),) = engine.rows(
        f"SELECT {made.inexact} FROM (SELECT {{v:String}} AS x)", {"v": text}
    )
    assert bool(misfit) != fits


def test_a_cast_gives_the_declared_type(engine):
    made = cast("`x`", "String", "LowCardinality(Nullable(String))")
    sql = f"SELECT toTypeName({made.value}) FROM (SELECT 'a' AS x)"
    assert engine.rows(sql) == [("LowCardinality(Nullable(String))",)]


def _nullable(kind):
    if kind.startswith("LowCardinality("):
        return f"LowCardinality(Nullable({kind[15:-1]}))"
    return f"Nullable({kind})"


def _moved(engine, made, value):
    source = "Nullable(String)"
    text = value
    if isinstance(value, datetime):
        text = value.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
    elif isinstance(value, bool):
        text = str(value).lower()
    elif value is not None:
        text = str(value)
    given = f"CAST({{v:{source}}}, '{made.stored.replace(chr(39), chr(92) + chr(39))}')"
    if value is None:
        given = f"CAST(NULL, '{made.stored.replace(chr(39), chr(92) + chr(39))}')"
    elif "Nullable" not in made.stored:
        given = given.replace("{v:Nullable(String)}", "{v:String}")
    (row,) = engine.rows(
        f"SELECT {made.value}, {made.inexact} FROM (SELECT {given} AS x)", {"v": text}
    )
    return row
