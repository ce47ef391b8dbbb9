"""A normalizer's transforms as steps on whole columns."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from chartly.api import normalizer as api
from chartly.api.event_schema import Column
from chartly.extract import vectors
from chartly.extract.batch import RecordBatch
from chartly.extract.decimals import to_decimal
from chartly.extract.precision import instant_digits
from chartly.extract.reject import BadValueError
from chartly.extract.transforms import Convert, conversion
from chartly.extract.values import Vector, completed
from chartly.extract.vectors import Attempt

Step: TypeAlias = Callable[[RecordBatch], None]


def compile_steps(transforms: Sequence[api.Transform], columns: Iterable[Column]) -> list[Step]:
    """What the transforms do to a batch, in their order.

    Args:
        columns: those that the fields are stored in.
    """
    digits = instant_digits(transforms, columns)
    return [
        _step(
            one,
            digits[place],
            is_last=one.field not in {later.field for later in transforms[place + 1 :]},
        )
        for place, one in enumerate(transforms)
    ]


def _step(transform: api.Transform, digits: int, *, is_last: bool) -> Step:
    name, convert = transform.field, conversion(transform, digits)
    match transform:
        case api.Drop():
            return partial(_drop, name=name)
        case api.Rename():
            return partial(_rename, name=name, to=transform.to)
        case api.Const():
            return partial(_fill, name=name, value=convert(None))
        case api.Default():
            return partial(_default, name=name, value=convert(None), is_last=is_last)
        case _:
            return _conversion(transform, convert, digits, is_last=is_last)


def _drop(batch: RecordBatch, name: str) -> None:
    del batch.columns[name]


def _rename(batch: RecordBatch, name: str, to: str) -> None:
    batch.columns[to] = batch.columns.pop(name)


def _fill(batch: RecordBatch, name: str, value: object) -> None:
    batch.columns[name] = [value] * batch.size


def _default(batch: RecordBatch, name: str, value: object, *, is_last: bool) -> None:
    values = batch.columns[name]
    if not isinstance(values, pa.Array):
        batch.columns[name] = [value if one is None else one for one in values]
        return
    if is_last and pa.types.is_decimal(values.type):
        value = _decimal(value, values.type.precision, values.type.scale)
    absent = pc.indices_nonzero(pc.is_null(values)).to_pylist()
    batch.columns[name] = completed(Vector(values, absent), [value] * len(absent))


def _convert(batch: RecordBatch, name: str, attempt: Attempt | None, convert: Convert) -> None:
    batch.columns[name] = batch.converted(name, batch.columns[name], attempt, convert)


def _conversion(transform: api.Transform, convert: Convert, digits: int, *, is_last: bool) -> Step:
    attempt = _ATTEMPTS.get(transform.op)
    instead: object = transform.default if transform.on_error == "default" else None
    if isinstance(transform, api.ToNumber | api.ToDecimal):
        precision, scale = api.DEFAULT_PRECISION, api.DEFAULT_SCALE
        if isinstance(transform, api.ToDecimal):
            precision, scale = transform.precision, transform.scale
        attempt = partial(vectors.decimals, precision=precision, scale=scale)
        instead = _decimal(instead, precision, scale) if is_last else instead
    elif isinstance(transform, api.ToUtcTimestamp) and not transform.formats:
        attempt = partial(vectors.instants, digits=digits)
    if transform.on_error != "reject":
        convert = _forgiving(convert, instead)
    return partial(_convert, name=transform.field, attempt=attempt, convert=convert)


def _decimal(value: object, precision: int, scale: int) -> object:
    """A default as the column holds it in the end, so that the column can stay one of decimals.

    Only right where no later transform looks at it.
    """
    try:
        return to_decimal(value, precision, scale)
    except BadValueError:
        return value


def _forgiving(convert: Convert, instead: object) -> Convert:
    def forgiving(value: object) -> object:
        try:
            return convert(value)
        except BadValueError:
            return instead

    return forgiving


_ATTEMPTS: dict[str, Attempt] = {
    "toInt": vectors.integers,
    "toString": vectors.spelled,
    "toBool": vectors.booleans,
    "lower": partial(vectors.changed, change=pc.ascii_lower),
    "upper": partial(vectors.changed, change=pc.ascii_upper),
    "trim": partial(vectors.changed, change=vectors.trimmed),
}
"""What takes whole columns; without it each distinct value is looked at."""
