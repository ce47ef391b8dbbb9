"""Instants: text to a moment in UTC; what is ambiguous is refused."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_FLOOR, Decimal
from functools import cache, lru_cache
from importlib.resources import files
from zoneinfo import ZoneInfo

from chartly.api.columns import INSTANT_DIGITS, INSTANT_UNITS
from chartly.api.normalizer import Excess, ToUtcTimestamp
from chartly.api.place import Place
from chartly.extract.decimals import EXACT, number_of
from chartly.extract.moments import EPOCH, NANOSECONDS, Moment, NanoInstant, moment_of
from chartly.extract.reject import BadValueError, RejectReason
from chartly.extract.time_forms import FormError, TimeReading, compile_form, offset_of, reading

_RFC_3339 = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt ]([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]+))?"
    r"([Zz]|[+-][0-9]{2}:[0-9]{2})?"
)
_LEAP_SECOND = "60"
FIRST_YEAR = 1900
_LAST_YEAR, _LAST_NANOSECOND_YEAR = 2299, 2261
UNIX_FORMATS = {"unix": 0, "unixMs": 3, "unixUs": 6, "unixNs": 9}
"""For each form of counts since 1970 the digits of its unit behind the second."""
_LARGEST = 15
"""Digits before the point above which a count of seconds or milliseconds is no instant of the
calendar; finer counts have as many more digits as their units."""


@dataclass(frozen=True)
class Truncated:
    """An instant that was truncated to its unit."""

    moment: Moment


def last_year(digits: int) -> int:
    """The last year of instants with so many digits behind the second.

    Nanoseconds end in 2262 (64 bits), and the end of a window must be before that.
    """
    return _LAST_NANOSECOND_YEAR if digits == NANOSECONDS else _LAST_YEAR


def to_instant(
    value: object,
    formats: tuple[str, ...],
    zone: str | None,
    excess: Excess = "reject",
    digits: int = INSTANT_DIGITS,
) -> Moment | Truncated:
    """``value`` as an instant in UTC.

    Args:
        digits: of the unit that it is read to, behind the second.

    Raises:
        BadValueError: it is in no allowed form, has no offset and no zone is declared, is skipped
            or repeated by its zone, is before 1900 or after ``last_year``, or is finer than its
            unit and ``excess`` is ``reject``.
    """
    if isinstance(value, datetime | NanoInstant):
        return value
    try:
        reading = _in_formats(value, formats, digits) if formats else _rfc_3339(value, digits)
        second = _located(reading.second, zone)
    except OverflowError:
        raise _beyond(digits) from None
    if not FIRST_YEAR <= second.year <= last_year(digits):
        raise _beyond(digits)
    if reading.finer and excess == "reject":
        raise BadValueError(
            RejectReason.NOT_A_TIMESTAMP, f"is finer than a {INSTANT_UNITS[digits]}"
        )
    moment = moment_of(second, reading.ticks, digits)
    return Truncated(moment) if reading.finer else moment


def _in_formats(value: object, formats: tuple[str, ...], digits: int) -> TimeReading:
    for form in formats:
        read = _unix if form in UNIX_FORMATS else _in_form
        reading = read(value, form, digits)
        if reading is not None:
            return reading
    raise BadValueError(
        RejectReason.NOT_A_TIMESTAMP, f"must have one of the forms {', '.join(formats)}"
    )


def _rfc_3339(value: object, digits: int) -> TimeReading:
    match = _RFC_3339.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise BadValueError(
            RejectReason.NOT_A_TIMESTAMP, "must be RFC 3339, such as 2026-02-02T12:00:00Z"
        )
    *numbers, fraction, offset = match.groups()
    if numbers[-1] == _LEAP_SECOND:
        raise BadValueError(RejectReason.NOT_A_TIMESTAMP, "a leap second has no instant in UTC")
    try:
        year, month, day, hour, minute, second = map(int, numbers)
        whole = datetime(year, month, day, hour, minute, second, tzinfo=offset_of(offset))
    except ValueError:
        raise BadValueError(RejectReason.NOT_A_TIMESTAMP, "there is no such date or time") from None
    return reading(whole, fraction or "", digits)


def _in_form(value: object, form: str, digits: int) -> TimeReading | None:
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        return None
    return compile_form(form).read(str(value), digits)


def _unix(value: object, form: str, digits: int) -> TimeReading | None:
    try:
        number = number_of(value)
    except BadValueError:
        return None
    unit = UNIX_FORMATS[form]
    if number and number.adjusted() >= max(_LARGEST, _LARGEST - 3 + unit):
        raise _beyond(digits)
    units = number.scaleb(digits - unit, EXACT)
    whole = units.to_integral_value(ROUND_FLOOR)
    seconds, ticks = divmod(int(whole), 10**digits)
    return TimeReading(EPOCH + timedelta(seconds=seconds), ticks, finer=whole != units)


def _beyond(digits: int) -> BadValueError:
    return BadValueError(
        RejectReason.NOT_A_TIMESTAMP,
        f"must lie between {FIRST_YEAR} and {last_year(digits)}"
        + (", where nanoseconds end" if digits == NANOSECONDS else ""),
    )


def _located(moment: datetime, zone: str | None) -> datetime:
    if moment.tzinfo is not None:
        return moment.astimezone(UTC)
    if zone is None:
        raise BadValueError(
            RejectReason.TIMESTAMP_AMBIGUOUS, "has no offset; declare zone or send one"
        )
    local = moment.replace(tzinfo=_zone(zone))
    if local.utcoffset() != local.replace(fold=1).utcoffset():
        raise BadValueError(
            RejectReason.TIMESTAMP_AMBIGUOUS, f"is skipped or repeated in {zone}; send an offset"
        )
    return local.astimezone(UTC)


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    """A zone of the pinned package: the machine's may be of another year, or missing."""
    if name not in _zones():
        raise KeyError(name)
    with files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file, key=name)


@cache
def _zones() -> frozenset[str]:
    return frozenset(files("tzdata").joinpath("zones").read_text(encoding="ascii").split())


def check_timestamps(transform: ToUtcTimestamp, place: Place) -> None:
    """Whether zone and formats of a transform are valid.

    Raises:
        SpecError: the zone is unknown, or a format is ambiguous.
    """
    if transform.zone is not None and transform.zone not in _zones():
        raise place.at("zone").refusal(
            "is no IANA time zone, such as America/New_York", value=transform.zone
        )
    for position, form in enumerate(transform.formats):
        try:
            if form not in UNIX_FORMATS:
                compile_form(form)
        except FormError as error:
            why = f"{error}; {', '.join(UNIX_FORMATS)} are forms too"
            raise place.at("formats", position).refusal(why, value=form) from None
