"""Instants: text to milliseconds since 1970 in UTC, refusing what would have to be guessed."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_FLOOR, Decimal
from functools import cache, lru_cache
from importlib.resources import files
from zoneinfo import ZoneInfo

from chartly.api.normalizer import Excess, ToUtcTimestamp
from chartly.errors import SpecError
from chartly.extract.decimals import EXACT, number_of
from chartly.extract.reject import BadValueError, RejectReason
from chartly.extract.time_forms import FormError, TimeReading, compile_form, offset_of, reading

_RFC_3339 = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt ]([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]+))?"
    r"([Zz]|[+-][0-9]{2}:[0-9]{2})?"
)
_LEAP_SECOND = "60"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FIRST = datetime(1900, 1, 1, tzinfo=UTC)
LAST = datetime(2299, 12, 31, 23, 59, 59, 999000, tzinfo=UTC)
UNIX_FORMATS = ("unix", "unixMs")
_LARGEST = 15
"""Digits behind which no count of seconds or milliseconds is an instant of our calendar."""


@dataclass(frozen=True)
class Truncated:
    """An instant of which what is finer than a millisecond was cut off."""

    moment: datetime


def to_instant(
    value: object, formats: tuple[str, ...], zone: str | None, excess: Excess = "reject"
) -> datetime | Truncated:
    """``value`` as an instant with milliseconds in UTC.

    Raises:
        BadValueError: it is in no allowed form, has no offset and no zone is declared, is skipped
            or repeated by its zone, lies outside 1900 to 2299, or is finer than a millisecond
            and ``excess`` says to reject it.
    """
    if isinstance(value, datetime):
        return value
    found = _in_formats(value, formats) if formats else _rfc_3339(value)
    moment = _located(found.moment, zone)
    if not FIRST <= moment <= LAST:
        raise _beyond()
    if found.finer and excess == "reject":
        raise BadValueError(RejectReason.NOT_A_TIMESTAMP, "is finer than a millisecond")
    return Truncated(moment) if found.finer else moment


def _in_formats(value: object, formats: tuple[str, ...]) -> TimeReading:
    for form in formats:
        found = _unix(value, form) if form in UNIX_FORMATS else _in_form(value, form)
        if found is not None:
            return found
    raise BadValueError(
        RejectReason.NOT_A_TIMESTAMP, f"must have one of the forms {', '.join(formats)}"
    )


def _rfc_3339(value: object) -> TimeReading:
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
        moment = datetime(year, month, day, hour, minute, second, tzinfo=offset_of(offset))
    except ValueError:
        raise BadValueError(RejectReason.NOT_A_TIMESTAMP, "there is no such date or time") from None
    return reading(moment, fraction or "")


def _in_form(value: object, form: str) -> TimeReading | None:
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        return None
    return compile_form(form).read(str(value))


def _unix(value: object, form: str) -> TimeReading | None:
    try:
        number = number_of(value)
    except BadValueError:
        return None
    if number and number.adjusted() >= _LARGEST:
        raise _beyond()
    milliseconds = number.scaleb(3, EXACT) if form == "unix" else number
    whole = milliseconds.to_integral_value(ROUND_FLOOR)
    try:
        moment = EPOCH + timedelta(milliseconds=int(whole))
    except OverflowError:
        raise _beyond() from None
    return TimeReading(moment, finer=whole != milliseconds)


def _beyond() -> BadValueError:
    return BadValueError(RejectReason.NOT_A_TIMESTAMP, "must lie between 1900 and 2299")


def _located(moment: datetime, zone: str | None) -> datetime:
    if moment.tzinfo is not None:
        return _in_utc(moment)
    if zone is None:
        raise BadValueError(
            RejectReason.TIMESTAMP_AMBIGUOUS, "has no offset; declare zone or send one"
        )
    local = moment.replace(tzinfo=_zone(zone))
    if local.utcoffset() != local.replace(fold=1).utcoffset():
        raise BadValueError(
            RejectReason.TIMESTAMP_AMBIGUOUS, f"is skipped or repeated in {zone}; send an offset"
        )
    return _in_utc(local)


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise _beyond() from None


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    """A zone of the pinned package: a machine's own may be of another year, or not there."""
    if name not in _zones():
        raise KeyError(name)
    with files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file, key=name)


@cache
def _zones() -> frozenset[str]:
    return frozenset(files("tzdata").joinpath("zones").read_text(encoding="ascii").split())


def check_timestamps(transform: ToUtcTimestamp, where: str) -> None:
    """Whether zone and formats of a transform can be used.

    Raises:
        SpecError: the zone is unknown, or a time in a format would have to be guessed.
    """
    if transform.zone is not None and transform.zone not in _zones():
        raise SpecError(
            f"{where}.zone: {transform.zone!r} is no IANA time zone, such as America/New_York"
        )
    for form in transform.formats:
        try:
            if form not in UNIX_FORMATS:
                compile_form(form)
        except FormError as error:
            raise SpecError(
                f"{where}.formats: {form!r} {error}; {' and '.join(UNIX_FORMATS)} are forms too"
            ) from None


def instant_text(moment: datetime) -> str:
    """RFC 3339 with ``Z`` and no empty fraction."""
    text = moment.replace(tzinfo=None).isoformat(timespec="milliseconds")
    return text.rstrip("0").removesuffix(".") + "Z"
