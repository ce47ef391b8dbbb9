import time
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartly.api.normalizer import ToUtcTimestamp
from chartly.errors import SpecError
from chartly.extract.instants import check_timestamps, instant_text, to_instant
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
        (1770033600000, ("unixMs",), None, NOON),
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
        ({"formats": ("no percent",)}, "t.formats: 'no percent' is no strptime format"),
        ({"formats": ("%Q",)}, "is no strptime format"),
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
