"""Windows: half-open ranges of UTC time, on calendar or clock boundaries."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from chartly.api.duration import Length
from chartly.query.ticks import ticks

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_MILLISECOND_DIGITS = 3
_MONDAY = datetime(1970, 1, 5, tzinfo=UTC)
_FIXED = {
    "minute": (timedelta(minutes=1), _EPOCH),
    "hour": (timedelta(hours=1), _EPOCH),
    "day": (timedelta(days=1), _EPOCH),
    "week": (timedelta(weeks=1), _MONDAY),
}
_MONTHS = {"month": 1, "year": 12}


@dataclass(frozen=True, order=True)
class Window:
    """The instants from ``start`` up to, but without, ``end``."""

    start: datetime
    end: datetime


def window_of(moment: datetime, length: Length) -> Window:
    """The window that contains ``moment``: weeks start on Monday, multiples count from 1970."""
    if length.unit in _FIXED:
        unit, origin = _FIXED[length.unit]
        size = unit * length.count
        start = origin + (moment - origin) // size * size
        return Window(start, start + size)
    months = _MONTHS[length.unit] * length.count
    first = ((moment.year - 1970) * 12 + moment.month - 1) // months * months
    return Window(_month(first), _month(first + months))


def window_start_sql(instant: str, length: Length, digits: int) -> str:
    """The start of ``window_of`` an instant as SQL, in milliseconds since 1970.

    Args:
        instant: an expression of the type ``DateTime64(digits, 'UTC')``.
    """
    # Not intDiv: it rounds towards zero, so that windows before 1970 would start at their ends.
    if length.unit in _FIXED:
        unit, origin = _FIXED[length.unit]
        size, first = unit * length.count // _MILLISECOND, (origin - _EPOCH) // _MILLISECOND
        passed = ticks(instant, digits, _MILLISECOND_DIGITS)
        return f"{passed} - positiveModulo({passed} - {first}, {size})"
    months = f"toYear({instant}) * 12 + toMonth({instant}) - {1970 * 12 + 1}"
    first_month = f"{months} - positiveModulo({months}, {_MONTHS[length.unit] * length.count})"
    zero = "toDateTime64('1970-01-01 00:00:00', 3, 'UTC')"
    return f"toUnixTimestamp64Milli(addMonths({zero}, {first_month}))"


def windows_between(start: datetime, end: datetime, length: Length) -> list[Window]:
    """Every window that contains an instant of ``[start, end)``, in order."""
    windows = [window_of(start, length)]
    while windows[-1].end < end:
        windows.append(window_of(windows[-1].end, length))
    return windows


def windows_of(moments: Iterable[datetime], length: Length) -> list[Window]:
    """The windows of some instants, each once, in order."""
    return sorted({window_of(moment, length) for moment in moments})


def spans_of(windows: Iterable[Window]) -> list[Window]:
    """The time that windows cover, as few spans as possible; windows are sorted."""
    spans: list[Window] = []
    for window in windows:
        if spans and spans[-1].end == window.start:
            spans[-1] = Window(spans[-1].start, window.end)
        else:
            spans.append(window)
    return spans


def grain(length: Length) -> timedelta:
    """The longest fixed step whose multiples since 1970 never straddle two windows."""
    return _FIXED[length.unit][0] if length.unit in ("minute", "hour") else timedelta(days=1)


def _month(count: int) -> datetime:
    return datetime(1970 + count // 12, count % 12 + 1, 1, tzinfo=UTC)
