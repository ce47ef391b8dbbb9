"""Pages that hold what JSON does not have: read all the same, to refuse a record and not the page.

A lone surrogate, bytes that are no UTF-8, ``NaN``: nothing of these becomes an event, but they say
where their record begins and ends as well as anything else does.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from chartly.extract.records import BYTE_ORDER_MARK, DECODER, NotJson, Number, decode_page
from chartly.extract.reject import RejectReason

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SHORT = 20
_NO_UNICODE = "holds text that is no Unicode: a lone surrogate, or bytes that are no UTF-8"


@dataclass(frozen=True)
class PageDocument:
    """What a page holds.

    Attributes:
        sound: it is JSON as a whole; otherwise some of its values may be none.
    """

    content: object
    sound: bool


@dataclass(frozen=True)
class Flaw:
    """Why a record can be no event, and where in it that stands."""

    path: str
    reason: RejectReason
    message: str


def read_document(body: bytes) -> PageDocument:
    """The document of a page, as exact as ``decode_page`` gives it.

    Raises:
        RunError: ``UpstreamUnavailable``: it cannot be told where its values begin and end.
    """
    body = body.removeprefix(BYTE_ORDER_MARK)
    try:
        return PageDocument(DECODER.decode(body), sound=True)
    except (msgspec.DecodeError, UnicodeDecodeError):
        document = _leniently(body)
    except RecursionError:
        document = None
    return document or PageDocument(decode_page(body), sound=True)


def flaw_of(record: object) -> Flaw | None:
    """The first thing in a record that JSON does not have."""
    rest: list[tuple[str, object]] = [("$", record)]
    while rest:
        path, value = rest.pop()
        if isinstance(value, NotJson):
            return Flaw(path, RejectReason.NOT_JSON, f"{_shown(value)} is no value of JSON")
        if isinstance(value, str) and not _is_unicode(value):
            return Flaw(path, RejectReason.NOT_UNICODE, _NO_UNICODE)
        if isinstance(value, dict):
            if not all(map(_is_unicode, value)):
                return Flaw(path, RejectReason.NOT_UNICODE, "has a name that is no Unicode")
            rest += reversed([(path + _member(name), one) for name, one in value.items()])
        elif isinstance(value, list):
            rest += reversed([(f"{path}[{place}]", one) for place, one in enumerate(value)])
    return None


def flaws_of(records: Sequence[object]) -> dict[int, Flaw]:
    """The flawed records, by their place."""
    flaws = ((place, flaw_of(record)) for place, record in enumerate(records))
    return {place: flaw for place, flaw in flaws if flaw is not None}


def _leniently(body: bytes) -> PageDocument | None:
    text = body.decode("utf-8", "surrogateescape")
    try:
        content = json.loads(text, parse_float=Number, parse_int=_integer, parse_constant=NotJson)
    except (ValueError, RecursionError):
        return None
    return PageDocument(content, sound=False)


def _integer(digits: str) -> int | NotJson:
    """The interpreter reads no integer of over 4,300 digits."""
    try:
        return int(digits)
    except ValueError:
        return NotJson(digits)


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _member(name: str) -> str:
    if _NAME.fullmatch(name):
        return f".{name}"
    quoted = name.replace("\\", "\\\\").replace("'", "\\'")
    return f"['{quoted}']"


def _shown(value: str) -> str:
    return value if len(value) <= _SHORT else f"a number of {len(value)} characters"
