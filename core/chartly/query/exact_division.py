"""Divisions with the digits that are declared, rounded half even."""

from decimal import Decimal

from chartly.query.exact_values import MOST, Value, literal


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
    # An engine divides also where a value is null, by whatever the column stores below it.
    known = f"ifNull({bottom.text}, toDecimal256(1, 0))"
    result = f"divideDecimal({top.text}, {known}, {scale})"
    rest = f"abs({top.text} - {result} * {bottom.text}) * 2"
    unit = f"toDecimal256('{Decimal(1).scaleb(-scale):f}', {scale})"
    half = f"abs({bottom.text}) * {unit}"
    up = f"({rest} > {half} OR ({rest} = {half} AND abs({result}) % (2 * {unit}) != 0))"
    sign = f"if(({top.text} < 0) = ({bottom.text} < 0), {unit}, -{unit})"
    return Value(
        f"if(isNull({bottom.text}), NULL, ({result} + if({up}, {sign}, 0 * {unit})))",
        "decimal",
        38,
        scale,
        wide=True,
        changed=True,
    )
