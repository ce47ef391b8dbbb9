"""A batch's columns in their stored types, and the rows that cannot be stored."""

from collections.abc import Container

import pyarrow as pa
import pyarrow.compute as pc

from chartly.api.event_schema import Column, EventSchema
from chartly.extract import vectors
from chartly.extract.batch import RecordBatch
from chartly.extract.reject import BadValueError, RejectReason
from chartly.extract.storable import arrow_type, strict, strict_column
from chartly.extract.transforms import to_text
from chartly.extract.values import array_of

_REQUIRED = BadValueError(RejectReason.REQUIRED_FIELD_MISSING, "is required")
_TOO_EARLY = BadValueError(RejectReason.VERSION_INVALID, "is the version and lies before 1970")
_NO_VERSION = BadValueError(RejectReason.VERSION_INVALID, "is the version and must not be null")
_EMPTY = BadValueError(RejectReason.FIELD_EMPTY, "must not be empty unless allowEmpty names it")
_NO_IDENTITY = BadValueError(RejectReason.IDENTITY_MISSING, "identifies the event")


def stored_columns(
    batch: RecordBatch, schema: EventSchema, untyped: Container[str]
) -> dict[str, pa.Array]:
    """The payload in its stored types; rows that cannot become events are refused in the batch.

    Args:
        untyped: fields that are stored as text and keep the JSON scalar in the batch.
    """
    arrays = {}
    for column in schema.columns:
        array = _text_of_scalars(batch, column) if column.name in untyped else _typed(batch, column)
        _refuse_missing(batch, column, array, is_version=column.name == schema.version_field)
        if column.name in schema.filled and pa.types.is_string(array.type):
            batch.refuse(_rows(pc.equal(array, "")), column.name, _EMPTY)
        arrays[column.name] = array
    _require_identity(batch, [arrays[name] for name in schema.identity], schema.identity[0])
    return arrays


def _typed(batch: RecordBatch, column: Column) -> pa.Array:
    values = batch.columns[column.name]
    stored = arrow_type(column.type)
    if not isinstance(values, pa.Array) or values.type != stored:
        check = strict(column.type)
        values = batch.converted(
            column.name,
            values,
            strict_column(column.type),
            lambda value: None if value is None else check(value),
        )
    array = values.cast(stored) if isinstance(values, pa.Array) else array_of(values, stored)
    batch.columns[column.name] = array
    return array


def _text_of_scalars(batch: RecordBatch, column: Column) -> pa.Array:
    values = batch.columns[column.name]
    texts = batch.converted(
        column.name,
        values,
        vectors.spelled,
        lambda value: None if value is None else to_text(value),
    )
    return texts if isinstance(texts, pa.Array) else pa.array(texts, pa.string())


def _refuse_missing(
    batch: RecordBatch, column: Column, array: pa.Array, *, is_version: bool
) -> None:
    """Refuses missing values, and versions before 1970, which would be the highest of all."""
    if is_version:
        batch.refuse(_rows(pc.less(array.cast(pa.int64()), 0)), column.name, _TOO_EARLY)
    if array.null_count and (column.required or is_version):
        error = _REQUIRED if column.required else _NO_VERSION
        batch.refuse(_rows(pc.is_null(array)), column.name, error)


def _require_identity(batch: RecordBatch, identity: list[pa.Array], name: str) -> None:
    if all(array.null_count for array in identity):
        missing = pc.is_null(identity[0])
        for array in identity[1:]:
            missing = pc.and_(missing, pc.is_null(array))
        batch.refuse(_rows(missing), name, _NO_IDENTITY)


def _rows(mask: pa.Array) -> list[int]:
    return list(pc.indices_nonzero(mask).to_pylist())
