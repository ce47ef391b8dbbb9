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
    """The steps of the transforms, in their order.

    Args:
        columns: those that the fields are stored in.
    """
    digits = instant_digits(transforms, columns)
    return [
        _transform_step(
            transform,
            digits[position],
            is_last=transform.field not in {later.field for later in transforms[position + 1 :]},
        )
        for position, transform in enumerate(transforms)
    ]


def _transform_step(transform: api.Transform, digits: int, *, is_last: bool) -> Step:
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
        batch.columns[name] = [value if original is None else original for original in values]
        return
    if is_last and pa.types.is_decimal(values.type):
        value = _decimal(value, values.type.precision, values.type.scale)
    absent = pc.indices_nonzero(pc.is_null(values)).to_pylist()
    batch.columns[name] = completed(Vector(values, absent), [value] * len(absent))


def _convert(batch: RecordBatch, name: str, attempt: Attempt | None, convert: Convert) -> None:
    batch.columns[name] = batch.converted(name, batch.columns[name], attempt, convert)


def _conversion(transform: api.Transform, convert: Convert, digits: int, *, is_last: bool) -> Step:
    attempt = _ATTEMPTS.get(transform.op)
    fallback: object = transform.default if transform.on_error == "default" else None
    if isinstance(transform, api.ToNumber | api.ToDecimal):
        precision, scale = api.DEFAULT_PRECISION, api.DEFAULT_SCALE
        if isinstance(transform, api.ToDecimal):
            precision, scale = transform.precision, transform.scale
        attempt = partial(vectors.decimals, precision=precision, scale=scale)
        fallback = _decimal(fallback, precision, scale) if is_last else fallback
    elif isinstance(transform, api.ToUtcTimestamp) and not transform.formats:
        attempt = partial(vectors.instants, digits=digits)
    if transform.on_error != "reject":
        convert = _with_fallback(convert, fallback)
    return partial(_convert, name=transform.field, attempt=attempt, convert=convert)


def _decimal(value: object, precision: int, scale: int) -> object:
    """A default in the type of its column, so that the column can stay one of decimals.

    Valid only if no later transform reads it.
    """
    try:
        return to_decimal(value, precision, scale)
    except BadValueError:
        return value


def _with_fallback(convert: Convert, fallback: object) -> Convert:
    def converted(value: object) -> object:
        try:
            return convert(value)
        except BadValueError:
            return fallback

    return converted


_ATTEMPTS: dict[str, Attempt] = {
    "toInt": vectors.integers,
    "toString": vectors.spelled,
    "toBool": vectors.booleans,
    "lower": partial(vectors.changed, change=pc.ascii_lower),
    "upper": partial(vectors.changed, change=pc.ascii_upper),
    "trim": partial(vectors.changed, change=vectors.trimmed),
}
"""Functions of whole columns; without one, each distinct value is converted."""
