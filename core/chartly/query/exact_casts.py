"""Conversions of numbers and times: what does not fit, or would be cut, is a failure."""

from collections.abc import Sequence

from chartly.query.exact_times import guarded, within
from chartly.query.exact_values import DECIMAL_TYPE, INT_TYPES, INTEGER, Value
from chartly.query.vocabulary import names

_SHORT_TYPES = ("date", "datetime")
_MILLISECONDS = 3
_DECIMALS = {
    "todecimal32": 9,
    "todecimal64": 18,
    "todecimal128": 38,
    "todecimal64ornull": 18,
    "todecimal128ornull": 38,
}
_TO_INTEGER = {
    f"to{sign}int{bits}": f"{sign.upper()}Int{bits}"
    for sign in ("", "u")
    for bits in (8, 16, 32, 64)
}
_SHORT = names("""
todate todatetime tostartofyear tostartofquarter tostartofmonth tostartofweek tomonday tostartofday
tostartofhour tostartofminute tostartoffiveminutes tostartoftenminutes tostartoffifteenminutes
tostartofinterval tolastdayofmonth timeslot tounixtimestamp
""")
_TIME_TYPES = names("todate todatetime todate32 todatetime64")
_NO_TIME = "a number is no time here; write fromUnixTimestamp64Milli(x)"


def narrow_cast(value: Value, kind: str) -> Value:
    """A value in a type that is asked for, or a failure.

    Raises:
        ValueError: it would be cut to what the type holds.
    """
    plain = kind.strip("'")
    lowered = plain.lower()
    if INT_TYPES.fullmatch(plain) and lowered != "bool":
        return Value(
            f"accurateCast({_whole(value, plain)}, 'Nullable({plain})')", "integer", INTEGER, 0
        )
    decimal = DECIMAL_TYPE.match(plain)
    if decimal:
        text = undropped(value, int(decimal[2]), plain)
        return Value(f"CAST({text} AS {plain})", "decimal", int(decimal[1]), int(decimal[2]))
    if lowered.startswith("date") and value.family in ("integer", "decimal"):
        raise ValueError(_NO_TIME)
    if lowered in _SHORT_TYPES:
        return Value(f"CAST({guarded(value.text, value.family, plain)} AS {plain})", "short")
    if lowered.startswith("datetime64("):
        text = _instant_text(value, lowered[11:].split(",")[0].rstrip(") "), plain)
        return Value(f"CAST({text} AS {plain})", "instant")
    family = {"date32": "date"}.get(lowered, "unknown")
    return Value(f"CAST({value.text} AS {plain})", family)


def converted(folded: str, spelled: str, arguments: Sequence[Value]) -> Value | None:
    """A call that converts its first argument; None for another function.

    Raises:
        ValueError: it would be cut to what the type holds.
    """
    first, *others = arguments
    if folded in _TO_INTEGER:
        return narrow_cast(first, _TO_INTEGER[folded])
    if folded in _DECIMALS:
        return _decimal(folded, spelled, arguments)
    if folded in _TIME_TYPES and first.family in ("integer", "decimal"):
        raise ValueError(_NO_TIME)
    listed = "".join(f", {one.text}" for one in others)
    if folded in _SHORT:
        family = "integer" if folded == "tounixtimestamp" else "short"
        return Value(
            f"{spelled}({guarded(first.text, first.family, f'{spelled}()')}{listed})", family
        )
    if folded == "todatetime64":
        scale = others[0].text if others else ""
        return Value(f"{spelled}({_instant_text(first, scale, spelled)}{listed})", "instant")
    if folded == "fromunixtimestamp64milli":
        return Value(within(f"{spelled}({first.counted()}{listed})", f"{spelled}()"), "instant")
    return None


def undropped(value: Value, scale: int, name: str) -> str:
    """A number of which no digit is behind the last that is kept, or a failure."""
    if value.family in ("integer", "decimal") and value.scale <= scale:
        return value.text
    return _kept(value, scale, f"{name} would drop digits; write round(x, {scale}) within")


def _kept(value: Value, scale: int, said: str) -> str:
    text = value.text if value.family == "text" else f"toString({value.text})"
    dropped = f"match({text}, '[.]{'[0-9]' * scale}[0-9]*[1-9]|[0-9][eE]-')"
    return f"concat({text}, substring('', toUInt8(throwIf({dropped}, '{said}')) + 1))"


def _whole(value: Value, name: str) -> str:
    if value.family == "integer":
        return value.text
    if value.is_time:
        return f"toInt256({value.text})"
    said = f"{name} would drop digits; write round(x) or trunc(x) within"
    return f"toDecimal256({_kept(value, 0, said)}, 0)"


def _decimal(folded: str, spelled: str, arguments: Sequence[Value]) -> Value:
    scale = arguments[1].text if len(arguments) > 1 else ""
    if not scale.isdigit():
        raise ValueError(f"{spelled}() needs its scale as a number")
    text = undropped(arguments[0], int(scale), spelled)
    if folded.endswith("ornull") and arguments[0].family != "text":
        text = f"toString({text})"
    return Value(f"{spelled}({text}, {scale})", "decimal", _DECIMALS[folded], int(scale))


def _instant_text(value: Value, scale: str, name: str) -> str:
    if not scale.isdigit():
        raise ValueError(f"{name} needs its scale as a number")
    if value.family == "instant" and int(scale) < _MILLISECONDS:
        raise ValueError("parts of a second would be cut; write date_trunc('second', x)")
    if value.family == "text":
        return _kept(value, int(scale), f"{name} would drop parts of a second")
    return value.text
