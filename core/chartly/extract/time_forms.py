"""Forms of times: a closed set of strptime's directives, which every Python parses alike.

Nothing is guessed: a form contains the year and each part down to its smallest; smaller parts are
zero. ``%Y-%m-%d`` is midnight, ``%H:%M`` alone is no form.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from functools import lru_cache

_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_PARTS = ("year", "month", "day", "hour", "minute", "second", "fraction")
# A week of the ISO calendar counts as a month: both are between a year and a day.
_NAMED = {
    "Y": ("year",),
    "m": ("month",),
    "b": ("month",),
    "B": ("month",),
    "d": ("day",),
    "j": ("month", "day"),
    "G": ("year",),
    "V": ("month",),
    "u": ("day",),
    "H": ("hour",),
    "I": ("hour",),
    "M": ("minute",),
    "S": ("second",),
    "f": ("fraction",),
    "p": (),
    "a": (),
    "A": (),
    "z": (),
}
_TOGETHER = ("Ip", "GVu")
DIRECTIVES = (*(f"%{letter}" for letter in _NAMED), "%%")
_WIDTHS = {"Y": 4, "G": 4, "u": 1, "j": 3, "m": 2, "d": 2, "V": 2, "H": 2, "I": 2, "M": 2, "S": 2}
_ALWAYS_FULL = ("Y", "G")
_TEXTS = {
    "b": "|".join(name[:3] for name in _MONTHS),
    "B": "|".join(_MONTHS),
    "a": "|".join(name[:3] for name in _WEEKDAYS),
    "A": "|".join(_WEEKDAYS),
    "p": "AM|PM",
    "f": "[0-9]{1,30}",
    "z": "Z|[+-][0-9]{2}:?[0-9]{2}",
}
_NOON = 12
_TOKEN = re.compile(r"%(?P<directive>.?)|(?P<space>\s+)|(?P<literal>[^%\s])", re.DOTALL | re.ASCII)

Parts = Mapping[str, str]
"""The texts of the directives that a form has."""


class FormError(ValueError):
    """Why a text is no form of times."""


@dataclass(frozen=True)
class TimeReading:
    """A time that was parsed from a text.

    Attributes:
        second: the whole second; without a zone if the text has no offset.
        ticks: the units behind it; finer digits are cut off.
        finer: whether digits other than zero were cut off.
    """

    second: datetime
    ticks: int
    finer: bool


@dataclass(frozen=True)
class TimeForm:
    """A compiled form."""

    pattern: re.Pattern[str]

    def read(self, text: str, digits: int) -> TimeReading | None:
        """The time of a text of this form; None if it has another form.

        Args:
            digits: of the unit that it is read to, behind the second.
        """
        match = self.pattern.fullmatch(text)
        try:
            return None if match is None else _reading(match.groupdict(), digits)
        except ValueError:
            return None


@lru_cache(maxsize=256)
def compile_form(form: str) -> TimeForm:
    """A compiled form.

    Raises:
        FormError: it contains another directive, or lacks a part.
    """
    tokens = list(_TOKEN.finditer(form))
    letters = [token["directive"] for token in tokens if token["directive"] is not None]
    for letter in letters:
        if f"%{letter}" not in DIRECTIVES:
            raise FormError(f"holds %{letter}; allowed are {' '.join(DIRECTIVES)}")
    _check_parts("".join(letters).replace("%", ""))
    return TimeForm(re.compile("".join(_patterns(tokens)), re.IGNORECASE | re.ASCII))


def _check_parts(letters: str) -> None:
    named = [part for letter in letters for part in _NAMED[letter]]
    if len({*named}) < len(named) or len({*letters}) < len(letters):
        raise FormError("names a part of the time twice")
    if "year" not in named:
        raise FormError("names no year (%Y), which would have to be guessed")
    smallest = _PARTS[max(map(_PARTS.index, named))]
    for part in _PARTS[: _PARTS.index(smallest)]:
        if part not in named:
            raise FormError(f"names the {smallest} but no {part}, which would have to be guessed")
    for group in _TOGETHER:
        if 0 < len({*group} & {*letters}) < len(group):
            directives = " ".join(f"%{letter}" for letter in group)
            raise FormError(f"must hold all of {directives}, or none")
    if {*"aA"} & {*letters} and "day" not in named:
        raise FormError("names a day of the week but no day")


def _patterns(tokens: Sequence[re.Match[str]]) -> Iterator[str]:
    for place, token in enumerate(tokens):
        letter, literal = token["directive"], token["literal"]
        if letter == "%" or literal is not None:
            yield re.escape(letter or literal)
        elif letter is None:
            yield r"\s+"
        else:
            neighbours = [*tokens[max(0, place - 1) : place], *tokens[place + 1 : place + 2]]
            full = letter in _ALWAYS_FULL or any(map(_is_digits, neighbours))
            yield f"(?P<{letter}>{_pattern(letter, full=full)})"


def _pattern(letter: str, *, full: bool) -> str:
    """The pattern of a directive; ``full`` width is required beside digits, as in ``2026112``."""
    if letter in _TEXTS:
        return _TEXTS[letter]
    width = _WIDTHS[letter]
    return f"[0-9]{{{width}}}" if full else f"[0-9]{{1,{width}}}"


def _is_digits(token: re.Match[str]) -> bool:
    return token["directive"] in ("f", *_WIDTHS) or (token["literal"] or "").isdecimal()


def _reading(parts: Parts, digits: int) -> TimeReading:
    clock = time(_hour(parts), int(parts.get("M", "0")), int(parts.get("S", "0")))
    second = datetime.combine(_date(parts), clock, offset_of(parts.get("z")))
    return reading(second, parts.get("f", ""), digits)


def reading(second: datetime, fraction: str, digits: int) -> TimeReading:
    """A whole second with the digits behind its point, cut to ``digits``."""
    ticks = int(fraction[:digits].ljust(digits, "0"))
    return TimeReading(second, ticks, finer=bool(fraction[digits:].strip("0")))


def offset_of(text: str | None) -> tzinfo | None:
    """The offset of a time: ``Z``, hours and minutes, or none.

    Raises:
        ValueError: there is no such offset.
    """
    if text is None or text in "Zz":
        return None if text is None else UTC
    hours, minutes = int(text[1:3]), int(text[-2:])
    # Python accepts sixty minutes as an hour.
    offset = timedelta(hours=time(hours).hour, minutes=time(minute=minutes).minute)
    return timezone(-offset if text.startswith("-") else offset)


def _hour(parts: Parts) -> int:
    if "I" not in parts:
        return int(parts.get("H", "0"))
    hour = int(parts["I"])
    if not 1 <= hour <= _NOON:
        raise ValueError(hour)
    return hour % _NOON + _NOON * (parts["p"].upper() == "PM")


def _date(parts: Parts) -> date:
    if "G" in parts:
        day = date.fromisocalendar(int(parts["G"]), int(parts["V"]), int(parts["u"]))
    elif "j" in parts:
        day = _day_of_year(int(parts["Y"]), int(parts["j"]))
    else:
        day = date(int(parts["Y"]), _month(parts), int(parts.get("d", "1")))
    weekday = parts.get("a") or parts.get("A")
    if weekday is not None and not _WEEKDAYS[day.weekday()].lower().startswith(weekday.lower()):
        raise ValueError(weekday)
    return day


def _day_of_year(year: int, number: int) -> date:
    if not 1 <= number <= date(year, 12, 31).timetuple().tm_yday:
        raise ValueError(number)
    return date(year, 1, 1) + timedelta(days=number - 1)


def _month(parts: Parts) -> int:
    name = parts.get("b") or parts.get("B")
    if name is None:
        return int(parts.get("m", "1"))
    return 1 + [month[:3].lower() for month in _MONTHS].index(name[:3].lower())
