"""A page's bytes as a document with exact numbers, and the records in it."""

import msgspec

from chartly.api.connector import Records
from chartly.errors import Reason, RunError, SpecError
from chartly.extract.jsonpath import Path, compile_path

CONTAINERS = ("data", "items", "results", "records", "value")
"""The members in which records are looked for when ``records.path`` is not given."""


class Number(str):
    """A JSON number with a fraction or exponent, as the text it was sent with."""

    __slots__ = ()


class NotJson(str):
    """Text that stands in a page where a value must, and is none, such as ``NaN``."""

    __slots__ = ()


BYTE_ORDER_MARK = b"\xef\xbb\xbf"
"""What may stand before the text of a page."""
DECODER = msgspec.json.Decoder(float_hook=Number)
"""Reads a page without a mark; integers are exact, other numbers are ``Number``."""


def decode_page(body: bytes) -> object:
    """The document of a page; integers are exact, other numbers are ``Number``.

    Raises:
        RunError: ``UpstreamUnavailable``: it is not JSON (RFC 8259).
    """
    try:
        return DECODER.decode(body.removeprefix(BYTE_ORDER_MARK))
    except msgspec.DecodeError as error:
        raise RunError(
            Reason.UPSTREAM_UNAVAILABLE, f"the page is not JSON: {_clean(error)}"
        ) from None
    except UnicodeDecodeError:
        raise RunError(Reason.UPSTREAM_UNAVAILABLE, "the page is not JSON: not UTF-8") from None
    except RecursionError:
        raise RunError(
            Reason.UPSTREAM_UNAVAILABLE, "the page is not usable: nested too deep"
        ) from None


def _clean(error: msgspec.DecodeError) -> str:
    return str(error).removeprefix("JSON is malformed: ") or "it ends too early"


def select_records(document: object, records: Records, pagination_mode: str) -> list[object]:
    """The records of a page, by ``records.path`` or by the one array that can hold them.

    Raises:
        SpecError: it cannot be told which part of the page the records are.
    """
    if records.path is not None:
        return _selected(document, compile_path(records.path))
    if isinstance(document, list):
        return document
    if isinstance(document, dict):
        arrays = [name for name in CONTAINERS if isinstance(document.get(name), list)]
        if len(arrays) == 1:
            return list(document[arrays[0]])
        if not arrays and pagination_mode == "none":
            return [document]
    raise SpecError(
        "records: the page holds no array, or several, among "
        f"{', '.join(CONTAINERS)}; set records.path"
    )


def _selected(document: object, path: Path) -> list[object]:
    """What a path leads to; an array stands for its elements."""
    found = path.get(document)
    if path.singular:
        return found if isinstance(found, list) else [] if found is None else [found]
    matches = found if isinstance(found, list) else []
    return [one for match in matches for one in (match if isinstance(match, list) else [match])]
