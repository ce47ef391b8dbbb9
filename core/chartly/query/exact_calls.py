"""Calls of functions that wrap around, and the exact calls that replace them."""

from collections.abc import Sequence

from chartly.query.exact_casts import converted, narrow_cast
from chartly.query.exact_times import amount, check, within
from chartly.query.exact_values import ZERO, Value, combined, literal
from chartly.query.ticks import SUBSECOND_DIGITS, floored
from chartly.query.vocabulary import names

_TOLERANT = names("""
if multiif coalesce ifnull nullif greatest least min max minif maxif minornull maxornull abs sign
equals notequals less greater lessorequals greaterorequals and or not isnull isnotnull count
countif uniqexact uniqexactif tostring assumenotnull tonullable quantileexact
quantileexactlow quantileexacthigh medianexact round floor ceil ceiling trunc truncate
""")
_SAME = names("""
if multiif coalesce ifnull nullif greatest least min max minif maxif minornull maxornull abs round
floor ceil ceiling trunc truncate assumenotnull tonullable quantileexact quantileexactlow
quantileexacthigh medianexact
""")
_ROUNDS = names("round floor ceil ceiling trunc truncate")
_SIGNS = {"plus": "+", "minus": "-", "multiply": "*", "divide": "/", "modulo": "%", "mod": "%"}
_INTEGERS = names("""
count countif uniqexact uniq uniqcombined uniqhll12 length lengthutf8 char_length toyear toquarter
tomonth todayofyear todayofmonth todayofweek tohour tominute tosecond tomillisecond tounixtimestamp
tounixtimestamp64milli tounixtimestamp64micro tounixtimestamp64nano toyyyymm toyyyymmdd
toyyyymmddhhmmss toisoyear toisoweek toweek datediff date_diff position positionutf8 locate gcd
uniqexactif
""")
_DATES = names("todate32")
_FLOAT = "{name}() is a float that depends on the order of rows; write sum(x * x), sum(x), count()"
_REFUSED = {
    "sumwithoverflow": "{name}() wraps around; use sum",
    "summap": "{name}() wraps around; group by the key and use sum",
    "varpopstable": _FLOAT,
    "varsampstable": _FLOAT,
    "stddevpopstable": _FLOAT,
    "stddevsampstable": _FLOAT,
    "bitshift": "{name}() loses bits; multiply, or use intDiv()",
    "lcm": "{name}() wraps around; write intDiv(a * b, gcd(a, b))",
    "intdivorzero": "zero is not what a division by zero gives; use intDiv(a, nullIf(b, 0))",
    "toint64orzero": "zero is not what is no number; write ifNull(toInt64OrNull(x), 0)",
    "todateornull": "{name}() gives the nearest day that it holds; use toDate32(x)",
    "jsonextractint": "{name}() gives zero where none fits; use toInt64(JSONExtractRaw(x, k))",
    "jsonextractuint": "{name}() gives zero where none fits; use toUInt64(JSONExtractRaw(x, k))",
    "multiplydecimal": "{name}() drops digits; write CAST(a * b AS Decimal(p, s))",
    "dividedecimal": "{name}() drops digits; write CAST(a / b AS Decimal(p, s))",
    **dict.fromkeys(("date_add", "dateadd"), "{name}() is not supported; write addDays(x, n)"),
    **dict.fromkeys(("date_sub", "datesub"), "{name}() is not supported; write subtractDays(x, n)"),
}
"""Functions that are never exact, with what to write instead."""
_COMPARISONS = names("equals notequals less greater lessorequals greaterorequals")
_UNITS = "tointerval"
_MOVES = ("add", "subtract")
_TRUNCATES = names("date_trunc datetrunc")
_DIFFERS = names("datediff date_diff")
_ITEM = "_item"
_COLUMN, _PAIR = 38, 2
_DIVIDED = {
    "avg": ("sum", "count"),
    "avgornull": ("sum", "count"),
    "avgdistinct": ("sumDistinct", "uniqExact"),
}


def call(name: str, spelled: str, parameters: str, arguments: Sequence[Value], kind: str) -> Value:
    """A call as it runs.

    Args:
        spelled: the name as it is written, maybe in quotes.
        parameters: those of an aggregate, in brackets.
        kind: the type behind ``AS``.

    Raises:
        ValueError: its result may be silently wrong; names what to write instead.
    """
    folded = name.lower()
    _refuse(folded, spelled, kind)
    if folded == "cast":
        return narrow_cast(arguments[0], kind or arguments[1].text)
    if not arguments:
        return _other(folded, spelled + parameters, arguments)
    return (
        _operation(folded, arguments)
        or _aggregate(folded, spelled, arguments)
        or converted(folded, spelled, arguments)
        or _other(folded, spelled + parameters, arguments)
    )


def _refuse(folded: str, spelled: str, kind: str) -> None:
    if kind and folded != "cast":
        raise ValueError("an alias is not allowed within a call")
    for stem, why in _REFUSED.items():
        if folded.startswith(stem):
            raise ValueError(why.format(name=spelled))


def _operation(folded: str, arguments: Sequence[Value]) -> Value | None:
    if folded in _SIGNS and len(arguments) == _PAIR:
        return arguments[0].with_sign(_SIGNS[folded], arguments[1])
    if folded == "negate":
        return literal("0").with_sign("-", arguments[0])
    if folded == "intdiv" and len(arguments) == _PAIR:
        return arguments[0].divided_whole(arguments[1])
    return None


def _aggregate(folded: str, spelled: str, arguments: Sequence[Value]) -> Value | None:
    if folded.startswith("avg"):
        return _average(folded, arguments)
    if folded.startswith("sum"):
        return _sum(spelled, arguments)
    return _array_sum(arguments) if folded == "arraysum" else None


def _sum(spelled: str, arguments: Sequence[Value]) -> Value:
    first, *others = arguments
    listed = ", ".join([first.widened(), *(argument.text for argument in others)])
    family = "integer" if first.family == "integer" else "decimal"
    return Value(
        f"{spelled}({listed})", family, first.summed(), first.scale, wide=True, changed=True
    )


def _average(folded: str, arguments: Sequence[Value]) -> Value:
    first = arguments[0]
    if folded in ("avgif", "avgifornull", "avgornullif"):
        condition = arguments[1].text
        top = f"sumIf({first.widened()}, {condition})"
        bottom = f"countIf(({condition}) AND isNotNull({first.text}))"
    elif folded in _DIVIDED:
        total, number = _DIVIDED[folded]
        top, bottom = f"{total}({first.widened()})", f"{number}({first.text})"
    else:
        raise ValueError("avg() takes no such combinator; divide sum by count")
    count = Value(
        f"toDecimal256(nullIf({bottom}, 0), 0)", "integer", 20, 0, wide=True, changed=True
    )
    return Value(top, "decimal", first.summed(), first.scale, wide=True, changed=True, by=count)


def _array_sum(arguments: Sequence[Value]) -> Value:
    if len(arguments) != 1:
        raise ValueError("arraySum() takes one array here; write arraySum(arrayMap(...))")
    inner = arguments[0]
    text = f"arraySum(arrayMap({_ITEM} -> {_ITEM} + {ZERO}, {inner.text}))"
    return Value(text, "unknown", inner.summed(), inner.scale, wide=True, changed=True)


def _other(folded: str, spelled: str, arguments: Sequence[Value]) -> Value:
    arguments = _prepared(folded, arguments)
    if folded in _ROUNDS and len(arguments) > 1:
        # Next to the largest number of 64 bits, the next multiple of ten has more.
        arguments = [arguments[0].as_wide(), *arguments[1:]]
    if folded in _TOLERANT:
        text = f"{spelled}({_list(arguments)})"
    else:
        if any(argument.changed and argument.digits > _COLUMN for argument in arguments):
            raise ValueError(
                f"{spelled}() of a computed number may take more than {_COLUMN} digits; "
                f"write CAST(... AS Decimal(p, s)) around it"
            )
        text = f"{spelled}({', '.join(argument.narrow() for argument in arguments)})"
    if folded in _SAME:
        return combined(text, _results(folded, arguments))
    if folded.startswith(_MOVES) and arguments:
        return _moved(spelled, text, arguments)
    if folded in _INTEGERS:
        return Value(text, "integer", 20, 0)
    if folded in _TRUNCATES:
        unit = arguments[0].text.strip("'").lower()
        return Value(text, "instant", scale=SUBSECOND_DIGITS.get(unit, 0))
    if folded.startswith(_UNITS):
        return Value(text, "interval", scale=0)
    family = "date" if folded in _DATES else "unknown"
    return Value(text, family, changed=any(argument.changed for argument in arguments))


def _prepared(folded: str, arguments: Sequence[Value]) -> Sequence[Value]:
    """Arguments, with those rewritten that an engine would convert to another number."""
    if folded == "gcd":
        return [argument.spelled(argument.counted()) for argument in arguments]
    if folded.startswith(_UNITS) and arguments:
        unit = folded.removeprefix(_UNITS)
        return [arguments[0].spelled(amount(arguments[0].text, unit)), *arguments[1:]]
    if folded in _COMPARISONS and len(arguments) == _PAIR:
        return [arguments[0].comparable(arguments[1]), arguments[1]]
    families = {argument.family for argument in arguments}
    is_number = not any(argument.is_time or argument.family == "text" for argument in arguments)
    if folded in ("greatest", "least") and is_number and families != {"integer"}:
        return (
            [argument.as_wide() for argument in arguments] if "decimal" in families else arguments
        )
    if folded.startswith(_MOVES) and len(arguments) == _PAIR:
        unit = folded.removeprefix("add").removeprefix("subtract")
        return [arguments[0], arguments[1].spelled(amount(arguments[1].text, unit))]
    unit = arguments[0].text.strip("'").lower() if arguments else ""
    return [_towards_the_past(folded, unit, argument) for argument in arguments]


def _results(folded: str, arguments: Sequence[Value]) -> Sequence[Value]:
    """The arguments that a call may return."""
    if folded == "if":
        return arguments[1:]
    if folded == "multiif":
        return [*arguments[1:-1:2], arguments[-1]]
    return arguments[:1] if folded in _ROUNDS else arguments


def _towards_the_past(folded: str, unit: str, value: Value) -> Value:
    """An instant without the parts of its unit that an engine would cut towards 1970."""
    kept = SUBSECOND_DIGITS.get(unit, 0)
    cuts = folded in _TRUNCATES or (folded in _DIFFERS and kept)
    if not cuts or value.family != "instant":
        return value
    return value.spelled(floored(value.text, value.subsecond_digits, kept))


def _moved(spelled: str, text: str, arguments: Sequence[Value]) -> Value:
    """A time plus an interval; a short type must hold the sum."""
    family = arguments[0].family
    if family in ("instant", "date"):
        digits = arguments[0].subsecond_digits
        amounts = [argument.text for argument in arguments[1:]]
        wide = f"{spelled}({', '.join([arguments[0].widely(family), *amounts])})"
        return Value(
            within(text, f"{spelled}()", wide if wide != text else ""), family, scale=digits
        )
    if family != "short" or len(arguments) != _PAIR:
        return Value(text, family)
    wide = f"toDateTime64({arguments[0].text}, 3, 'UTC')"
    moved = f"{spelled}({wide}, {arguments[1].text})"
    return Value(f"addDays({text}, {check(moved, spelled + '()')})", "short")


def _list(arguments: Sequence[Value]) -> str:
    return ", ".join(argument.text for argument in arguments)
