"""Windows: half-open ranges of UTC time, on calendar or clock boundaries."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from chartly.api.duration import Length

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
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
    """The window that ``moment`` lies in: weeks start on Monday, multiples count from 1970."""
    if length.unit in _FIXED:
        unit, origin = _FIXED[length.unit]
        size = unit * length.count
        start = origin + (moment - origin) // size * size
        return Window(start, start + size)
    months = _MONTHS[length.unit] * length.count
    first = ((moment.year - 1970) * 12 + moment.month - 1) // months * months
    return Window(_month(first), _month(first + months))


def windows_between(start: datetime, end: datetime, length: Length) -> list[Window]:
    """Every window that holds an instant of ``[start, end)``, in order."""
    found = [window_of(start, length)]
    while found[-1].end < end:
        found.append(window_of(found[-1].end, length))
    return found


def windows_of(moments: Iterable[datetime], length: Length) -> list[Window]:
    """The windows of some instants, each once, in order."""
    return sorted({window_of(moment, length) for moment in moments})


def grain(length: Length) -> timedelta:
    """The longest fixed step whose multiples since 1970 never straddle two windows."""
    return _FIXED[length.unit][0] if length.unit in ("minute", "hour") else timedelta(days=1)


def _month(count: int) -> datetime:
    return datetime(1970 + count // 12, count % 12 + 1, 1, tzinfo=UTC)
