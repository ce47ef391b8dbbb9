"""Instants of an engine as counts of their unit since 1970, and cut to a coarser one.

Both round towards the past; an engine by itself rounds towards 1970.
"""

import re

DEFAULT_DIGITS, FINEST_DIGITS = 3, 9
"""The digits behind the second of a window's edges, and of the finest type there is."""
_UNITS = {3: "Milli", 6: "Micro", 9: "Nano"}
_TYPE = re.compile(r"DateTime64\(([0-9])")
SUBSECOND_DIGITS = {"millisecond": 3, "microsecond": 6, "nanosecond": 9}
"""For each unit below a second the digits that it has behind it."""


def digits_of(kind: str) -> int | None:
    """The digits behind the second of an engine's type; None where it is none of instants."""
    match = _TYPE.search(kind)
    return int(match[1]) if match else None


def ticks(instant: str, digits: int, kept: int | None = None) -> str:
    """The count of units since 1970 of an instant as SQL.

    Args:
        digits: those that the instant has behind the second.
        kept: those of the unit, 3, 6 or 9; by default those of the coarsest unit that keeps all.
    """
    own = _unit(digits)
    unit = own if kept is None else kept
    if own <= unit:
        return f"toUnixTimestamp64{_UNITS[unit]}({instant})"
    count, size = ticks(instant, digits), 10 ** (own - unit)
    return f"intDiv({count} - positiveModulo({count}, {size}), {size})"


def floored(instant: str, digits: int, kept: int) -> str:
    """An instant without what is finer than so many digits, in its own type, as SQL."""
    if digits <= kept:
        return instant
    own = _unit(digits)
    rest = f"positiveModulo({ticks(instant, digits)}, {10 ** (own - kept)})"
    return f"subtract{_UNITS[own]}seconds({instant}, {rest})"


def _unit(digits: int) -> int:
    return next(unit for unit in _UNITS if digits <= unit)
