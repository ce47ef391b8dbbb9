"""Canonical JSON of payloads and records: sorted keys, exact numbers, one spelling (INV-5)."""

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal

from chartly.extract.decimals import decimal_text
from chartly.extract.moments import NanoInstant, instant_text
from chartly.extract.records import NotJson, Number, decode_page

_WIDEST = 60


def canonical_json(value: object) -> bytes:
    """A JSON value in the form of RFC 8785, but with exact numbers without exponent.

    Numbers that would take more than 60 digits keep the text that they were sent with.
    """
    return _write(value).encode("utf-8", "surrogatepass")


def canonical_payload(event_type: str, row: Mapping[str, object]) -> bytes:
    """The payload of an event: its fields that are not null, and its type."""
    present = {name: value for name, value in row.items() if value is not None}
    return canonical_json({**present, "type": event_type})


def recanonicalised(golden: bytes) -> bytes:
    """A golden file's JSON in canonical form, for a comparison byte for byte."""
    return canonical_json(decode_page(golden))


class _Piece(str):
    """Text that is JSON already."""

    __slots__ = ()


def _write(value: object) -> str:
    """The text of a value, without recursion: a page may be nested deeper than Python's stack."""
    written: list[str] = []
    rest = [value]
    while rest:
        part = rest.pop()
        if isinstance(part, _Piece):
            written.append(part)
        elif isinstance(part, Mapping | list | tuple):
            rest += reversed(_pieces(part))
        else:
            written.append(_scalar(part))
    return "".join(written)


def _pieces(value: Mapping[str, object] | Sequence[object]) -> list[object]:
    """The members or elements of a container, with the signs between them, in order."""
    if not isinstance(value, Mapping):
        inner = [(",", item) for item in value]
        return _enclosed("[", inner, "]")
    names = sorted(value, key=lambda name: name.encode("utf-16-be", "surrogatepass"))
    return _enclosed("{", [(f",{_json_text(name)}:", value[name]) for name in names], "}")


def _enclosed(start: str, inner: list[tuple[str, object]], end: str) -> list[object]:
    pieces: list[object] = [_Piece(start)]
    for before, item in inner:
        pieces += [_Piece(before if len(pieces) > 1 else before[1:]), item]
    return [*pieces, _Piece(end)]


def _scalar(value: object) -> str:
    if isinstance(value, Number):
        return _number(value)
    if isinstance(value, NotJson):
        return str(value)
    if isinstance(value, Decimal):
        return decimal_text(value)
    if isinstance(value, datetime | NanoInstant):
        return f'"{instant_text(value)}"'
    return f'"{value.isoformat()}"' if isinstance(value, date) else _json_text(value)


def _json_text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _number(text: Number) -> str:
    number = Decimal(text)
    exponent = number.as_tuple().exponent
    if not isinstance(exponent, int) or abs(number.adjusted()) > _WIDEST or exponent < -_WIDEST:
        return str(text)
    return decimal_text(number)
