from datetime import UTC, datetime

import pytest

from chartly.extract.moments import NanoInstant, instant_text, moment_of

NOON = datetime(2026, 2, 2, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (NOON, "2026-02-02T12:00:00Z"),
        (NOON.replace(microsecond=250_000), "2026-02-02T12:00:00.25Z"),
        (NOON.replace(microsecond=1), "2026-02-02T12:00:00.000001Z"),
        (NanoInstant(0), "1970-01-01T00:00:00Z"),
        (NanoInstant(-1), "1969-12-31T23:59:59.999999999Z"),
        (NanoInstant(10**9 + 10), "1970-01-01T00:00:01.00000001Z"),
        (NanoInstant(-2_208_988_800 * 10**9), "1900-01-01T00:00:00Z"),
        (NanoInstant(9_214_646_399_999_999_999), "2261-12-31T23:59:59.999999999Z"),
    ],
)
def test_an_instant_has_one_spelling(moment, text):
    """INV-5."""
    assert instant_text(moment) == text


@pytest.mark.parametrize(
    ("digits", "moment"),
    [
        (3, NOON.replace(microsecond=7_000)),
        (6, NOON.replace(microsecond=7)),
        (9, NanoInstant(1_770_033_600_000_000_007)),
    ],
)
def test_units_are_those_of_its_digits(digits, moment):
    assert moment_of(NOON, 7, digits) == moment
