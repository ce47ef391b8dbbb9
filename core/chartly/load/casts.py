"""How stored values move to another type: by their text, and only where nothing of it is lost.

The text of a value is the one that canonical JSON gives it: ``19.99``, ``true``,
``2026-02-02T12:00:00Z``. A value moves when its text is one that the new type has.
"""

import re
from dataclasses import dataclass

from chartly.load.sql import bare, nullable

_DECIMAL = re.compile(r"Decimal\((\d+), (\d+)\)")
_INSTANT = r"^(19|2[0-2])[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]{1,3})?Z$"
_DAY = r"^(19|2[0-2])[0-9]{2}-"


@dataclass(frozen=True)
class Cast:
    """One column on its way to another type.

    Attributes:
        value: SQL that gives the value in the new type; what does not fit becomes null, or the
            type's zero where there is no null.
        inexact: SQL that tells of a value that does not fit.
    """

    column: str
    stored: str
    wanted: str
    value: str
    inexact: str


def cast(column: str, stored: str, wanted: str) -> Cast:
    """The cast between two of the engine's column types.

    Args:
        column: its name, quoted.
    """
    text = _text(column, bare(stored))
    parsed, fits = _parsed(text, bare(wanted))
    value = f"CAST({parsed}, {_literal(wanted)})"
    if nullable(wanted) != wanted:
        zero = f"defaultValueOfTypeName({_literal(wanted)})"
        value = f"CAST(ifNull({parsed}, {zero}), {_literal(wanted)})"
    inexact = f"{column} IS NOT NULL AND NOT ifNull({fits}, 0)"
    return Cast(column, stored, wanted, value, inexact)


def decimal_digits(kind: str) -> tuple[int, int] | None:
    """Precision and scale of a Decimal."""
    found = _DECIMAL.fullmatch(kind)
    return (int(found[1]), int(found[2])) if found else None


def _text(column: str, kind: str) -> str:
    plain = f"toString({column})"
    if not kind.startswith("DateTime64"):
        return plain
    iso = f"concat(replaceOne({plain}, ' ', 'T'), 'Z')"
    return f"replaceOne({iso}, '.000Z', 'Z')"


def _parsed(text: str, kind: str) -> tuple[str, str]:
    """SQL of the value that a text has in a type, and of whether it is exactly that."""
    if kind == "String":
        return text, "1"
    value = f"accurateCastOrNull({text}, {_literal(kind)})"
    digits = decimal_digits(kind)
    if digits is not None:
        return value, f"isNotNull({value}) AND match({text}, {_literal(_decimal(*digits))})"
    same = f"toString({value}) = {text}"
    if kind == "Date32":
        return value, f"{same} AND match({text}, {_literal(_DAY)})"
    if not kind.startswith("DateTime64"):
        return value, same
    value = f"parseDateTime64BestEffortOrNull({text}, 3, 'UTC')"
    # A moment that there is not, such as 24:15, comes back as another one.
    same = f"startsWith(replaceOne(toString({value}), ' ', 'T'), replaceOne({text}, 'Z', ''))"
    return value, f"{same} AND match({text}, {_literal(_INSTANT)})"


def _decimal(precision: int, scale: int) -> str:
    """Numbers with so many digits; zeros at the end are none."""
    whole = precision - scale
    before = f"(0|[1-9][0-9]{{0,{whole - 1}}})" if whole else "0"
    after = f"([.](0+|[0-9]{{1,{scale}}}0*))?" if scale else "([.]0+)?"
    return f"^-?{before}{after}$"


def _literal(text: str) -> str:
    """A text as SQL; none of ours holds a backslash."""
    quoted = text.replace("'", "\\'")
    return f"'{quoted}'"
