"""Conversions of numbers and times: what does not fit, or would be cut, fails."""

from collections.abc import Sequence

from chartly.query.exact_times import guarded, within
from chartly.query.exact_values import DECIMAL_TYPE, INT_TYPES, INTEGER, Value
from chartly.query.ticks import FINEST_DIGITS, SUBSECOND_DIGITS, digits_of, floored, ticks
from chartly.query.vocabulary import names

_FROM_TICKS = {
    "fromunixtimestamp64milli": 3,
    "fromunixtimestamp64micro": 6,
    "fromunixtimestamp64nano": 9,
}
_TO_TICKS = {f"to{name.removeprefix('from')}": digits for name, digits in _FROM_TICKS.items()}
_SHORT_TYPES = ("date", "datetime")
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
    """The SQL of a value in another type, which fails where it does not fit.

    Raises:
        ValueError: it would be cut to what the type holds.
    """
    target = kind.strip("'")
    lowered = target.lower()
    if INT_TYPES.fullmatch(target) and lowered != "bool":
        return Value(
            f"accurateCast({_whole(value, target)}, 'Nullable({target})')", "integer", INTEGER, 0
        )
    decimal = DECIMAL_TYPE.match(target)
    if decimal:
        text = undropped(value, int(decimal[2]), target)
        return Value(f"CAST({text} AS {target})", "decimal", int(decimal[1]), int(decimal[2]))
    if lowered.startswith("date") and value.family in ("integer", "decimal"):
        raise ValueError(_NO_TIME)
    if lowered in _SHORT_TYPES:
        return Value(f"CAST({guarded(value.text, value.family, target)} AS {target})", "short")
    if lowered.startswith("datetime64("):
        text = _instant_text(value, lowered[11:].split(",")[0].strip(") "), target)
        return Value(f"CAST({text} AS {target})", "instant", scale=digits_of(target) or 0)
    family = {"date32": "date"}.get(lowered, "unknown")
    return Value(f"CAST({value.text} AS {target})", family)


def converted(folded: str, spelled: str, arguments: Sequence[Value]) -> Value | None:
    """A call that converts its first argument; None for another function.

    Raises:
        ValueError: it would be cut to what the type holds.
    """
    first = arguments[0]
    if folded in _TO_INTEGER:
        return narrow_cast(first, _TO_INTEGER[folded])
    if folded in _DECIMALS:
        return _decimal(folded, spelled, arguments)
    if folded in _TIME_TYPES and first.family in ("integer", "decimal"):
        raise ValueError(_NO_TIME)
    if folded in _TO_TICKS and first.family == "instant":
        text = ticks(first.text, first.subsecond_digits, _TO_TICKS[folded])
        return Value(f"({text})", "integer", INTEGER, 0)
    return _time(folded, spelled, arguments)


def _time(folded: str, spelled: str, arguments: Sequence[Value]) -> Value | None:
    first, *others = arguments
    listed = "".join(f", {argument.text}" for argument in others)
    if folded in _SHORT:
        family = "integer" if folded == "tounixtimestamp" else "short"
        return Value(
            f"{spelled}({guarded(first.text, first.family, f'{spelled}()')}{listed})", family
        )
    if folded == "todatetime64":
        scale = others[0].text if others else ""
        text = f"{spelled}({_instant_text(first, scale, spelled)}{listed})"
        return Value(text, "instant", scale=int(scale))
    if folded in _FROM_TICKS:
        text, digits = f"{spelled}({first.counted()}{listed})", _FROM_TICKS[folded]
        wide = text if digits == FINEST_DIGITS else ""
        return Value(within(text, f"{spelled}()", wide), "instant", scale=digits)
    return None


def undropped(value: Value, scale: int, name: str) -> str:
    """SQL of a number, which fails where a digit behind the last one kept would be dropped."""
    if value.family in ("integer", "decimal") and value.scale <= scale:
        return value.text
    return _kept(value, scale, f"{name} would drop digits; write round(x, {scale}) within")


def _kept(value: Value, scale: int, message: str) -> str:
    text = value.text if value.family == "text" else f"toString({value.text})"
    dropped = f"match({text}, '[.]{'[0-9]' * scale}[0-9]*[1-9]|[0-9][eE]-')"
    return f"concat({text}, substring('', toUInt8(throwIf({dropped}, {_literal(message)})) + 1))"


def _whole(value: Value, name: str) -> str:
    if value.family == "integer":
        return value.text
    if value.is_time:
        return f"toInt256({floored(value.text, value.subsecond_digits, 0)})"
    message = f"{name} would drop digits; write round(x) or trunc(x) within"
    return f"toDecimal256({_kept(value, 0, message)}, 0)"


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
    if value.family == "instant" and int(scale) < value.subsecond_digits:
        return _uncut(value, int(scale), name)
    if value.family == "text":
        return _kept(value, int(scale), f"{name} would drop parts of a second")
    return value.text


def _uncut(value: Value, scale: int, name: str) -> str:
    """SQL of an instant, which fails where a digit behind those that are kept would be cut.

    Raises:
        ValueError: parts of a second are never kept.
    """
    units = {digits: unit for unit, digits in SUBSECOND_DIGITS.items()}
    if scale not in units:
        raise ValueError("parts of a second would be cut; write date_trunc('second', x)")
    message = _literal(f"{name} would cut digits; write date_trunc('{units[scale]}', x) within")
    kept = floored(value.text, value.subsecond_digits, scale)
    return f"addDays({value.text}, throwIf({kept} != {value.text}, {message}))"


def _literal(message: str) -> str:
    """A message as SQL; the name of a type may contain quotes."""
    doubled = message.replace("'", "''")
    return f"'{doubled}'"
