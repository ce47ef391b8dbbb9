"""The rows of a query with every value as the engine itself spells it.

Numbers keep all their digits, instants are RFC 3339 in UTC, and nothing goes through a type of
Python's that holds less than the engine's.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from chartly.errors import SpecError
from chartly.load.sql import bare
from chartly_cli.printable import without_stray_bytes
from chartly_store.port import Settings

FORMAT = "JSONCompactEachRowWithNamesAndTypes"
SETTINGS: Settings = {
    "date_time_output_format": "iso",
    "output_format_decimal_trailing_zeros": 0,
    "output_format_json_escape_forward_slashes": 0,
    "output_format_json_map_as_array_of_tuples": 0,
    "output_format_json_named_tuples_as_objects": 1,
    "output_format_json_quote_64bit_floats": 0,
    "output_format_json_quote_64bit_integers": 0,
    "output_format_json_quote_decimals": 1,
    "output_format_json_quote_denormals": 1,
    "output_format_json_validate_utf8": 0,
}
"""NaN and infinities become the texts ``nan``, ``inf`` and ``-inf``: JSON has no such numbers."""


@dataclass(frozen=True)
class QueryResult:
    """The rows of a query, in the order of its columns."""

    names: list[str]
    rows: list[list[object]]

    def document(self) -> list[dict[str, object]]:
        """One object for each row.

        Raises:
            SpecError: two columns have one name, and an object could hold one of them.
        """
        twice = next((name for name in self.names if self.names.count(name) > 1), None)
        if twice is not None:
            raise SpecError(f"query: two columns are named {twice!r}; give one another name")
        return [dict(zip(self.names, row, strict=True)) for row in self.rows]

    def cells(self) -> list[list[object]]:
        """The rows as a person reads them: null is told from the empty text."""
        return [[_cell(value) for value in row] for row in self.rows]


def parse_result(answer: bytes) -> QueryResult:
    """What the engine answered in ``FORMAT``."""
    lines = [_read(line) for line in answer.splitlines()]
    names, types, *rows = lines
    adapters = [_adapter(str(kind)) for kind in types]
    return QueryResult([str(name) for name in names], [_row(row, adapters) for row in rows])


def _adapter(kind: str) -> Callable[[object], object]:
    """What turns the values of a type into those that are shown."""
    if bare(kind).startswith("DateTime64("):
        return _instant
    return _float if "Float" in kind and "String" not in kind else _value


def _read(line: bytes) -> list[object]:
    # The lines hold no other line end than their own: in strings it is an escape.
    found: list[object] = json.loads(
        line.decode("utf-8", "surrogateescape"), object_pairs_hook=_object
    )
    return found


def _object(pairs: list[tuple[str, object]]) -> object:
    """A map as an object; one that holds a key twice, as the list of its pairs."""
    found = dict(pairs)
    return found if len(found) == len(pairs) else [list(pair) for pair in pairs]


def _row(row: list[object], adapters: Sequence[Callable[[object], object]]) -> list[object]:
    return [adapted(value) for value, adapted in zip(row, adapters, strict=True)]


def _float(value: object) -> object:
    """Without the sign of a NaN, which is a matter of the processor and says nothing."""
    if isinstance(value, list):
        return [_float(item) for item in value]
    return "nan" if value == "-nan" else _value(value)


def _instant(value: object) -> object:
    """Without the zeros that say nothing, as canonical events have it."""
    if value is None:
        return None
    whole, point, fraction = str(value).removesuffix("Z").partition(".")
    digits = fraction.rstrip("0")
    return f"{whole}{point if digits else ''}{digits}Z"


def _value(value: object) -> object:
    if isinstance(value, str):
        return without_stray_bytes(value)
    if isinstance(value, list):
        return [_value(item) for item in value]
    if isinstance(value, dict):
        return {without_stray_bytes(str(key)): _value(item) for key, item in value.items()}
    return value


def _cell(value: object) -> object:
    if value is None:
        return "NULL"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, bool | list | dict) else value
