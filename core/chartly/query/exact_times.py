"""Times in a query: what an engine would cut to the nearest that its type holds, fails."""

_BEFORE, _BEHIND = "toDate32('1970-01-01')", "toDate32('2106-02-07')"
_FIRST, _LAST = "toDate32('1900-01-01')", "toDate32('2299-12-31')"
_NANOSECONDS_END = "toDate32('2262-01-01')"
_MOST_OF = {
    "year": 400,
    "quarter": 1_600,
    "month": 4_800,
    "week": 20_900,
    "day": 146_100,
    "hour": 3_506_400,
    "minute": 210_400_000,
}
_MOST_SECONDS = 12_630_000_000


def amount(text: str, unit: str) -> str:
    """A number of units within the supported years; an engine would cut a larger one.

    Raises:
        ValueError: a literal is beyond them.
    """
    most = _MOST_OF.get(unit.lower().removesuffix("s"), _MOST_SECONDS)
    message = f"no time is moved by more than 400 years, {most} of its units"
    if text.lstrip("-").isdigit():
        if abs(int(text)) > most:
            raise ValueError(message)
        return text
    beyond = f"{text} > {most} OR {text} < -{most}"
    return f"(accurateCast({text}, 'Nullable(Int64)') + throwIf({beyond}, '{message}'))"


def guarded(text: str, family: str, name: str) -> str:
    """SQL of a time, which fails outside 1970 to 2106."""
    if family == "short":
        return text
    if family == "text":
        outside = check(f"toDate32(substring({text}, 1, 10))", name)
        return f"concat({text}, substring('', toUInt8({outside}) + 1))"
    return f"addDays({text}, {check(text, name)})"


def check(text: str, name: str) -> str:
    """SQL that is zero, and fails where a time is outside 1970 to 2106."""
    message = f"{name} holds times of 1970 to 2106 only; toDate32() and date_trunc() hold others"
    return f"throwIf({text} < {_BEFORE} OR {text} >= {_BEHIND}, '{message}')"


def within(text: str, name: str, wide: str = "") -> str:
    """SQL of a time, which fails outside 1900 to 2299.

    Args:
        wide: the same in a type of more years, if the time's own type ends in 2262: beyond that
            an engine silently returns another time.
    """
    moved = f"({wide or text})"
    last, year = (_NANOSECONDS_END, 2261) if wide else (_LAST, 2299)
    message = f"{name} gives times of 1900 to {year} only"
    return f"addDays(({text}), throwIf({moved} < {_FIRST} OR {moved} >= {last}, '{message}'))"
