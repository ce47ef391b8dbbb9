from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartly.api.duration import Length
from chartly.query.fingerprint import fingerprint_query, fingerprint_text
from chartly.query.windows import (
    Window,
    grain,
    spans_of,
    window_of,
    window_start_sql,
    windows_between,
    windows_of,
)


def _at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("moment", "length", "start", "end"),
    [
        ("2026-02-02T12:34:56", Length(1, "day"), "2026-02-02", "2026-02-03"),
        ("2026-02-02T00:00:00", Length(1, "day"), "2026-02-02", "2026-02-03"),
        ("2026-02-01T23:59:59.999", Length(1, "day"), "2026-02-01", "2026-02-02"),
        ("2026-02-02T12:34:56", Length(6, "hour"), "2026-02-02T12:00", "2026-02-02T18:00"),
        ("2026-02-02T12:34:56", Length(15, "minute"), "2026-02-02T12:30", "2026-02-02T12:45"),
        ("2026-02-01T12:00:00", Length(1, "week"), "2026-01-26", "2026-02-02"),
        ("2026-02-28T12:00:00", Length(1, "month"), "2026-02-01", "2026-03-01"),
        ("2026-12-31T12:00:00", Length(1, "month"), "2026-12-01", "2027-01-01"),
        ("2026-02-28T12:00:00", Length(3, "month"), "2026-01-01", "2026-04-01"),
        ("2026-02-28T12:00:00", Length(1, "year"), "2026-01-01", "2027-01-01"),
        ("1969-12-31T12:00:00", Length(1, "month"), "1969-12-01", "1970-01-01"),
        ("1969-12-31T12:00:00", Length(1, "day"), "1969-12-31", "1970-01-01"),
    ],
)
def test_windows_lie_on_calendar_and_clock(moment, length, start, end):
    assert window_of(_at(moment), length) == Window(_at(start), _at(end))


LENGTHS = st.builds(
    Length, st.integers(1, 40), st.sampled_from(["minute", "hour", "day", "week", "month", "year"])
)
MOMENTS = st.datetimes(datetime(1900, 1, 1), datetime(2290, 1, 1)).map(
    lambda one: one.replace(tzinfo=UTC)
)


@given(MOMENTS, LENGTHS)
def test_windows_tile_time(moment, length):
    window = window_of(moment, length)
    assert window.start <= moment < window.end
    assert window_of(window.start, length) == window
    assert window_of(window.end, length).start == window.end


@given(MOMENTS, LENGTHS)
def test_a_grain_never_straddles_two_windows(moment, length):
    size = grain(length)
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    start = epoch + (moment - epoch) // size * size
    assert window_of(start, length) == window_of(moment, length)


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _add_months(moment, count):
    year, month = divmod(moment.year * 12 + moment.month - 1 + count, 12)
    return datetime(year, month + 1, 1, tzinfo=UTC)


def _toward_1970(count, size):
    return abs(count) // size * (1 if count >= 0 else -1)


def _ticks(size):
    """Microseconds as a count of units: an engine cuts towards 1970 what is finer."""
    return lambda moment: _toward_1970((moment - EPOCH) // timedelta(microseconds=1) * 1000, size)


# What the engine's functions do, for instants; Python's remainder is never negative either.
ENGINE = {
    "toUnixTimestamp64Milli": _ticks(10**6),
    "toUnixTimestamp64Micro": _ticks(10**3),
    "toUnixTimestamp64Nano": _ticks(1),
    "positiveModulo": lambda number, size: number % size,
    "intDiv": _toward_1970,
    "toYear": lambda moment: moment.year,
    "toMonth": lambda moment: moment.month,
    "toDateTime64": lambda text, digits, zone: _at(text),
    "addMonths": _add_months,
}


STEPS = {3: timedelta(milliseconds=1), 6: timedelta(microseconds=1), 9: timedelta(microseconds=1)}


@given(MOMENTS, LENGTHS, st.sampled_from(list(STEPS)))
def test_an_engine_is_told_the_same_start_of_a_window(moment, length, digits):
    moment = EPOCH + (moment - EPOCH) // STEPS[digits] * STEPS[digits]
    window = window_of(moment, length)
    start = (window.start - EPOCH) // timedelta(milliseconds=1)
    sql = window_start_sql("moment", length, digits)
    for one in (moment, window.start, window.end - STEPS[digits]):
        assert eval(sql, ENGINE | {"moment": one}) == start  # noqa: S307 - our own text


@given(st.sets(st.integers(0, 30)))
def test_spans_cover_windows_and_no_more(days):
    day = Length(1, "day")
    windows = windows_of((EPOCH + timedelta(days=one) for one in days), day)
    spans = spans_of(windows)
    assert [one for span in spans for one in windows_between(span.start, span.end, day)] == windows
    assert all(one.end < following.start for one, following in pairwise(spans))


def test_windows_between_cover_the_range():
    day = Length(1, "day")
    found = windows_between(_at("2026-02-01T05:00"), _at("2026-02-03T00:00"), day)
    assert [one.start.day for one in found] == [1, 2]
    assert windows_of([one.start + timedelta(hours=1) for one in (*found, *found)], day) == found


def test_a_fingerprint_says_more_than_one_number():
    assert "count()" in fingerprint_query("v")
    assert fingerprint_text(("0a", 3, "ff")) == "0a-3-ff"
