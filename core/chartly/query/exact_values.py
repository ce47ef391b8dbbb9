"""What is known of a value in a query: its kind, and how many digits it may have."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

NAME = "name"
"""The family of a name of which nothing is known."""
MOST = 76
"""The digits of the widest number that an engine has."""
_ROWS = 15
"""The digits of the number of rows that a sum may have."""
_INTEGER = 20
_TIMES = frozenset(("instant", "date", "interval", "short"))
_INT_TYPES = re.compile(r"U?Int(8|16|32|64)|Bool", re.IGNORECASE)
_DECIMAL_TYPE = re.compile(r"Decimal\(\s*([0-9]+)\s*,\s*([0-9]+)\s*\)", re.IGNORECASE)
_SHORT = ("date", "datetime")
INEXACT = (
    "`/` and avg() are exact only as a whole output column that outputs.columns declares as "
    "Decimal(p, s), or within CAST(... AS Decimal(p, s)); intDiv() divides whole numbers"
)
# An engine moves the addition of a constant out of a sum, which then wraps around.
ZERO = "materialize(toDecimal256(0, 0))"
_COLUMN_SCALE = 37
_BEFORE, _BEHIND = "toDate32('1970-01-01')", "toDate32('2106-02-07')"


@dataclass(frozen=True)
class Value:
    """An expression.

    Attributes:
        family: integer, decimal, instant, date, short (a time of 1970 to 2106), interval, text,
            name or unknown.
        digits: the most that a number has.
        scale: the most that it has behind the point.
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

    def spelled(self, text: str) -> "Value":
        """The same value in other words."""
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
        """The value where only whole numbers of 64 bits may stand."""
        if self.changed and self.family == "integer":
            return f"accurateCast({self.text}, 'Nullable(Int64)')"
        return self.text

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
            text = f"{self.text} % {right.text}"
            digits = max(self.digits, right.digits)
            return Value(text, family, digits, scale, changed=self.changed or right.changed)
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

    def as_wide(self) -> "Value":
        """The value in 76 digits."""
        return replace(self, text=self.widened(), wide=True, changed=True)

    def _moved(self, sign: str, right: "Value") -> "Value":
        both = self.is_time and right.is_time and "interval" not in (self.family, right.family)
        times = [one.family for one in (self, right) if one.is_time and one.family != "interval"]
        family = times[0] if times else "interval"
        text = f"{self.narrow()} {sign} {right.narrow()}"
        if both:
            return Value(f"({text})", "unknown", _INTEGER, 3)
        if family == "short" and "interval" not in (self.family, right.family):
            raise ValueError("write addDays() or addSeconds() of a time, not a sign")
        if family == "short":
            moved = Value(f"(toDateTime64({self.text}, 3, 'UTC') {sign} {right.text})", "instant")
            text = f"addDays({text}, {check(moved, sign)})"
        return Value(text, family)

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
    """What may be any of some values."""
    return Value(
        text,
        family or _joined(values),
        max((one.digits for one in values), default=_INTEGER),
        max((one.scale for one in values), default=0),
        changed=any(one.changed for one in values),
    )


def literal(text: str) -> Value:
    """A number as it is written; one that an engine would take for a float is a Decimal."""
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
    decimal = _DECIMAL_TYPE.match(kind)
    if decimal:
        return Value("", "decimal", int(decimal[1]), int(decimal[2]))
    if _INT_TYPES.fullmatch(kind):
        return Value("", "integer", _INTEGER, 0)
    if kind.startswith("DateTime64"):
        return Value("", "instant")
    if kind == "Date32":
        return Value("", "date")
    return Value("", "text" if "String" in kind else "unknown")


def narrow_cast(value: Value, kind: str) -> Value:
    """A value in a type that is asked for, or a failure."""
    plain = kind.strip("'")
    if _INT_TYPES.fullmatch(plain) and plain.lower() != "bool":
        # Text of a number that is too large would be cut by the failing cast itself.
        number = value.text if value.family == "integer" else f"toInt256({value.text})"
        return Value(f"accurateCast({number}, 'Nullable({plain})')", "integer", _INTEGER, 0)
    decimal = _DECIMAL_TYPE.match(plain)
    if decimal:
        return Value(f"CAST({value.text} AS {plain})", "decimal", int(decimal[1]), int(decimal[2]))
    if plain.lower() in _SHORT and value.family != "integer":
        return Value(f"CAST({guarded(value, plain)} AS {plain})", "short")
    family = {"date32": "date"}.get(plain.lower(), "unknown")
    return Value(f"CAST({value.text} AS {plain})", family)


def guarded(value: Value, name: str) -> str:
    """A time that lies between 1970 and 2106, or a failure."""
    if value.family == "short":
        return value.text
    if value.family == "text":
        return f"concat({value.text}, substring('', toUInt8({check(value, name)}) + 1))"
    return f"addDays({value.text}, {check(value, name)})"


def check(value: Value, name: str) -> str:
    """Zero, or a failure where a time lies outside 1970 to 2106."""
    tested = f"toDate32(substring({value.text}, 1, 10))" if value.family == "text" else value.text
    outside = f"{tested} < {_BEFORE} OR {tested} >= {_BEHIND}"
    said = f"{name} holds times of 1970 to 2106 only; toDate32() and date_trunc() hold others"
    return f"throwIf({outside}, '{said}')"


def quotient(top: Value, scale: int) -> Value:
    """A division with ``scale`` digits behind the point, rounded half even.

    Raises:
        ValueError: its remainder may have more digits than any number.
    """
    bottom = top.by or literal("1")
    if top.digits - top.scale + max(top.scale, scale + bottom.scale) > MOST:
        raise ValueError(
            f"this division may take more than {MOST} digits; "
            f"write CAST(... AS Decimal(p, s)) around its operands"
        )
    # An engine divides also where a null stands, by whatever lies below it.
    known = f"ifNull({bottom.text}, toDecimal256(1, 0))"
    found = f"divideDecimal({top.text}, {known}, {scale})"
    rest = f"abs({top.text} - {found} * {bottom.text}) * 2"
    unit = f"toDecimal256('{Decimal(1).scaleb(-scale):f}', {scale})"
    half = f"abs({bottom.text}) * {unit}"
    up = f"({rest} > {half} OR ({rest} = {half} AND abs({found}) % (2 * {unit}) != 0))"
    sign = f"if(({top.text} < 0) = ({bottom.text} < 0), {unit}, -{unit})"
    return Value(
        f"if(isNull({bottom.text}), NULL, ({found} + if({up}, {sign}, 0 * {unit})))",
        "decimal",
        38,
        scale,
        wide=True,
        changed=True,
    )


def _joined(values: Sequence[Value]) -> str:
    families = {one.family for one in values}
    if len(families) == 1:
        return families.pop()
    return "decimal" if families == {"integer", "decimal"} else "unknown"
