"""The state of some pages between transforms: their columns, and the first mistake of each row."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

import pyarrow as pa

from chartly.extract.instants import Truncated
from chartly.extract.moments import NanoInstant
from chartly.extract.pages import Page
from chartly.extract.records import Number
from chartly.extract.reject import BadValueError
from chartly.extract.transforms import Convert
from chartly.extract.values import Values, completed, joined, listed, packed, taken
from chartly.extract.vectors import Attempt

_HASHABLE = (str, Number, int, bool, Decimal, datetime, date, NanoInstant)


@dataclass
class RecordBatch:
    """The objects of some pages, page after page.

    Attributes:
        bad: for each row that cannot become an event, the field and the mistake in it.
        truncated: the rows whose time was cut to its unit, by field.
    """

    size: int
    columns: dict[str, Values]
    bad: dict[int, tuple[str, BadValueError]] = field(default_factory=dict)
    truncated: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))

    def refuse(self, rows: Iterable[int], name: str, error: BadValueError) -> None:
        """Refuses rows; a row that was refused before keeps its first mistake."""
        for row in rows:
            self.bad.setdefault(row, (name, error))

    def truncated_times(self) -> dict[str, int]:
        """The number of rows that become events and whose time was cut, by field."""
        counts = {name: len(rows - self.bad.keys()) for name, rows in self.truncated.items()}
        return {name: count for name, count in counts.items() if count}

    def converted(
        self, name: str, values: Values, attempt: Attempt | None, convert: Convert
    ) -> Values:
        """The values after ``convert``; refused ones become null.

        Args:
            attempt: converts the rows that need no call of their own.
        """
        vector = None if attempt is None else attempt(values)
        if vector is not None:
            if not vector.odd:
                return vector.array
            others = taken(values, vector.odd)
            return completed(vector, self._each(name, vector.odd, others, convert))
        if isinstance(values, pa.Array):
            return self._distinct(name, values, convert)
        return self._each(name, range(self.size), values, convert)

    def _distinct(self, name: str, values: pa.Array, convert: Convert) -> Values:
        """The values of an array after ``convert``, which is called once for equal values."""
        encoded = values.dictionary_encode(null_encoding="encode")
        conversions = _conversions(dict(enumerate(listed(encoded.dictionary))), convert)
        if conversions.are_marked:
            self._mark(name, enumerate(encoded.indices.to_pylist()), conversions)
        results = packed(list(conversions.results.values()))
        if isinstance(results, pa.Array):
            return results.take(encoded.indices)
        return [results[place] for place in encoded.indices.to_pylist()]

    def _each(
        self, name: str, rows: Sequence[int], values: list[object], convert: Convert
    ) -> list[object]:
        """The same for Python values; those of different types may be equal."""
        keys: Sequence[object] = values if _are_alike(values) else range(len(values))
        conversions = _conversions(dict(zip(keys, values, strict=True)), convert)
        if conversions.are_marked:
            self._mark(name, zip(rows, keys, strict=True), conversions)
        return [conversions.results[key] for key in keys]

    def _mark(
        self, name: str, keys: Iterable[tuple[int, object]], conversions: "_Conversions"
    ) -> None:
        for row, key in keys:
            if key in conversions.refused:
                self.refuse((row,), name, conversions.refused[key])
            elif key in conversions.truncated:
                self.truncated[name].add(row)


def batch_of(pages: Sequence[Page], names: Iterable[str]) -> RecordBatch:
    """The objects of ``pages``, with their columns of the fields ``names``."""
    columns = {name: joined([page.columns[name] for page in pages]) for name in names}
    return RecordBatch(sum(len(page.places) for page in pages), columns)


@dataclass(frozen=True)
class _Conversions:
    """The results of some values by their keys; a refused one is None."""

    results: dict[object, object]
    refused: dict[object, BadValueError]
    truncated: set[object]

    @property
    def are_marked(self) -> bool:
        return bool(self.refused or self.truncated)


def _conversions(values: dict[object, object], convert: Convert) -> _Conversions:
    conversions = _Conversions({}, {}, set())
    for key, value in values.items():
        try:
            result = convert(value)
        except BadValueError as error:
            result, conversions.refused[key] = None, error
        if isinstance(result, Truncated):
            conversions.truncated.add(key)
            result = result.moment
        conversions.results[key] = result
    return conversions


def _are_alike(values: list[object]) -> bool:
    """Whether values are of a single type: 1 equals true, and a number its text."""
    kinds = {*map(type, values)} - {type(None)}
    return len(kinds) <= 1 and kinds.issubset(_HASHABLE)
