"""Instants as values: a ``datetime`` with up to six digits behind the second, else a count."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NANOSECONDS = 9
"""The digits of a nanosecond, which a ``datetime`` cannot hold."""
_DATETIME_DIGITS = 6


@dataclass(frozen=True, slots=True)
class NanoInstant:
    """An instant to the nanosecond.

    Attributes:
        count: the nanoseconds since 1970.
    """

    count: int


Moment: TypeAlias = datetime | NanoInstant


def moment_of(second: datetime, ticks: int, digits: int) -> Moment:
    """The instant so many units behind a whole second.

    Args:
        digits: of the unit, behind the second.
    """
    if digits == NANOSECONDS:
        return NanoInstant((second - EPOCH) // timedelta(seconds=1) * 10**digits + ticks)
    return second.replace(microsecond=ticks * 10 ** (_DATETIME_DIGITS - digits))


def instant_text(moment: Moment) -> str:
    """RFC 3339 with ``Z`` and no empty fraction."""
    if isinstance(moment, NanoInstant):
        seconds, rest = divmod(moment.count, 10**NANOSECONDS)
        second = (EPOCH + timedelta(seconds=seconds)).replace(tzinfo=None).isoformat()
        text = f"{second}.{rest:0{NANOSECONDS}}"
    else:
        text = moment.replace(tzinfo=None).isoformat(timespec="microseconds")
    return text.rstrip("0").removesuffix(".") + "Z"
