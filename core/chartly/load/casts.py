"""Casts of stored values to another type: by their text, and only without loss.

The text of a value is that of canonical JSON: ``19.99``, ``true``, ``2026-02-02T12:00:00Z``. A
value is cast where its text is one of the new type's.
"""

import re
from dataclasses import dataclass

from chartly.load.sql import bare, nullable

_DECIMAL = re.compile(r"Decimal\((\d+), (\d+)\)")
_INSTANT_TYPE = re.compile(r"DateTime64\(([0-9]), 'UTC'\)")
_INSTANT = r"^(19|2[0-2])[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}"
_FULL_RANGE = 6
"""Digits with which the engine's type holds every supported year; with 9 it ends in 2262."""
_DAY = r"^(19|2[0-2])[0-9]{2}-"


@dataclass(frozen=True)
class Cast:
    """The cast of one column to another type.

    Attributes:
        value: SQL of the value in the new type; what does not fit becomes null, or the
            type's zero where there is no null.
        inexact: SQL that is true of a value that does not fit.
        keeps_text: whether every value has the text that it had.
    """

    column: str
    stored: str
    wanted: str
    value: str
    inexact: str
    keeps_text: bool = False


def cast(column: str, stored: str, wanted: str) -> Cast:
    """The cast between two of the engine's column types.

    Args:
        column: its name, quoted.
    """
    digits, wanted_digits = instant_digits(bare(stored)), instant_digits(bare(wanted))
    are_instants = digits is not None and wanted_digits is not None
    if digits is not None and wanted_digits is not None and wanted_digits <= _FULL_RANGE:
        return _rescaled(column, stored, wanted, widened=digits <= wanted_digits)
    text = _text_sql(column, bare(stored))
    parsed, fits = _parsed(text, bare(wanted))
    value = f"CAST({parsed}, {_literal(wanted)})"
    if nullable(wanted) != wanted:
        zero = f"defaultValueOfTypeName({_literal(wanted)})"
        value = f"CAST(ifNull({parsed}, {zero}), {_literal(wanted)})"
    inexact = f"{column} IS NOT NULL AND NOT ifNull({fits}, 0)"
    return Cast(column, stored, wanted, value, inexact, keeps_text=are_instants)


def _rescaled(column: str, stored: str, wanted: str, *, widened: bool) -> Cast:
    """The cast of an instant to other digits behind its point."""
    value = f"CAST({column}, {_literal(wanted)})"
    # A cast to fewer digits cuts them off.
    cut = f"{column} IS NOT NULL AND CAST({value}, {_literal(stored)}) != {column}"
    return Cast(column, stored, wanted, value, "0" if widened else cut, keeps_text=True)


def instant_digits(kind: str) -> int | None:
    """The digits of an instant behind its point."""
    shape = _INSTANT_TYPE.fullmatch(kind)
    return int(shape[1]) if shape else None


def decimal_digits(kind: str) -> tuple[int, int] | None:
    """Precision and scale of a Decimal."""
    shape = _DECIMAL.fullmatch(kind)
    return (int(shape[1]), int(shape[2])) if shape else None


def _text_sql(column: str, kind: str) -> str:
    text = f"toString({column})"
    if not kind.startswith("DateTime64"):
        return text
    iso = f"concat(replaceOne({text}, ' ', 'T'), 'Z')"
    return f"replaceRegexpOne({iso}, '[.]0*Z$|0+Z$', 'Z')"


def _parsed(text: str, kind: str) -> tuple[str, str]:
    """SQL of the value that a text has in a type, and of whether it is exactly that."""
    if kind == "String":
        return text, "1"
    value = f"accurateCastOrNull({text}, {_literal(kind)})"
    decimal = decimal_digits(kind)
    if decimal is not None:
        return value, f"isNotNull({value}) AND match({text}, {_literal(_decimal_form(*decimal))})"
    same = f"toString({value}) = {text}"
    if kind == "Date32":
        return value, f"{same} AND match({text}, {_literal(_DAY)})"
    digits = instant_digits(kind)
    if digits is None:
        return value, same
    value = f"parseDateTime64BestEffortOrNull({text}, {digits}, 'UTC')"
    if digits > _FULL_RANGE:
        # The other function returns another instant for a time behind the type's end.
        local = f"replaceOne(replaceOne({text}, 'T', ' '), 'Z', '')"
        value = f"toDateTime64OrNull({local}, {digits}, 'UTC')"
    # A time that does not exist, such as 24:15, is parsed as another one.
    same = f"startsWith(replaceOne(toString({value}), ' ', 'T'), replaceOne({text}, 'Z', ''))"
    form = f"{_INSTANT}([.][0-9]{{1,{digits}}})?Z$"
    return value, f"{same} AND match({text}, {_literal(form)})"


def _decimal_form(precision: int, scale: int) -> str:
    """The regular expression of numbers with so many digits; zeros at the end do not count."""
    whole = precision - scale
    before = f"(0|[1-9][0-9]{{0,{whole - 1}}})" if whole else "0"
    after = f"([.](0+|[0-9]{{1,{scale}}}0*))?" if scale else "([.]0+)?"
    return f"^-?{before}{after}$"


def _literal(text: str) -> str:
    """A text as SQL; none of those here contains a backslash."""
    quoted = text.replace("'", "\\'")
    return f"'{quoted}'"
