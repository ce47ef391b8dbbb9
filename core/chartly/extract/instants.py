"""Instants: text to milliseconds since 1970 in UTC, refusing what would have to be guessed."""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from chartly.api.normalizer import ToUtcTimestamp
from chartly.errors import SpecError
from chartly.extract.reject import BadValueError, RejectReason

_RFC_3339 = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]([0-9]{2}:[0-9]{2}:[0-9]{2})(\.[0-9]+)?"
    r"([Zz]|[+-][0-9]{2}:[0-9]{2})?"
)
_UNIX = re.compile(r"-?[0-9]{1,15}(\.[0-9]+)?")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FIRST = datetime(1900, 1, 1, tzinfo=UTC)
LAST = datetime(2299, 12, 31, 23, 59, 59, 999000, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
UNIX_FORMATS = ("unix", "unixMs")


def to_instant(value: object, formats: tuple[str, ...], zone: str | None) -> datetime:
    """``value`` as an instant with milliseconds in UTC.

    Raises:
        BadValueError: it is in no allowed form, has no offset and no zone is declared, is skipped
            or repeated by its zone, is finer than a millisecond, or lies outside 1900 to 2299.
    """
    if isinstance(value, datetime):
        return value
    if not formats:
        return _bounded(_rfc_3339(value, zone))
    for form in formats:
        moment = _in_format(value, form)
        if moment is not None:
            return _bounded(_located(moment, zone))
    raise BadValueError(
        RejectReason.NOT_A_TIMESTAMP, f"must have one of the forms {', '.join(formats)}"
    )


def _rfc_3339(value: object, zone: str | None) -> datetime:
    found = _RFC_3339.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise BadValueError(
            RejectReason.NOT_A_TIMESTAMP, "must be RFC 3339, such as 2026-02-02T12:00:00Z"
        )
    date, clock, fraction, offset = found.groups()
    if clock.endswith(":60"):
        raise BadValueError(RejectReason.NOT_A_TIMESTAMP, "a leap second has no instant in UTC")
    try:
        moment = datetime.fromisoformat(f"{date}T{clock}{offset or ''}".upper())
    except ValueError:
        raise BadValueError(RejectReason.NOT_A_TIMESTAMP, "there is no such date or time") from None
    return _located(moment, zone) + _fraction(fraction) if fraction else _located(moment, zone)


def _fraction(text: str) -> timedelta:
    digits = text[1:].rstrip("0")
    if len(digits) > len("123"):
        raise BadValueError(RejectReason.NOT_A_TIMESTAMP, "is finer than a millisecond")
    return timedelta(milliseconds=int(digits.ljust(3, "0")))


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
        raise BadValueError(
            RejectReason.NOT_A_TIMESTAMP, "must lie between 1900 and 2299"
        ) from None


def _in_format(value: object, form: str) -> datetime | None:
    if form in UNIX_FORMATS:
        return _unix(value, form)
    try:
        return datetime.strptime(str(value), form)  # noqa: DTZ007 - located by the caller
    except ValueError:
        return None


def _unix(value: object, form: str) -> datetime | None:
    text = str(value)
    if isinstance(value, bool) or _UNIX.fullmatch(text) is None:
        return None
    whole, _, fraction = text.partition(".")
    if form == "unixMs":
        if fraction.strip("0"):
            raise BadValueError(RejectReason.NOT_A_TIMESTAMP, "is finer than a millisecond")
        milliseconds = int(whole)
    else:
        part = _fraction("." + fraction) // _MILLISECOND if fraction else 0
        milliseconds = int(whole) * 1000 + (-part if whole.startswith("-") else part)
    try:
        return EPOCH + timedelta(milliseconds=milliseconds)
    except OverflowError:
        raise BadValueError(
            RejectReason.NOT_A_TIMESTAMP, "must lie between 1900 and 2299"
        ) from None


def _bounded(moment: datetime) -> datetime:
    if not FIRST <= moment <= LAST:
        raise BadValueError(RejectReason.NOT_A_TIMESTAMP, "must lie between 1900 and 2299")
    if moment.microsecond % 1000:
        raise BadValueError(RejectReason.NOT_A_TIMESTAMP, "is finer than a millisecond")
    return moment


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def check_timestamps(transform: ToUtcTimestamp, where: str) -> None:
    """Whether zone and formats of a transform can be used.

    Raises:
        SpecError: the zone is unknown, or a format is no strptime format.
    """
    if transform.zone is not None:
        try:
            _zone(transform.zone)
        except (ValueError, OSError, KeyError):
            raise SpecError(
                f"{where}.zone: {transform.zone!r} is no IANA time zone, such as America/New_York"
            ) from None
    for form in transform.formats:
        if form not in UNIX_FORMATS and not _is_format(form):
            raise SpecError(
                f"{where}.formats: {form!r} is no strptime format; "
                f"allowed are such, and {', '.join(UNIX_FORMATS)}"
            )


def _is_format(form: str) -> bool:
    sample = datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC).strftime(form)
    try:
        datetime.strptime(sample, form)  # noqa: DTZ007 - only the form is looked at
    except (ValueError, re.error):
        return False
    return "%" in form


def instant_text(moment: datetime) -> str:
    """RFC 3339 with ``Z`` and no empty fraction."""
    text = moment.strftime("%Y-%m-%dT%H:%M:%S").rjust(len("2026-02-02T12:00:00"), "0")
    milliseconds = moment.microsecond // 1000
    return f"{text}.{milliseconds:03d}".rstrip("0") + "Z" if milliseconds else f"{text}Z"
