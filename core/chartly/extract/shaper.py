"""From the records of a page to canonical events and rejects, one column at a time."""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import compress
from typing import TypeAlias, cast

import pyarrow as pa
import pyarrow.compute as pc

from chartly.api import normalizer as api
from chartly.api.columns import TIMESTAMP, ColumnType
from chartly.api.event_schema import Column, EventSchema
from chartly.api.storage import StorageSpec
from chartly.extract import vectors
from chartly.extract.canonical import canonical_json, canonical_payload
from chartly.extract.jsonpath import Path, compile_path
from chartly.extract.mapping import check_mapping
from chartly.extract.reject import RECORD_LIMIT, BadValueError, Rejection, RejectReason
from chartly.extract.storable import arrow_type, strict
from chartly.extract.transforms import Convert, conversion, to_text

_CLIP = 80
KEY_LIMIT = 200

Values: TypeAlias = "list[object] | pa.Array"
"""A column on its way: values of Python, or an Arrow array that has its final type."""


@dataclass(frozen=True)
class ShapedPage:
    """What became of a page's records; read = rows + rejections + filtered.

    Attributes:
        rows: payload columns in stored types, ``event_key`` string, ``_index`` uint32 (the place
            in the page) and, with a version field, ``_version`` uint64 in milliseconds.
    """

    read: int
    filtered: int
    rows: pa.Table
    rejections: list[Rejection]


@dataclass
class _Page:
    """The state of one page: columns so far, and the first mistake of each record."""

    records: list[dict[str, object]]
    columns: dict[str, Values]
    bad: dict[int, tuple[str, BadValueError]] = field(default_factory=dict)

    def refuse(self, index: int, name: str, error: BadValueError) -> None:
        self.bad.setdefault(index, (name, error))


class Shaper:
    """A compiled normalizer profile for one dataset."""

    def __init__(self, normalizer: api.NormalizerSpec, schema: EventSchema) -> None:
        self.schema = schema
        self._normalizer = normalizer
        self._paths = {name: compile_path(path) for name, path in normalizer.mapping.items()}
        self._transforms = [(one, conversion(one)) for one in normalizer.transforms]
        self._untyped = _untyped(normalizer, schema)

    def shape(self, records: list[object]) -> ShapedPage:
        """Shapes the records of one page."""
        page, places, rejections = self._read(records)
        if page.bad:
            rejections += self._rejections(page, places)
            rejections.sort(key=lambda one: one.index)
        keep = [index not in page.bad for index in range(len(places))] if page.bad else None
        return ShapedPage(len(records), 0, self._table(page, places, keep), rejections)

    def events(self, records: list[object]) -> list[bytes]:
        """The canonical payloads of the records that become events."""
        page, _, _ = self._read(records)
        columns = {name: _listed(values) for name, values in page.columns.items()}
        return [
            canonical_payload(
                self.schema.event_type, {name: values[i] for name, values in columns.items()}
            )
            for i in range(len(page.records))
            if i not in page.bad
        ]

    def _read(self, records: list[object]) -> tuple[_Page, list[int], list[Rejection]]:
        objects = [record for record in records if type(record) is dict]
        places = list(range(len(records)))
        rejections: list[Rejection] = []
        if len(objects) < len(records):
            places = [i for i, record in enumerate(records) if type(record) is dict]
            rejections = [
                _not_object(i, one) for i, one in enumerate(records) if type(one) is not dict
            ]
        typed = cast("list[dict[str, object]]", objects)
        page = _Page(typed, {name: path.column(typed) for name, path in self._paths.items()})
        for transform, convert in self._transforms:
            _apply(page, transform, convert)
        for column in self.schema.columns:
            self._finish(page, column)
        self._require_identity(page)
        return page, places, rejections

    def _finish(self, page: _Page, column: Column) -> None:
        """The column in its declared type, and present where it is required."""
        values = page.columns[column.name]
        if column.name not in self._untyped:
            values = _typed(page, column, values)
            page.columns[column.name] = values
        if column.name == self.schema.version_field:
            _refuse_early(page, column, values)
        needed = column.required or column.name == self.schema.version_field
        if not needed or not _has_null(values):
            return
        reason, message = (
            (RejectReason.REQUIRED_FIELD_MISSING, "is required")
            if column.required
            else (RejectReason.VERSION_INVALID, "is the version and must not be null")
        )
        for index, value in enumerate(_listed(values)):
            if value is None:
                page.refuse(index, column.name, BadValueError(reason, message))

    def _require_identity(self, page: _Page) -> None:
        columns = [page.columns[name] for name in self.schema.identity]
        if not all(_has_null(values) for values in columns):
            return
        listed = [_listed(values) for values in columns]
        for index in range(len(page.records)):
            if all(values[index] is None for values in listed):
                error = BadValueError(RejectReason.IDENTITY_MISSING, "identifies the event")
                page.refuse(index, self.schema.identity[0], error)

    def _table(self, page: _Page, places: list[int], keep: list[bool] | None) -> pa.Table:
        mask = None if keep is None else pa.array(keep, pa.bool_())
        arrays = {
            column.name: self._array(column, _kept(page.columns[column.name], keep, mask))
            for column in self.schema.columns
        }
        arrays["event_key"] = self._keys(arrays)
        arrays["_index"] = pa.array(_kept(cast("list[object]", places), keep, mask), pa.uint32())
        if self.schema.version_field is not None:
            moments = arrays[self.schema.version_field].cast(pa.int64())
            arrays["_version"] = moments.cast(pa.uint64(), safe=False)
        return pa.table(arrays)

    def _array(self, column: Column, values: Values) -> pa.Array:
        if isinstance(values, pa.Array):
            return values
        if column.name in self._untyped:
            column_of_text = vectors.texts(values)
            if column_of_text is not None:
                return column_of_text
            values = [None if value is None else to_text(value) for value in values]
        return pa.array(values, arrow_type(column.type))

    def _keys(self, arrays: dict[str, pa.Array]) -> pa.Array:
        first = arrays[self.schema.identity[0]]
        if len(self.schema.identity) == 1 and vectors.are_short(first, KEY_LIMIT):
            return first
        columns = [_texts(arrays[name]) for name in self.schema.identity]
        keys = columns[0] if len(columns) == 1 else map(_joined, zip(*columns, strict=True))
        return pa.array([_short(str(key)) for key in keys], pa.string())

    def _rejections(self, page: _Page, places: list[int]) -> list[Rejection]:
        return [
            Rejection(
                index=places[index],
                reason=error.reason,
                field=name,
                path=self._path(name),
                message=_message(name, self._paths.get(name), page.records[index], error),
                record=canonical_json(page.records[index])[:RECORD_LIMIT],
            )
            for index, (name, error) in sorted(page.bad.items())
        ]

    def _path(self, name: str) -> str:
        return self._paths[name].text if name in self._paths else ""


def compile_shaper(normalizer: api.NormalizerSpec, storage: StorageSpec) -> Shaper:
    """The shaper of a normalizer profile whose events go to a storage profile's dataset.

    Raises:
        SpecError: a path, zone or format is malformed, or the profiles do not fit each other.
    """
    return Shaper(normalizer, check_mapping(normalizer, storage))


def _untyped(normalizer: api.NormalizerSpec, schema: EventSchema) -> frozenset[str]:
    """Fields of type String that nothing made text: their payload keeps the JSON scalar."""
    made = {one.field for one in normalizer.transforms if one.op in _MAKE_TEXT}
    return frozenset(
        column.name
        for column in schema.columns
        if column.type.name == "String" and column.name not in made
    )


_MAKE_TEXT = ("toString", "lower", "upper", "trim", "hash")


def _apply(page: _Page, transform: api.Transform, convert: Convert) -> None:
    columns = page.columns
    if transform.op == "drop":
        del columns[transform.field]
    elif transform.op == "rename":
        columns[transform.to] = columns.pop(transform.field)
    else:
        values = columns.get(transform.field)
        given = [None] * len(page.records) if values is None else values
        array = _vector(transform, given)
        if array is None:
            array = _converted(
                page, transform.field, _listed(given), _forgiving(transform, convert)
            )
        columns[transform.field] = array


def _vector(transform: api.Transform, values: Values) -> pa.Array | None:
    if isinstance(values, pa.Array):
        return None
    if isinstance(transform, api.ToNumber):
        return vectors.decimals(values, 38, 9)
    if isinstance(transform, api.ToDecimal):
        return vectors.decimals(values, transform.precision, transform.scale)
    if isinstance(transform, api.ToUtcTimestamp) and not transform.formats:
        return vectors.instants(values)
    return None


def _forgiving(transform: api.Transform, convert: Convert) -> Convert:
    if transform.on_error == "reject":
        return convert
    instead = transform.default if transform.on_error == "default" else None

    def forgiving(value: object) -> object:
        try:
            return convert(value)
        except BadValueError:
            return instead

    return forgiving


def _converted(
    page: _Page, name: str, values: Iterable[object], convert: Callable[[object], object]
) -> list[object]:
    result: list[object] = []
    for index, value in enumerate(values):
        try:
            result.append(convert(value))
        except BadValueError as error:
            page.refuse(index, name, error)
            result.append(None)
    return result


def _refuse_early(page: _Page, column: Column, versions: Values) -> None:
    """Versions are stored without a sign: one before 1970 would be the highest of all."""
    moments = pa.array(versions, arrow_type(column.type))
    early = pc.indices_nonzero(pc.less(moments.cast(pa.int64()), 0))
    error = BadValueError(RejectReason.VERSION_INVALID, "is the version and lies before 1970")
    for index in early.to_pylist():
        page.refuse(index, column.name, error)


def _typed(page: _Page, column: Column, values: Values) -> Values:
    if isinstance(values, pa.Array):
        if values.type == arrow_type(column.type):
            return values
        values = _listed(values)
    array = _typed_vector(column.type, values)
    if array is not None:
        return array
    check = strict(column.type)
    return _converted(
        page, column.name, values, lambda value: None if value is None else check(value)
    )


def _typed_vector(kind: ColumnType, values: list[object]) -> pa.Array | None:
    if kind.name == "Decimal":
        return vectors.decimals(values, kind.precision, kind.scale)
    return vectors.instants(values) if kind == TIMESTAMP else None


def _listed(values: Values) -> list[object]:
    return list(values.to_pylist()) if isinstance(values, pa.Array) else values


def _has_null(values: Values) -> bool:
    return bool(values.null_count) if isinstance(values, pa.Array) else None in values


def _kept(values: Values, keep: list[bool] | None, mask: pa.Array | None) -> Values:
    if keep is None:
        return values
    return values.filter(mask) if isinstance(values, pa.Array) else list(compress(values, keep))


def _texts(array: pa.Array) -> list[object]:
    if pa.types.is_string(array.type):
        return list(array.to_pylist())
    return [None if value is None else to_text(value) for value in array.to_pylist()]


def _joined(row: tuple[object, ...]) -> str:
    return canonical_json(row).decode("utf-8", "surrogatepass")


def _short(key: str) -> str:
    raw = key.encode("utf-8", "surrogatepass")
    return key if len(raw) <= KEY_LIMIT else "sha256:" + hashlib.sha256(raw).hexdigest()


def _message(name: str, path: Path | None, record: dict[str, object], error: BadValueError) -> str:
    if path is None or error.reason is RejectReason.REQUIRED_FIELD_MISSING:
        return f"{name}: {error.message}"
    shown = canonical_json(path.get(record)).decode("utf-8", "replace")
    shown = shown if len(shown) <= _CLIP else f"{shown[:_CLIP]}..."
    return f"{name}: {shown} {error.message}"


def _not_object(index: int, record: object) -> Rejection:
    return Rejection(
        index=index,
        reason=RejectReason.RECORD_NOT_OBJECT,
        field="",
        path="$",
        message="a record must be a JSON object",
        record=canonical_json(record)[:RECORD_LIMIT],
    )
