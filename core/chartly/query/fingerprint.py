"""The fingerprint of an output: equal for equal rows, whatever their order."""

_EXPRESSION = (
    "lower(hex(groupBitXor(sipHash64(*)))), count(), "
    "lower(hex(sum(cityHash64(toString(tuple(*))))))"
)


def fingerprint_query(view: str) -> str:
    """The query whose one row is the fingerprint of a view.

    XOR alone would cancel pairs of equal rows, so count and sum are part of it.
    """
    return f"SELECT {_EXPRESSION} FROM {view}"


def fingerprint_text(row: tuple[object, ...]) -> str:
    """The fingerprint as it is recorded and compared."""
    mixed, count, total = row
    return f"{mixed}-{count}-{total}"
