"""Parses the rows of a query, with every value as the engine formats it.

Numbers keep all their digits, instants are RFC 3339 in UTC, and no value passes through a Python
type that holds less than the engine's.
"""

import json
import re
from collections.abc import Callable, Sequence

from chartly.load.sql import bare
from chartly_service.query import QueryResult

_STRAY = re.compile("[\udc80-\udcff]")
_STRAY_BASE = 0xDC00
"""The first of the code points in which Python keeps a byte that is not UTF-8."""


def parse_result(answer: bytes) -> QueryResult:
    """Parses an engine's response in the format of ``chartly.load.query_output``."""
    lines = [_read(line) for line in answer.splitlines()]
    names, types, *rows = lines
    adapters = [_adapter(str(kind)) for kind in types]
    return QueryResult([str(name) for name in names], [_row(row, adapters) for row in rows])


def _adapter(kind: str) -> Callable[[object], object]:
    """The function that converts the values of a type for output."""
    if bare(kind).startswith("DateTime64("):
        return _instant
    return _float if "Float" in kind and "String" not in kind else _value


def _read(line: bytes) -> list[object]:
    # Within strings a line end is escaped, so that each line is one JSON document.
    values: list[object] = json.loads(
        line.decode("utf-8", "surrogateescape"), object_pairs_hook=_object
    )
    return values


def _object(pairs: list[tuple[str, object]]) -> object:
    """A map as an object; one with a repeated key as the list of its pairs."""
    members = dict(pairs)
    return members if len(members) == len(pairs) else [list(pair) for pair in pairs]


def _row(row: list[object], adapters: Sequence[Callable[[object], object]]) -> list[object]:
    return [adapter(value) for value, adapter in zip(row, adapters, strict=True)]


def _float(value: object) -> object:
    """A float without the sign of a NaN, which depends on the processor and means nothing."""
    if isinstance(value, list):
        return [_float(item) for item in value]
    return "nan" if value == "-nan" else _value(value)


def _instant(value: object) -> object:
    """An instant without trailing zeros, in the form of canonical events."""
    if value is None:
        return None
    whole, point, fraction = str(value).removesuffix("Z").partition(".")
    digits = fraction.rstrip("0")
    return f"{whole}{point if digits else ''}{digits}Z"


def without_stray_bytes(text: str) -> str:
    r"""Text as Unicode: a byte that was not UTF-8 becomes ``\xNN``."""
    return _STRAY.sub(lambda stray: f"\\x{ord(stray[0]) - _STRAY_BASE:02x}", text)


def _value(value: object) -> object:
    if isinstance(value, str):
        return without_stray_bytes(value)
    if isinstance(value, list):
        return [_value(item) for item in value]
    if isinstance(value, dict):
        return {without_stray_bytes(str(key)): _value(item) for key, item in value.items()}
    return value
