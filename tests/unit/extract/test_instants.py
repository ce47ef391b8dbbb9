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

from chartly.api.normalizer import ToUtcTimestamp
from chartly.errors import SpecError
from chartly.extract.instants import Truncated, check_timestamps, instant_text, to_instant
from chartly.extract.records import Number
from chartly.extract.reject import BadValueError, RejectReason

NOON = datetime(2026, 2, 2, 12, tzinfo=UTC)


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
        ("1.7700336e12", ("unixMs",), None, NOON),
        ("1770033600000.0", ("unixMs",), None, NOON),
        ("02/02/2026 12:00", ("%d/%m/%Y %H:%M",), "UTC", NOON),
        ("02.02.2026 13:00 +0100", ("%d/%m/%Y", "%d.%m.%Y %H:%M %z"), None, NOON),
        (NOON, (), None, NOON),
    ],
)
def test_instants(value, formats, zone, expected):
    assert to_instant(value, formats, zone) == expected


@pytest.mark.parametrize(
    ("value", "formats", "zone", "reason", "because"),
    [
        ("2026-02-02T12:00:00", (), None, RejectReason.TIMESTAMP_AMBIGUOUS, "naive"),
        ("2026-03-08T02:30:00", (), "America/New_York", RejectReason.TIMESTAMP_AMBIGUOUS, "skipped by its zone"),
        ("2026-11-01T01:30:00", (), "America/New_York", RejectReason.TIMESTAMP_AMBIGUOUS, "repeated by its zone"),
        ("2026-02-30T12:00:00Z", (), None, RejectReason.NOT_A_TIMESTAMP, "no such day"),
        ("2026-02-02T25:00:00Z", (), None, RejectReason.NOT_A_TIMESTAMP, "no such hour"),
        ("2016-12-31T23:59:60Z", (), None, RejectReason.NOT_A_TIMESTAMP, "a leap second"),
        ("2026-02-02T12:00:00.0001Z", (), None, RejectReason.NOT_A_TIMESTAMP, "finer than a millisecond"),
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
        ("1.5", ("unixMs",), None, RejectReason.NOT_A_TIMESTAMP, "half a millisecond"),
        (10**15 - 1, ("unix",), None, RejectReason.NOT_A_TIMESTAMP, "beyond every calendar"),
        (Number("1e99999"), ("unix",), None, RejectReason.NOT_A_TIMESTAMP, "beyond every number"),
        ("1770033600000000", ("unixMs",), None, RejectReason.NOT_A_TIMESTAMP, "microseconds"),
        (["2026"], ("%Y",), "UTC", RejectReason.NOT_A_TIMESTAMP, "a list"),
        (True, ("%Y",), "UTC", RejectReason.NOT_A_TIMESTAMP, "a boolean in a form"),
        ("1712345678.123456", ("unix",), None, RejectReason.NOT_A_TIMESTAMP, "a microsecond of a count"),
        ("1e-7", ("unix",), None, RejectReason.NOT_A_TIMESTAMP, "a tenth of a microsecond"),
        ("2026-02-02 12:00:00.000001", ("%Y-%m-%d %H:%M:%S.%f",), "UTC", RejectReason.NOT_A_TIMESTAMP, "a microsecond"),
    ],
)  # fmt: skip
def test_what_would_have_to_be_guessed_is_refused(value, formats, zone, reason, because):
    with pytest.raises(BadValueError) as caught:
        to_instant(value, formats, zone)
    assert caught.value.reason is reason, because


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"zone": "Mars/Olympus"}, "t.zone: 'Mars/Olympus' is no IANA time zone"),
        ({"zone": "../etc"}, "is no IANA time zone"),
        ({"zone": "localtime"}, "is no IANA time zone"),
        ({"formats": ("no percent",)}, "t.formats: 'no percent' says no year"),
        (
            {"formats": ("unix", "%Q")},
            "'%Q' holds %Q; allowed are .* %%; unix and unixMs are forms",
        ),
        ({"formats": ("%Y-%m-%d %H:%M:%S %Z",)}, "holds %Z; allowed are"),
    ],
)
def test_bad_settings_are_refused_before_any_record(settings, says):
    with pytest.raises(SpecError, match=says):
        check_timestamps(ToUtcTimestamp(op="toUtcTimestamp", field="t", **settings), "t")


def test_good_settings_are_taken():
    good = ToUtcTimestamp(op="toUtcTimestamp", field="t", formats=("%Y", "unix"), zone="UTC")
    check_timestamps(good, "t")
    check_timestamps(ToUtcTimestamp(op="toUtcTimestamp", field="t"), "t")


MOMENTS = st.datetimes(datetime(1900, 1, 2), datetime(2299, 12, 30)).map(
    lambda one: one.replace(microsecond=one.microsecond // 1000 * 1000)
)


@given(MOMENTS, st.integers(-14 * 60, 14 * 60))
def test_every_instant_survives_its_text(moment, minutes):
    """INV-5: whatever the offset and the machine's zone."""
    there = moment.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    found = to_instant(there.isoformat(timespec="milliseconds"), (), None)
    assert found == there
    assert to_instant(instant_text(found), (), None) == found


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


@pytest.mark.parametrize(
    ("value", "formats", "milliseconds"),
    [
        ("2026-02-02T12:00:00.123456Z", (), 123),
        ("2026-02-02T12:00:00.1234567+00:00", (), 123),
        ("2026-02-02T12:00:00.999999999Z", (), 999),
        ("1770033600.123456", ("unix",), 123),
        (Number("1.7700336000009E9"), ("unix",), 0),
        ("1770033600123.9", ("unixMs",), 123),
        ("2026-02-02 12:00:00.123456", ("%Y-%m-%d %H:%M:%S.%f",), 123),
    ],
)
def test_what_is_finer_than_a_millisecond_is_cut_where_that_is_asked_for(
    value, formats, milliseconds
):
    expected = NOON + timedelta(milliseconds=milliseconds)
    assert to_instant(value, formats, "UTC", "truncate") == Truncated(expected)
    with pytest.raises(BadValueError, match="finer than a millisecond"):
        to_instant(value, formats, "UTC")


def test_what_is_no_finer_is_not_cut():
    assert to_instant("2026-02-02T12:00:00.000000Z", (), None, "truncate") == NOON
    with pytest.raises(BadValueError, match="between 1900 and 2299"):
        to_instant("2299-12-31T23:59:59.9999-00:01", (), None, "truncate")


FRACTIONS = st.integers(0, 10**9 - 1)
SECONDS = st.integers(-2_208_988_800, 10_413_791_999)


@given(SECONDS, FRACTIONS)
def test_an_instant_is_cut_alike_in_every_spelling(seconds, nanoseconds):
    """Towards the past, before 1970 too."""
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    text = f"{moment:%Y-%m-%dT%H:%M:%S}.{nanoseconds:09}"
    count = Decimal(seconds) + Decimal(nanoseconds) / 10**9
    spellings = [
        (f"{text}Z", ()),
        (text, ("%Y-%m-%dT%H:%M:%S.%f",)),
        (f"{count:f}", ("unix",)),
        (f"{count:E}", ("unix",)),
        (f"{count * 1000:f}", ("unixMs",)),
    ]
    found = {repr(to_instant(value, forms, "UTC", "truncate")) for value, forms in spellings}
    cut = moment + timedelta(milliseconds=nanoseconds // 10**6)
    assert found == {repr(Truncated(cut) if nanoseconds % 10**6 else cut)}


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


def test_the_suite_is_whole():
    assert (len(CASES), sum(case.values[1] for case in CASES)) == (27, 8)


ZONED = """
from chartly.extract.instants import to_instant
from chartly.extract.time_forms import compile_form
print(to_instant("2026-02-02T07:00:00", (), "America/New_York"))
print(to_instant("2026-07-02T12:00:00", (), "Europe/Berlin"))
print(to_instant("1901-06-15T12:00:00", (), "Asia/Tokyo"))
print(compile_form("%d %b %Y %H:%M").read("02 Feb 2026 12:00").moment)
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
