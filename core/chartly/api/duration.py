"""Durations: the part of ISO 8601 that names one calendar or clock length."""

import re
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

DURATION_RULE = (
    "an ISO 8601 duration with one part, such as PT1H, P1D, P1W, P1M or P1Y, under 1000 years"
)
DURATION_SAYS = f"must be {DURATION_RULE}"
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
    """A duration.

    Raises:
        ValueError: it is not of the form that ``DURATION_RULE`` tells.
    """
    found = _FORM.fullmatch(text)
    if found is None:
        raise ValueError(DURATION_SAYS)
    if found[1]:
        return Length(int(found[1][:-1]), _UNITS[found[1][-1]])
    return Length(int(found[2][:-1]), _CLOCK_UNITS[found[2][-1]])


def _checked(text: str) -> str:
    parse_duration(text)
    return text


Duration = Annotated[str, Field(max_length=64), AfterValidator(_checked)]
