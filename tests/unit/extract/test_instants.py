import json
import os
import re
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartly.api.columns import INSTANT_UNITS
from chartly.api.normalizer import ToUtcTimestamp
from chartly.api.place import Place
from chartly.errors import SpecError
from chartly.extract import instants
from chartly.extract.instants import Truncated, check_timestamps, last_year, to_instant
from chartly.extract.moments import EPOCH, NanoInstant, instant_text, moment_of
from chartly.extract.records import Number
from chartly.extract.reject import BadValueError, RejectReason

NOON = datetime(2026, 2, 2, 12, tzinfo=UTC)
DIGITS = sorted(INSTANT_UNITS)


def _moment(moment, digits):
    """The same instant as it is carried with so many digits."""
    microseconds = moment.microsecond * 10**digits // 10**6
    return moment_of(moment.replace(microsecond=0), microseconds, digits)


@pytest.mark.parametrize(
    ("value", "formats", "zone", "expected"),
    [
        ("2026-02-02T12:00:00Z", (), None, NOON),
        ("2026-02-02t12:00:00z", (), None, NOON),
        ("2026-02-02 14:00:00+02:00", (), None, NOON),
        ("2026-02-02T12:00:00.000Z", (), None, NOON),
        ("2026-02-02T12:00:00.250000Z", (), None, NOON + timedelta(milliseconds=250)),
        ("2026-02-02T07:00:00", (), "America/New_York", NOON),
        ("2026-02-02T12:00:00Z", (), "America/New_York", NOON),
        (1770033600, ("unix",), None, NOON),
        ("1770033600.5", ("unix",), None, NOON + timedelta(milliseconds=500)),
        ("-1.5", ("unix",), None, datetime(1969, 12, 31, 23, 59, 58, 500000, tzinfo=UTC)),
        (Number("1.7700336005E9"), ("unix",), None, NOON + timedelta(milliseconds=500)),
        ("17700336005e-1", ("unix",), None, NOON + timedelta(milliseconds=500)),
        ("1e-3", ("unix",), None, datetime(1970, 1, 1, 0, 0, 0, 1000, tzinfo=UTC)),
        (Decimal(1770033600), ("unix",), None, NOON),
        (1770033600000, ("unixMs",), None, NOON),
        (1770033600000000, ("unixUs",), None, NOON),
        ("-1000.0", ("unixUs",), None, datetime(1969, 12, 31, 23, 59, 59, 999000, tzinfo=UTC)),
        (1770033600250000000, ("unixNs",), None, NOON + timedelta(milliseconds=250)),
        ("-2208988800000000000", ("unixNs",), None, datetime(1900, 1, 1, tzinfo=UTC)),
        ("1.7700336e12", ("unixMs",), None, NOON),
        ("1770033600000.0", ("unixMs",), None, NOON),
        ("02/02/2026 12:00", ("%d/%m/%Y %H:%M",), "UTC", NOON),
        ("02.02.2026 13:00 +0100", ("%d/%m/%Y", "%d.%m.%Y %H:%M %z"), None, NOON),
        (NOON, (), None, NOON),
    ],
)
@pytest.mark.parametrize("digits", DIGITS)
def test_instants(value, formats, zone, expected, digits):
    found = to_instant(value, formats, zone, digits=digits)
    assert found == (expected if value is NOON else _moment(expected, digits))


@pytest.mark.parametrize(
    ("value", "formats", "zone", "reason", "because"),
    [
        ("2026-02-02T12:00:00", (), None, RejectReason.TIMESTAMP_AMBIGUOUS, "naive"),
        ("2026-03-08T02:30:00", (), "America/New_York", RejectReason.TIMESTAMP_AMBIGUOUS, "skipped by its zone"),
        ("2026-11-01T01:30:00", (), "America/New_York", RejectReason.TIMESTAMP_AMBIGUOUS, "repeated by its zone"),
        ("2026-02-30T12:00:00Z", (), None, RejectReason.NOT_A_TIMESTAMP, "no such day"),
        ("2026-02-02T25:00:00Z", (), None, RejectReason.NOT_A_TIMESTAMP, "no such hour"),
        ("2016-12-31T23:59:60Z", (), None, RejectReason.NOT_A_TIMESTAMP, "a leap second"),
        ("2026-02-02T12:00:00.0000000001Z", (), None, RejectReason.NOT_A_TIMESTAMP, "finer than a nanosecond"),
        ("2026-02-02", (), None, RejectReason.NOT_A_TIMESTAMP, "a date alone"),
        ("1990-12-31T10:00:00+10:60", (), None, RejectReason.NOT_A_TIMESTAMP, "sixty minutes of an offset"),
        ("1990-12-31T10:00:00-24:00", (), None, RejectReason.NOT_A_TIMESTAMP, "a day of an offset"),
        ("yesterday", (), None, RejectReason.NOT_A_TIMESTAMP, "a word"),
        (1770033600, (), None, RejectReason.NOT_A_TIMESTAMP, "a number without a declared form"),
        ("1800-01-01T00:00:00Z", (), None, RejectReason.NOT_A_TIMESTAMP, "before 1900"),
        ("2300-01-01T00:00:00Z", (), None, RejectReason.NOT_A_TIMESTAMP, "after 2299"),
        ("0001-01-01T00:00:00+01:00", (), None, RejectReason.NOT_A_TIMESTAMP, "before the first instant in UTC"),
        ("9999-12-31T23:59:59", (), "America/New_York", RejectReason.NOT_A_TIMESTAMP, "after the last, by its zone"),
        ("x", ("unix", "%Y"), "UTC", RejectReason.NOT_A_TIMESTAMP, "none of the forms"),
        (True, ("unix",), None, RejectReason.NOT_A_TIMESTAMP, "a boolean"),
        ("1.5", ("unixNs",), None, RejectReason.NOT_A_TIMESTAMP, "half a nanosecond"),
        ("1e-7", ("unixMs",), None, RejectReason.NOT_A_TIMESTAMP, "a tenth of a nanosecond"),
        (10**15 - 1, ("unix",), None, RejectReason.NOT_A_TIMESTAMP, "beyond every calendar"),
        (Number("1e99999"), ("unix",), None, RejectReason.NOT_A_TIMESTAMP, "beyond every number"),
        ("1770033600000000", ("unixMs",), None, RejectReason.NOT_A_TIMESTAMP, "microseconds"),
        ("1770033600000000000", ("unixUs",), None, RejectReason.NOT_A_TIMESTAMP, "nanoseconds"),
        ("1770033600000000000000", ("unixNs",), None, RejectReason.NOT_A_TIMESTAMP, "less than that"),
        (Number("1e99999"), ("unixNs",), None, RejectReason.NOT_A_TIMESTAMP, "beyond every number"),
        (["2026"], ("%Y",), "UTC", RejectReason.NOT_A_TIMESTAMP, "a list"),
        (True, ("%Y",), "UTC", RejectReason.NOT_A_TIMESTAMP, "a boolean in a form"),
        ("1712345678.1234567891", ("unix",), None, RejectReason.NOT_A_TIMESTAMP, "a tenth of a nanosecond of a count"),
        ("1e-10", ("unix",), None, RejectReason.NOT_A_TIMESTAMP, "a tenth of a nanosecond"),
        ("2026-02-02 12:00:00.0000000001", ("%Y-%m-%d %H:%M:%S.%f",), "UTC", RejectReason.NOT_A_TIMESTAMP, "a tenth of a nanosecond"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("digits", DIGITS)
def test_what_would_have_to_be_guessed_is_refused(value, formats, zone, reason, because, digits):
    with pytest.raises(BadValueError) as caught:
        to_instant(value, formats, zone, digits=digits)
    assert caught.value.reason is reason, because


HERE = Place(object="t")


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"zone": "Mars/Olympus"}, 't: zone: "Mars/Olympus" is no IANA time zone'),
        ({"zone": "../etc"}, "is no IANA time zone"),
        ({"zone": "localtime"}, "is no IANA time zone"),
        ({"formats": ("no percent",)}, 't: formats.0.: "no percent" names no year'),
        (
            {"formats": ("unix", "%Q")},
            'formats.1.: "%Q" holds %Q; allowed are .* %%; unix, unixMs, unixUs, unixNs are forms',
        ),
        ({"formats": ("%Y-%m-%d %H:%M:%S %Z",)}, "holds %Z; allowed are"),
    ],
)
def test_bad_settings_are_refused_before_any_record(settings, says):
    with pytest.raises(SpecError, match=says):
        check_timestamps(ToUtcTimestamp(op="toUtcTimestamp", field="t", **settings), HERE)


def test_good_settings_are_taken():
    good = ToUtcTimestamp(op="toUtcTimestamp", field="t", formats=("%Y", "unix"), zone="UTC")
    check_timestamps(good, HERE)
    check_timestamps(ToUtcTimestamp(op="toUtcTimestamp", field="t"), HERE)


SECONDS = st.one_of(
    st.sampled_from([-2_208_988_800, -2_051_222_400, -1, 0, 4_291_747_200, 9_214_646_399]),
    st.integers(-2_208_988_800, 9_214_646_399),
)
"""Whole seconds of 1900 to 2261, among them those at the ends, of 1905, 1969 and 2106."""
NANOSECONDS = st.one_of(
    st.sampled_from([0, 1, 999, 1_000, 999_999, 1_000_000, 999_999_999]), st.integers(0, 10**9 - 1)
)


@given(SECONDS, NANOSECONDS, st.sampled_from(DIGITS), st.integers(-14 * 60, 14 * 60))
def test_every_instant_survives_its_text(seconds, nanoseconds, digits, minutes):
    """INV-5: whatever the offset, the unit and the machine's zone."""
    second = EPOCH + timedelta(seconds=seconds)
    ticks = nanoseconds // 10 ** (9 - digits)
    moment = moment_of(second, ticks, digits)
    there = second.astimezone(timezone(timedelta(minutes=minutes))).isoformat()
    text = f"{there[:19]}.{ticks:0{digits}}{there[19:]}"
    assert to_instant(text, (), None, digits=digits) == moment
    assert to_instant(instant_text(moment), (), None, digits=digits) == moment


@given(SECONDS, st.integers(0, 999))
def test_an_instant_has_one_text_whatever_its_digits(seconds, milliseconds):
    """INV-5: what was read to a millisecond once keeps its payload, hash and event_key."""
    second = EPOCH + timedelta(seconds=seconds)
    texts = {
        instant_text(moment_of(second, milliseconds * 10 ** (digits - 3), digits))
        for digits in DIGITS
    }
    assert texts == {
        second.replace(tzinfo=None, microsecond=milliseconds * 1000)
        .isoformat(timespec="milliseconds")
        .rstrip("0")
        .removesuffix(".")
        + "Z"
    }


@pytest.mark.parametrize(
    ("text", "digits", "is_there", "because"),
    [
        ("1900-01-01T00:00:00Z", 9, True, "the first"),
        ("1899-12-31T23:59:59.999999999Z", 9, False, "one before"),
        ("1905-06-15T12:00:00.000000001Z", 9, True, "another century"),
        ("2106-02-07T06:28:16.000000001Z", 9, True, "behind the engine's short types"),
        ("2261-12-31T23:59:59.999999999Z", 9, True, "the last"),
        ("2262-01-01T00:00:00Z", 9, False, "one behind"),
        ("2262-04-12T00:00:00Z", 9, False, "what 64 bits do not hold"),
        ("2484-01-01T00:00:00Z", 9, False, "what would wrap to 1900"),
        ("2261-12-31T23:59:59-00:01", 9, False, "by its offset"),
        ("2299-12-31T23:59:59.999999Z", 6, True, "the last microsecond"),
        ("2299-12-31T23:59:59.999Z", 3, True, "the last millisecond"),
        ("2300-01-01T00:00:00Z", 6, False, "behind it"),
        ("2299-12-31T23:59:59-00:01", 3, False, "by its offset"),
    ],
)  # fmt: skip
def test_the_years_of_an_instant_end_where_the_engine_s_type_does(text, digits, is_there, because):
    if is_there:
        assert instant_text(to_instant(text, (), None, digits=digits)) == text, because
        return
    says = "between 1900 and 2261, where nanoseconds end" if digits == 9 else "1900 and 2299$"
    with pytest.raises(BadValueError, match=says):
        to_instant(text, (), None, digits=digits)


def test_the_machine_s_zone_does_not_matter(monkeypatch):
    """INV-5."""
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        assert to_instant("2026-02-02T12:00:00Z", (), None) == NOON
        assert to_instant("1770033600", ("unix",), None) == NOON
        assert instant_text(NOON) == "2026-02-02T12:00:00Z"
        assert instant_text(NOON + timedelta(milliseconds=250)) == "2026-02-02T12:00:00.25Z"
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize("digits", DIGITS)
@pytest.mark.parametrize(
    ("value", "formats", "nanoseconds"),
    [
        ("2026-02-02T12:00:00.1234567891Z", (), 123_456_789),
        ("2026-02-02T12:00:00.1234567899+00:00", (), 123_456_789),
        ("2026-02-02T12:00:00.9999999999Z", (), 999_999_999),
        ("1770033600.1234567891", ("unix",), 123_456_789),
        (Number("1.77003360000000000001E9"), ("unix",), 0),
        ("1770033600123.9999999", ("unixMs",), 123_999_999),
        ("1770033600123456.7891", ("unixUs",), 123_456_789),
        ("1770033600123456789.5", ("unixNs",), 123_456_789),
        ("2026-02-02 12:00:00.1234567891", ("%Y-%m-%d %H:%M:%S.%f",), 123_456_789),
    ],
)
def test_what_is_finer_than_its_unit_is_cut_where_that_is_asked_for(
    value, formats, nanoseconds, digits
):
    expected = moment_of(NOON, nanoseconds // 10 ** (9 - digits), digits)
    assert to_instant(value, formats, "UTC", "truncate", digits) == Truncated(expected)
    with pytest.raises(BadValueError, match=f"finer than a {INSTANT_UNITS[digits]}"):
        to_instant(value, formats, "UTC", digits=digits)


def test_what_is_no_finer_is_not_cut():
    assert to_instant("2026-02-02T12:00:00.000000Z", (), None, "truncate", 3) == NOON
    nanosecond = NanoInstant(1_770_033_600_000_000_001)
    assert to_instant("2026-02-02T12:00:00.0000000010Z", (), None, "reject", 9) == nanosecond
    assert to_instant(nanosecond, (), None, "reject", 9) == nanosecond
    with pytest.raises(BadValueError, match="between 1900 and 2299"):
        to_instant("2299-12-31T23:59:59.9999-00:01", (), None, "truncate", 3)


@given(
    st.integers(-2_208_988_800, 10_413_791_999),
    st.integers(0, 10**12 - 1),
    st.sampled_from(DIGITS),
)
def test_an_instant_is_cut_alike_in_every_spelling(seconds, picoseconds, digits):
    """Towards the past, before 1970 too."""
    second = EPOCH + timedelta(seconds=seconds)
    text = f"{second:%Y-%m-%dT%H:%M:%S}.{picoseconds:012}"
    count = Decimal(seconds) + Decimal(picoseconds) / 10**12
    spellings = [
        (f"{text}Z", ()),
        (text, ("%Y-%m-%dT%H:%M:%S.%f",)),
        (f"{count:f}", ("unix",)),
        (f"{count:E}", ("unix",)),
        (f"{count * 1000:f}", ("unixMs",)),
        (f"{count * 10**6:f}", ("unixUs",)),
        (f"{count * 10**9:f}", ("unixNs",)),
    ]
    if second.year > last_year(digits):
        for value, forms in spellings:
            with pytest.raises(BadValueError, match="where nanoseconds end"):
                to_instant(value, forms, "UTC", "truncate", digits)
        return
    found = {to_instant(value, forms, "UTC", "truncate", digits) for value, forms in spellings}
    ticks, rest = divmod(picoseconds, 10 ** (12 - digits))
    moment = moment_of(second, ticks, digits)
    assert found == {Truncated(moment) if rest else moment}


SUITE = Path(__file__).parent / "json_schema"
CASES = [
    pytest.param(one["data"], one["valid"], id=one["description"])
    for group in json.loads((SUITE / "date-time.json").read_text(encoding="utf-8"))
    for one in group["tests"]
    if isinstance(one["data"], str)
]


@pytest.mark.parametrize(("text", "valid"), CASES)
def test_a_public_suite_of_date_times_is_read_as_it_says(text, valid):
    """But for leap seconds, which it takes and which have no instant in UTC."""
    if valid and not re.search(":60(\\.|Z|[+-])", text):
        to_instant(text, (), None, "truncate")
        return
    with pytest.raises(BadValueError) as caught:
        to_instant(text, (), None, "truncate")
    assert not valid or "leap second" in caught.value.message


def test_the_zones_are_those_of_the_pinned_package():
    instants._zones.cache_clear()
    assert "America/New_York" in instants._zones()
    assert "Mars/Olympus" not in instants._zones()


def test_the_suite_is_whole():
    assert (len(CASES), sum(case.values[1] for case in CASES)) == (27, 8)


ZONED = """
from chartly.extract.instants import to_instant
from chartly.extract.time_forms import compile_form
print(to_instant("2026-02-02T07:00:00", (), "America/New_York"))
print(to_instant("2026-07-02T12:00:00", (), "Europe/Berlin"))
print(to_instant("1901-06-15T12:00:00", (), "Asia/Tokyo"))
print(compile_form("%d %b %Y %H:%M").read("02 Feb 2026 12:00", 3).second)
"""


@pytest.fixture(scope="module")
def lying(tmp_path_factory):
    """Zones of a machine that are other ones."""
    folder = tmp_path_factory.mktemp("zones")
    tokyo = files("tzdata").joinpath("zoneinfo", "Asia", "Tokyo").read_bytes()
    for zone in ("America/New_York", "Europe/Berlin", "Asia/Tokyo"):
        place = folder / zone
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(tokyo)
    return str(folder)


@pytest.mark.parametrize(
    "machine",
    [
        {"PYTHONTZPATH": ""},
        {"PYTHONTZPATH": "", "TZ": "Europe/Berlin", "LC_ALL": "tr_TR.UTF-8"},
        {"PYTHONTZPATH": "lying", "TZ": "America/New_York"},
        {},
    ],
)
def test_a_zone_is_that_of_the_pinned_package(machine, lying):
    """INV-5: whatever zones a machine has, or none."""
    machine = {name: lying if text == "lying" else text for name, text in machine.items()}
    done = subprocess.run(
        [sys.executable, "-c", ZONED], env={**os.environ, **machine}, capture_output=True, text=True, check=True
    )  # fmt: skip
    assert done.stdout.splitlines() == [
        "2026-02-02 12:00:00+00:00",
        "2026-07-02 10:00:00+00:00",
        "1901-06-15 03:00:00+00:00",
        "2026-02-02 12:00:00",
    ]


def test_every_zone_of_the_package_can_be_loaded():
    """Among them all that a profile may name."""
    for zone in files("tzdata").joinpath("zones").read_text().split():
        to_instant("2026-02-02T12:00:00", (), zone)


def test_a_zone_that_the_package_lacks_is_none():
    from chartly.extract.instants import _zone

    with pytest.raises(KeyError):
        _zone("Mars/Olympus_Mons")
