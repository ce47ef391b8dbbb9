"""A form of times says a whole time, and says it alike to every Python."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartly.extract.time_forms import FormError, TimeReading, compile_form

NOON = datetime(2026, 2, 2, 12)
HALF = timedelta(minutes=30)


@pytest.mark.parametrize(
    ("form", "text", "moment"),
    [
        ("%Y-%m-%d", "2026-02-02", NOON.replace(hour=0)),
        ("%Y-%m", "2026-02", NOON.replace(day=1, hour=0)),
        ("%Y", "2026", NOON.replace(month=1, day=1, hour=0)),
        ("%d/%m/%Y %H:%M", "2/2/2026 12:00", NOON),
        ("%d/%m/%Y %H:%M", "02/02/2026   12:00", NOON),
        ("%Y%m%d%H%M%S", "20260202120000", NOON),
        ("%Y-%j %H", "2026-33 12", NOON),
        ("%Y%jT%H", "2026033t12", NOON),
        ("%Y-%j", "2024-366", datetime(2024, 12, 31)),
        ("%G-W%V-%u", "2026-W06-1", NOON.replace(hour=0)),
        ("%G-W%V-%u", "2020-W53-5", datetime(2021, 1, 1)),
        ("%a, %d %b %Y %H:%M:%S %z", "Mon, 02 Feb 2026 12:00:00 +0000", NOON.replace(tzinfo=UTC)),
        ("%A %d %B %Y %I %p", "MONDAY 2 february 2026 12 pm", NOON),
        ("%Y-%m-%d %I:%M %p", "2026-02-02 12:30 AM", NOON.replace(hour=0) + HALF),
        ("%p%I %Y-%m-%d", "PM1 2026-02-02", NOON.replace(hour=13)),
        ("%Y-%m-%dT%H:%M:%S.%fZ", "2026-02-02T12:00:00.25Z", NOON.replace(microsecond=250_000)),
        ("%Y-%m-%dT%H:%M%z", "2026-02-02T12:00Z", NOON.replace(tzinfo=UTC)),
        ("%Y-%m-%dT%H:%M%z", "2026-02-02T12:00-03:30", NOON.replace(tzinfo=timezone(-7 * HALF))),
        ("%Y-%m-%d 100%%", "2026-02-02 100%", NOON.replace(hour=0)),
        ("%Y年%m月%d日", "2026年2月2日", NOON.replace(hour=0)),
    ],
)  # fmt: skip
def test_a_form_reads_what_it_says(form, text, moment):
    second, ticks = moment.replace(microsecond=0), moment.microsecond // 1000
    assert compile_form(form).read(text, 3) == TimeReading(second, ticks, finer=False)


@pytest.mark.parametrize(
    ("form", "text", "because"),
    [
        ("%Y-%m-%d", "2026-02-30", "no such day"),
        ("%Y-%m-%d", "26-02-02", "two digits of a year"),
        ("%Y-%m-%d", "0000-01-01", "no such year"),
        ("%Y-%m-%d", "2026-02-02 ", "a space more"),
        ("%Y-%m-%d", "2026-02-02\n", "a line end more"),
        ("%Y-%m-%d", "२०२६-02-02", "digits of another script"),
        ("%Y-%m-%d", "-2026-02-02", "a sign"),
        ("%Y%m%d", "2026112", "November the second, or January the twelfth"),
        ("%Y1%m", "202612", "a digit of the form takes the month's"),
        ("%Y-%m-%d %H", "2026-02-02 24", "hour 24"),
        ("%Y-%m-%d %H:%M:%S", "2026-12-31 23:59:60", "a leap second"),
        ("%Y-%m-%d %I %p", "2026-02-02 13 PM", "hour 13 of 12"),
        ("%Y-%m-%d %I %p", "2026-02-02 0 AM", "hour 0 of 12"),
        ("%Y-%j", "2026-366", "no such day of the year"),
        ("%Y-%j", "2026-000", "day 0"),
        ("%G-W%V-%u", "2026-W54-1", "no such week"),
        ("%G-W%V-%u", "2026-W06-0", "no such day of the week"),
        ("%a %d %b %Y", "Tue 02 Feb 2026", "it was a Monday"),
        ("%a %d %b %Y", "Mo 02 Feb 2026", "no name of a day"),
        ("%d %b %Y", "02 Févr 2026", "a month of another language"),
        ("%Y-%m-%d %H%z", "2026-02-02 12+10:60", "sixty minutes of an offset"),
        ("%Y-%m-%d %H%z", "2026-02-02 12+24:00", "a day of an offset"),
        ("%Y-%m-%d %H%z", "2026-02-02 12+01", "an offset without minutes"),
        ("%Y-%m-%d %H%z", "2026-02-02 12+01:00:30", "seconds of an offset"),
        ("%Y-%m-%d %H%z", "2026-02-02 12 UTC", "a name of a zone"),
    ],
)
def test_a_form_reads_nothing_else(form, text, because):
    assert compile_form(form).read(text, 3) is None, because


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ("%Y-%m-%d %H:%M:%S %Z", "holds %Z; allowed are %Y %m"),
        ("%y-%m-%d", "holds %y"),
        ("%Y-W%W", "holds %W"),
        ("%Y-%U-%w", "holds %U"),
        ("%c", "holds %c"),
        ("%x %X", "holds %x"),
        ("%s", "holds %s"),
        ("%-d.%m.%Y", "holds %-"),
        ("%Y-%m-%d %", "holds %;"),
        ("", "names no year"),
        ("plain words", "names no year"),
        ("%H:%M", "names no year"),
        ("%d.%m. %H:%M", "names no year"),
        ("%j", "names no year"),
        ("%Y-%d", "names the day but no month"),
        ("%Y-%m %H", "names the hour but no day"),
        ("%Y-%m-%d %M", "names the minute but no hour"),
        ("%Y-%m-%d %H.%f", "names the fraction but no minute"),
        ("%Y-%m-%d %I", "must hold all of %I %p"),
        ("%Y-%m-%d %H %p", "must hold all of %I %p"),
        ("%G-W%V", "must hold all of %G %V %u"),
        ("%Y-W%V-%u", "must hold all of %G %V %u"),
        ("%G-%m-%d", "must hold all of %G %V %u"),
        ("%a %Y-%m", "names a day of the week but no day"),
        ("%Y-%m-%d %Y", "names a part of the time twice"),
        ("%Y-%m-%d %b", "names a part of the time twice"),
        ("%Y-%m-%d %j", "names a part of the time twice"),
        ("%G-W%V-%u %Y", "names a part of the time twice"),
        ("%Y-%m-%d %z%z", "names a part of the time twice"),
    ],
)
def test_a_form_with_which_something_would_be_guessed_is_none(form, says):
    with pytest.raises(FormError, match=says):
        compile_form(form)


@pytest.mark.parametrize(
    ("fraction", "digits", "ticks", "finer"),
    [
        ("1", 3, 100, False), ("12", 3, 120, False), ("123", 3, 123, False), ("1230", 3, 123, False),
        ("123456", 3, 123, True), ("9999999", 3, 999, True), ("000000001", 3, 0, True), ("0" * 29 + "1", 3, 0, True),
        ("1", 6, 100_000, False), ("123456000", 6, 123_456, False), ("1234567", 6, 123_456, True), ("000000001", 9, 1, False),
        ("9999999999", 9, 999_999_999, True),
    ],
)  # fmt: skip
def test_a_fraction_is_cut_to_its_unit_and_told_of(fraction, digits, ticks, finer):
    found = compile_form("%Y-%m-%d %H:%M:%S.%f").read(f"2026-02-02 12:00:00.{fraction}", digits)
    assert found == TimeReading(NOON, ticks, finer=finer)


FORMS = st.sampled_from(
    [
        "%Y-%m-%d %H:%M:%S.%f", "%d.%m.%Y %H:%M:%S.%f %z", "%Y%m%dT%H%M%S.%f", "%Y-%j %H:%M:%S.%f", "%G-W%V-%u %H:%M:%S.%f",
        "%a %d %b %Y %I:%M:%S.%f %p", "%A, %B %d, %Y %H:%M:%S.%f%z",
    ]
)  # fmt: skip
MOMENTS = st.datetimes(datetime(1900, 1, 2), datetime(2299, 12, 30), timezones=st.just(UTC))


@given(MOMENTS, FORMS)
def test_what_a_form_writes_it_reads(moment, form):
    """Python's own writing, of which each directive is read as it was meant."""
    found = compile_form(form).read(moment.strftime(form), 6)
    expected = moment if "%z" in form else moment.replace(tzinfo=None)
    second = expected.replace(microsecond=0)
    assert found == TimeReading(second, moment.microsecond, finer=False)


@given(st.text(alphabet="0123456789-:/. TZ+aMpPFebMon", max_size=24), FORMS)
def test_no_text_breaks_a_form(text, form):
    found = compile_form(form).read(text, 3)
    assert found is None or isinstance(found, TimeReading)
