"""What is known of a value in a query: its kind, and how many digits it may have."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from chartly.query.exact_times import amount, check, within
from chartly.query.ticks import FINEST_DIGITS, digits_of

NAME = "name"
"""The family of a name of which nothing is known."""
MOST = 76
"""The digits of the widest number that an engine has."""
_ROWS = 15
"""The digits of the number of rows that a sum may have."""
INTEGER = 20
"""The digits of a whole number of 64 bits."""
_TIMES = frozenset(("instant", "bound", "date", "interval", "short"))
_SUBSECOND = frozenset(("instant", "bound", "interval"))
_WIDE_DIGITS = 6
"""The digits behind the second with which an instant of any year has room."""
INT_TYPES = re.compile(r"U?Int(8|16|32|64)|Bool", re.IGNORECASE)
DECIMAL_TYPE = re.compile(r"Decimal\(\s*([0-9]+)\s*,\s*([0-9]+)\s*\)", re.IGNORECASE)
INEXACT = (
    "`/` and avg() are exact only as a whole output column that outputs.columns declares as "
    "Decimal(p, s), or within CAST(... AS Decimal(p, s)); intDiv() divides whole numbers"
)
# An engine moves the addition of a constant out of a sum, which then wraps around.
ZERO = "materialize(toDecimal256(0, 0))"
_COLUMN_SCALE = 37
_COLUMN = 38


@dataclass(frozen=True)
class Value:
    """An expression.

    Attributes:
        family: integer, decimal, instant, bound (of a window), date, short (a time of 1970 to
            2106), interval, text, name or unknown.
        digits: the most that a number has.
        scale: the most that it has behind the point, or an instant behind the second.
        wide: whether it is surely a Decimal of 76 digits already.
        changed: whether it may be one.
        by: what it is to be divided by.
    """

    text: str
    family: str = "unknown"
    digits: int = 38
    scale: int = 38
    wide: bool = False
    changed: bool = False
    by: "Value | None" = None

    @property
    def is_time(self) -> bool:
        return self.family in _TIMES

    @property
    def subsecond_digits(self) -> int:
        """The digits that a time or an interval has behind the second."""
        return min(self.scale, FINEST_DIGITS) if self.family in _SUBSECOND else 0

    def spelled(self, text: str) -> "Value":
        """The same value as another expression."""
        return replace(self, text=text)

    def widened(self) -> str:
        """The value in 76 digits."""
        if self.wide:
            return self.text
        if self.text[:9].lower() == "distinct ":
            return f"DISTINCT {self.spelled(self.text[9:]).widened()}"
        if self.family in ("integer", "decimal") and self.scale <= _COLUMN_SCALE:
            return f"toDecimal256({self.text}, {self.scale})"
        return f"(({self.text}) + {ZERO})"

    def narrow(self) -> str:
        """The value where only whole numbers of 64 bits are allowed."""
        if self.changed and self.family == "integer":
            return f"accurateCast({self.text}, 'Nullable(Int64)')"
        return self.text

    def counted(self) -> str:
        """The value as a number of units, which an engine would cut to 64 bits with a sign."""
        is_literal = self.text.lstrip("-").isdigit()
        return self.text if is_literal else f"accurateCast({self.text}, 'Nullable(Int64)')"

    def with_sign(self, sign: str, right: "Value") -> "Value":
        """The result of an operation.

        Raises:
            ValueError: it may have more digits than any number.
        """
        if self.by is not None or right.by is not None:
            raise ValueError(INEXACT)
        if self.is_time or right.is_time:
            return self._moved(sign, right)
        family, scale = _joined((self, right)), max(self.scale, right.scale)
        if sign == "%":
            return self._rest(right)
        if sign == "/":
            return replace(self.as_wide(), family="decimal", by=right.as_wide())
        digits = max(self.digits - self.scale, right.digits - right.scale) + scale + 1
        if sign == "*":
            digits, scale = self.digits + right.digits, self.scale + right.scale
        if digits > MOST:
            raise ValueError(
                f"`{sign}` may give more than {MOST} digits; "
                f"write CAST(... AS Decimal(p, s)) around its operands"
            )
        text = f"({self.widened()} {sign} {right.widened()})"
        return Value(text, family, digits, scale, wide=True, changed=True)

    def _rest(self, right: "Value") -> "Value":
        family, scale = _joined((self, right)), max(self.scale, right.scale)
        digits = max(self.digits, right.digits)
        if family == "integer":
            text = f"{self.text} % {right.text}"
            return Value(text, family, digits, scale, changed=self.changed or right.changed)
        text = f"({self.scaled(scale)} % {right.scaled(scale)})"
        return Value(text, family, digits, scale, wide=True, changed=True)

    def divided_whole(self, right: "Value") -> "Value":
        """How many times a value holds another; signed and unsigned ones mix in 76 digits."""
        scale = max(self.scale, right.scale)
        text = f"toDecimal256(intDiv({self.scaled(scale)}, {right.scaled(scale)}), 0)"
        return Value(text, "integer", self.digits + right.scale, 0, wide=True, changed=True)

    def scaled(self, scale: int) -> str:
        """The value in 76 digits, of which ``scale`` are behind the point."""
        is_so = self.scale == scale and self.family in ("integer", "decimal")
        return self.widened() if is_so else f"toDecimal256({self.widened()}, {scale})"

    def comparable(self, right: "Value") -> "Value":
        """The value as it is compared; an engine drops digits that its type has no room for."""
        numbers = {self.family, right.family}
        if "decimal" not in numbers or not numbers <= {"integer", "decimal"}:
            return self
        scale = max(self.scale, right.scale)
        digits = max(self.digits - self.scale, right.digits - right.scale) + scale
        is_safe = digits <= _COLUMN or self.wide or right.wide
        return self if is_safe else self.as_wide()

    def as_wide(self) -> "Value":
        """The value in 76 digits."""
        return replace(self, text=self.widened(), wide=True, changed=True)

    def _moved(self, sign: str, right: "Value") -> "Value":
        both = self.is_time and right.is_time and "interval" not in (self.family, right.family)
        times = [
            value.family for value in (self, right) if value.is_time and value.family != "interval"
        ]
        family = times[0] if times else "interval"
        text = f"{self.moving(family)} {sign} {right.moving(family)}"
        digits = max(self.subsecond_digits, right.subsecond_digits)
        if both:
            return Value(f"({text})", "unknown", INTEGER, digits)
        if family == "short" and "interval" not in (self.family, right.family):
            raise ValueError("write addDays() or addSeconds() of a time, not a sign")
        if family == "short":
            moved = f"(toDateTime64({self.text}, 3, 'UTC') {sign} {right.text})"
            text = f"addDays({text}, {check(moved, sign)})"
        if family not in ("instant", "date"):
            return Value(text, family, scale=digits)
        wide = f"{self.widely(family)} {sign} {right.widely(family)}"
        return Value(within(text, sign, wide if wide != text else ""), family, scale=digits)

    def moving(self, family: str) -> str:
        """The time, or the amount that it is moved by."""
        unit = "day" if family == "date" else "second"
        return self.text if self.is_time else amount(self.text, unit)

    def widely(self, family: str) -> str:
        """The same, in a type that holds every year where the time's own does not."""
        if self.family == "instant" and self.subsecond_digits > _WIDE_DIGITS:
            return f"toDateTime64({self.text}, {_WIDE_DIGITS}, 'UTC')"
        return self.moving(family)

    def summed(self) -> int:
        """The digits of a sum of such values.

        Raises:
            ValueError: they are too many.
        """
        if self.digits + _ROWS > MOST:
            raise ValueError(
                f"a sum of these may have more than {MOST} digits; "
                f"write CAST(... AS Decimal(p, s)) around what is summed"
            )
        return self.digits + _ROWS


def combined(text: str, values: Sequence[Value], family: str = "") -> Value:
    """What is known of an expression that has any of some values."""
    return Value(
        text,
        family or _joined(values),
        max((value.digits for value in values), default=INTEGER),
        max((value.scale for value in values), default=0),
        changed=any(value.changed for value in values),
    )


def literal(text: str) -> Value:
    """A number as it is written; one that an engine would parse as a float is a Decimal."""
    number = Decimal(text)
    exponent = int(number.as_tuple().exponent)
    scale, digits = max(0, -exponent), len(number.as_tuple().digits) + max(0, exponent)
    if text.lstrip("-").isdigit() and -(2**63) <= int(text) < 2**64:
        return Value(text, "integer", digits, 0)
    if max(digits, scale) > MOST:
        raise ValueError(f"{text} has more than {MOST} digits")
    exact = f"toDecimal256('{number:f}', {scale})"
    return Value(exact, "decimal", max(digits, scale), scale, wide=True, changed=True)


def value_of_type(kind: str) -> Value:
    """What is known of a column of an engine's type."""
    for wrapper in ("LowCardinality(", "Nullable("):
        if kind.startswith(wrapper):
            kind = kind[len(wrapper) : -1]
    decimal = DECIMAL_TYPE.match(kind)
    if decimal:
        return Value("", "decimal", int(decimal[1]), int(decimal[2]))
    if INT_TYPES.fullmatch(kind):
        return Value("", "integer", INTEGER, 0)
    digits = digits_of(kind)
    if digits is not None:
        return Value("", "instant", scale=digits)
    if kind == "Date32":
        return Value("", "date")
    return Value("", "text" if "String" in kind else "unknown")


def _joined(values: Sequence[Value]) -> str:
    families = {value.family for value in values}
    if len(families) == 1:
        return families.pop()
    if families == {"instant", "bound"}:
        return "instant"
    return "decimal" if families == {"integer", "decimal"} else "unknown"
