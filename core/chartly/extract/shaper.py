"""From pages to canonical events and rejections, one column of many pages at a time."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
import pyarrow as pa

from chartly.api.event_schema import EventSchema
from chartly.api.normalizer import NormalizerSpec
from chartly.api.storage import StorageSpec
from chartly.extract.batch import RecordBatch, batch_of
from chartly.extract.canonical import canonical_payload
from chartly.extract.jsonpath import compile_path
from chartly.extract.keys import event_keys
from chartly.extract.mapping import check_mapping
from chartly.extract.pages import Page
from chartly.extract.precision import instant_units
from chartly.extract.reject import Rejection
from chartly.extract.rejections import Mistake, rejections_of
from chartly.extract.steps import compile_steps
from chartly.extract.stored import stored_columns
from chartly.extract.values import listed

_MICROSECONDS = pa.timestamp("us", tz="UTC")


@dataclass(frozen=True)
class ShapedBatch:
    """The result of some pages' records; read = rows + rejections + filtered, page by page.

    Attributes:
        read: the number of records of each page.
        rows: in the order of pages and records: payload columns in stored types, ``event_key``
            string, ``_page`` uint32 (the position among the pages), ``_index`` uint32 (the position
            in the page) and, with a version field, ``_version`` uint64 in microseconds.
        keys: the ``event_key`` of each row.
        truncated: the number of rows whose time was cut to its unit, by field.
    """

    read: tuple[int, ...]
    filtered: tuple[int, ...]
    rows: pa.Table
    keys: list[str]
    rejections: list[Rejection]
    truncated: dict[str, int]


class Shaper:
    """A compiled normalizer profile for one dataset."""

    def __init__(self, normalizer: NormalizerSpec, schema: EventSchema) -> None:
        self.schema = schema
        self._paths = {name: compile_path(path) for name, path in normalizer.mapping.items()}
        self._steps = compile_steps(normalizer.transforms, schema.columns)
        self.instant_units = instant_units(normalizer.transforms, schema.columns)
        self._untyped = _untyped(normalizer, schema)

    def shape(self, pages: Sequence[Page]) -> ShapedBatch:
        """Shapes the records of some pages together."""
        batch, columns = self._shaped(pages)
        columns |= _origins(pages)
        if batch.bad:
            good = np.ones(batch.size, dtype=bool)
            good[list(batch.bad)] = False
            columns = {name: column.filter(pa.array(good)) for name, column in columns.items()}
        keys = event_keys([columns[name] for name in self.schema.identity])
        return ShapedBatch(
            read=tuple(page.count for page in pages),
            filtered=(0,) * len(pages),
            rows=self._table(columns, keys),
            keys=keys.to_pylist(),
            rejections=self._rejections(pages, batch),
            truncated=batch.truncated_times(),
        )

    def events(self, page: Page) -> list[bytes]:
        """The canonical payloads of the records that become events."""
        batch, _ = self._shaped([page])
        columns = {name: listed(values) for name, values in batch.columns.items()}
        return [
            canonical_payload(
                self.schema.event_type, {name: values[row] for name, values in columns.items()}
            )
            for row in range(batch.size)
            if row not in batch.bad
        ]

    def _shaped(self, pages: Sequence[Page]) -> tuple[RecordBatch, dict[str, pa.Array]]:
        batch = batch_of(pages, self._paths)
        for step in self._steps:
            step(batch)
        return batch, stored_columns(batch, self.schema, self._untyped)

    def _table(self, columns: dict[str, pa.Array], keys: pa.Array) -> pa.Table:
        arrays = {column.name: columns[column.name] for column in self.schema.columns}
        arrays |= {"event_key": keys, "_page": columns["_page"], "_index": columns["_index"]}
        if self.schema.version_field is not None:
            arrays["_version"] = _versions(columns[self.schema.version_field])
        return pa.table(arrays)

    def _rejections(self, pages: Sequence[Page], batch: RecordBatch) -> list[Rejection]:
        ends = list(accumulate(len(page.places) for page in pages))
        bad: dict[int, dict[int, Mistake]] = defaultdict(dict)
        for row, mistake in batch.bad.items():
            number = bisect_right(ends, row)
            first = ends[number] - len(pages[number].places)
            bad[number][pages[number].places[row - first]] = mistake
        return [
            rejection
            for number, page in enumerate(pages)
            for rejection in rejections_of(number, page, bad[number], self._paths)
        ]


def compile_shaper(normalizer: NormalizerSpec, storage: StorageSpec) -> Shaper:
    """The shaper of a normalizer profile whose events go to a storage profile's dataset.

    Raises:
        SpecError: a path, zone or format is malformed, or the profiles do not fit each other.
    """
    return Shaper(normalizer, check_mapping(normalizer, storage))


def _untyped(normalizer: NormalizerSpec, schema: EventSchema) -> frozenset[str]:
    """Fields of type String that no transform made text: their payload keeps the JSON scalar."""
    made = {transform.field for transform in normalizer.transforms if transform.op in _MAKE_TEXT}
    return frozenset(
        column.name
        for column in schema.columns
        if column.type.name == "String" and column.name not in made
    )


def _versions(moments: pa.Array) -> pa.Array:
    """Instants of 1970 or later in microseconds; finer digits are cut off."""
    return moments.cast(_MICROSECONDS, safe=False).cast(pa.int64()).cast(pa.uint64())


_MAKE_TEXT = ("toString", "lower", "upper", "trim", "hash")


def _origins(pages: Sequence[Page]) -> dict[str, pa.Array]:
    """For each row the position of its page among ``pages``, and its position in the page."""
    sizes = [len(page.places) for page in pages]
    numbers = np.repeat(np.arange(len(pages), dtype=np.uint32), sizes)
    places = [
        np.arange(page.count, dtype=np.uint32)
        if len(page.places) == page.count
        else np.array(page.places, dtype=np.uint32)
        for page in pages
    ]
    return {
        "_page": pa.array(numbers),
        "_index": pa.array(np.concatenate([np.zeros(0, dtype=np.uint32), *places])),
    }
