"""Durations: the part of ISO 8601 for one calendar or clock length."""

import re
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

DURATION_RULE = (
    "an ISO 8601 duration with one part, such as PT1H, P1D, P1W, P1M or P1Y, under 1000 years"
)
DURATION_MESSAGE = f"must be {DURATION_RULE}"
# No longer than a calendar is: a window has a start and an end in the years 1 to 9999.
DURATION_FORM = (
    r"P(?:([1-9][0-9]{0,4}[DW]|[1-9][0-9]{0,3}M|[1-9][0-9]{0,2}Y)|T([1-9][0-9]{0,4}[HM]))"
)
_FORM = re.compile(DURATION_FORM)
_UNITS: dict[str, "Unit"] = {"D": "day", "W": "week", "M": "month", "Y": "year"}
_CLOCK_UNITS: dict[str, "Unit"] = {"H": "hour", "M": "minute"}

Unit = Literal["minute", "hour", "day", "week", "month", "year"]


@dataclass(frozen=True)
class Length:
    """A count of one unit."""

    count: int
    unit: Unit


def parse_duration(text: str) -> Length:
    """Parses a duration.

    Raises:
        ValueError: the text does not have the form of ``DURATION_RULE``.
    """
    duration = _FORM.fullmatch(text)
    if duration is None:
        raise ValueError(DURATION_MESSAGE)
    if duration[1]:
        return Length(int(duration[1][:-1]), _UNITS[duration[1][-1]])
    return Length(int(duration[2][:-1]), _CLOCK_UNITS[duration[2][-1]])


def _checked_duration(text: str) -> str:
    parse_duration(text)
    return text


Duration = Annotated[str, Field(max_length=64), AfterValidator(_checked_duration)]
