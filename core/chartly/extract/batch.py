"""The state of some pages on their way: columns so far, and the first mistake of each row."""

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
        bad: for each row that may not become an event, the field and what is wrong with it.
        truncated: for each field the rows whose time was cut to its unit.
    """

    size: int
    columns: dict[str, Values]
    bad: dict[int, tuple[str, BadValueError]] = field(default_factory=dict)
    truncated: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))

    def refuse(self, rows: Iterable[int], name: str, error: BadValueError) -> None:
        """Keeps these rows from becoming events; what was wrong with one before stays said."""
        for row in rows:
            self.bad.setdefault(row, (name, error))

    def truncated_times(self) -> dict[str, int]:
        """For each field in how many rows that become events its time was cut."""
        counts = {name: len(rows - self.bad.keys()) for name, rows in self.truncated.items()}
        return {name: count for name, count in counts.items() if count}

    def converted(
        self, name: str, values: Values, attempt: Attempt | None, convert: Convert
    ) -> Values:
        """The values after ``convert``; those that it refuses become null.

        Args:
            attempt: takes the rows that need no call of their own.
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
        """One call for equal values."""
        encoded = values.dictionary_encode(null_encoding="encode")
        answers = _answers(dict(enumerate(listed(encoded.dictionary))), convert)
        if answers.are_marked:
            self._mark(name, enumerate(encoded.indices.to_pylist()), answers)
        results = packed(list(answers.results.values()))
        if isinstance(results, pa.Array):
            return results.take(encoded.indices)
        return [results[place] for place in encoded.indices.to_pylist()]

    def _each(
        self, name: str, rows: Sequence[int], values: list[object], convert: Convert
    ) -> list[object]:
        """The same for values of Python, where equality is enough to tell them apart."""
        keys: Sequence[object] = values if _are_alike(values) else range(len(values))
        answers = _answers(dict(zip(keys, values, strict=True)), convert)
        if answers.are_marked:
            self._mark(name, zip(rows, keys, strict=True), answers)
        return [answers.results[key] for key in keys]

    def _mark(self, name: str, keys: Iterable[tuple[int, object]], answers: "_Answers") -> None:
        for row, key in keys:
            if key in answers.refused:
                self.refuse((row,), name, answers.refused[key])
            elif key in answers.truncated:
                self.truncated[name].add(row)


def batch_of(pages: Sequence[Page], names: Iterable[str]) -> RecordBatch:
    """The objects of ``pages``, with their columns of the fields ``names``."""
    columns = {name: joined([page.columns[name] for page in pages]) for name in names}
    return RecordBatch(sum(len(page.places) for page in pages), columns)


@dataclass(frozen=True)
class _Answers:
    """What becomes of each value, by its key; what is refused becomes None."""

    results: dict[object, object]
    refused: dict[object, BadValueError]
    truncated: set[object]

    @property
    def are_marked(self) -> bool:
        return bool(self.refused or self.truncated)


def _answers(values: dict[object, object], convert: Convert) -> _Answers:
    answers = _Answers({}, {}, set())
    for key, value in values.items():
        try:
            answer = convert(value)
        except BadValueError as error:
            answer, answers.refused[key] = None, error
        if isinstance(answer, Truncated):
            answers.truncated.add(key)
            answer = answer.moment
        answers.results[key] = answer
    return answers


def _are_alike(values: list[object]) -> bool:
    """Whether all are of one type: 1 and true are equal, and so are a number and its text."""
    kinds = {*map(type, values)} - {type(None)}
    return len(kinds) <= 1 and kinds.issubset(_HASHABLE)
