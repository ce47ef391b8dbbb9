"""The lenient reader of pages that are not quite JSON: it rejects records instead of the page.

A record with a lone surrogate, with bytes that are no UTF-8 or with ``NaN`` becomes no event, but
where it begins and ends is certain.
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
    """The content of a page.

    Attributes:
        sound: whether all of it is JSON; otherwise some of its values may not be.
    """

    content: object
    sound: bool


@dataclass(frozen=True)
class Flaw:
    """Why a record cannot become an event, and the path of the value at fault."""

    path: str
    reason: RejectReason
    message: str


def read_document(body: bytes) -> PageDocument:
    """The document of a page, as exact as that of ``decode_page``.

    Raises:
        RunError: ``UpstreamUnavailable``: where its values begin and end is uncertain.
    """
    body = body.removeprefix(BYTE_ORDER_MARK)
    try:
        return PageDocument(DECODER.decode(body), sound=True)
    except (msgspec.DecodeError, UnicodeDecodeError):
        document = _lenient_document(body)
    except RecursionError:
        document = None
    return document or PageDocument(decode_page(body), sound=True)


def flaw_of(record: object) -> Flaw | None:
    """The first value in a record that is no JSON or no Unicode."""
    rest: list[tuple[str, object]] = [("$", record)]
    while rest:
        path, value = rest.pop()
        if isinstance(value, NotJson):
            return Flaw(
                path, RejectReason.NOT_JSON, f"{_rendered_value(value)} is no value of JSON"
            )
        if isinstance(value, str) and not _is_unicode(value):
            return Flaw(path, RejectReason.NOT_UNICODE, _NO_UNICODE)
        if isinstance(value, dict):
            if not all(map(_is_unicode, value)):
                return Flaw(path, RejectReason.NOT_UNICODE, "has a name that is no Unicode")
            rest += reversed([(path + _member(name), member) for name, member in value.items()])
        elif isinstance(value, list):
            rest += reversed([(f"{path}[{index}]", element) for index, element in enumerate(value)])
    return None


def flaws_of(records: Sequence[object]) -> dict[int, Flaw]:
    """The flawed records, by their place."""
    flaws = ((place, flaw_of(record)) for place, record in enumerate(records))
    return {place: flaw for place, flaw in flaws if flaw is not None}


def _lenient_document(body: bytes) -> PageDocument | None:
    text = body.decode("utf-8", "surrogateescape")
    try:
        content = json.loads(text, parse_float=Number, parse_int=_integer, parse_constant=NotJson)
    except (ValueError, RecursionError):
        return None
    return PageDocument(content, sound=False)


def _integer(digits: str) -> int | NotJson:
    """An integer; the interpreter refuses those of more than 4,300 digits."""
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


def _rendered_value(value: str) -> str:
    return value if len(value) <= _SHORT else f"a number of {len(value)} characters"
