"""A page's bytes as a document with exact numbers, and the records in it."""

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from chartly.api.connector import Records
from chartly.api.place import Place
from chartly.errors import Reason, RunError
from chartly.extract.jsonpath import Key, Path, compile_path

CONTAINERS = ("data", "items", "results", "records", "value")
"""The members that may contain the records when ``records.path`` is not given."""

_ABSENT = object()
_MOST_NAMES = 10
_LONGEST_NAME = 40


class Number(str):
    """A JSON number with a fraction or exponent, as the text it was sent with."""

    __slots__ = ()


class NotJson(str):
    """Text in the place of a value that is no JSON, such as ``NaN``."""

    __slots__ = ()


BYTE_ORDER_MARK = b"\xef\xbb\xbf"
"""Bytes that may precede the text of a page."""
DECODER = msgspec.json.Decoder(float_hook=Number)
"""Decodes a page without a byte order mark; integers are exact, other numbers are ``Number``."""


def decode_page(body: bytes) -> object:
    """The document of a page; integers are exact, other numbers are ``Number``.

    Raises:
        RunError: ``UpstreamUnavailable``: it is not JSON (RFC 8259).
    """
    try:
        return DECODER.decode(body.removeprefix(BYTE_ORDER_MARK))
    except msgspec.DecodeError as error:
        raise RunError(
            Reason.UPSTREAM_UNAVAILABLE, f"the page is not JSON: {_decode_message(error)}"
        ) from None
    except UnicodeDecodeError:
        raise RunError(Reason.UPSTREAM_UNAVAILABLE, "the page is not JSON: not UTF-8") from None
    except RecursionError:
        raise RunError(
            Reason.UPSTREAM_UNAVAILABLE, "the page is not usable: nested too deep"
        ) from None


def _decode_message(error: msgspec.DecodeError) -> str:
    return str(error).removeprefix("JSON is malformed: ") or "it ends too early"


@dataclass(frozen=True)
class Selection:
    """The records of a page.

    Attributes:
        every: those before a filter of ``records.path``.
    """

    records: list[object]
    every: list[object]

    @property
    def size(self) -> int:
        return len(self.every)


def select_records(document: object, records: Records, pagination_mode: str) -> list[object]:
    """The records of a page, by ``records.path`` or in the only array that can contain them.

    Raises:
        RunError: ``UpstreamUnavailable``: the page lacks its records.
        SpecError: which part of the page the records are is ambiguous.
    """
    return selection(document, records, pagination_mode).records


def selection(document: object, records: Records, pagination_mode: str) -> Selection:
    """The records of a page and its size; null, and a page that is null, contain none.

    Raises:
        RunError: as ``select_records``.
        SpecError: likewise.
    """
    if document is None:
        return Selection([], [])
    if records.path is not None:
        return _by_path(document, compile_path(records.path), optional=records.optional)
    records_by_name = _by_name(document, pagination_mode)
    return Selection(records_by_name, records_by_name)


def _by_name(document: object, pagination_mode: str) -> list[object]:
    if isinstance(document, list):
        return document
    members = document if isinstance(document, dict) else {}
    arrays = [name for name in CONTAINERS if isinstance(members.get(name), list)]
    if len(arrays) == 1:
        return list(members[arrays[0]])
    if not arrays and isinstance(document, dict) and pagination_mode == "none":
        return [document]
    if not any(isinstance(value, list) for value in nested_values(document)):
        if any(name in members and members[name] is None for name in CONTAINERS):
            return []
        raise _unusable(f"the page holds no array: it has {_members(document)}")
    raise Place(object="connector", path="spec.records").refusal(
        f"the page holds no array, or several, among {', '.join(CONTAINERS)}; set records.path to "
        f"the array that holds the records; the page has {_members(document)}"
    )


def nested_values(value: object) -> Iterator[object]:
    """A value and all values within it, without recursion."""
    waiting = [value]
    while waiting:
        value = waiting.pop()
        yield value
        if isinstance(value, dict | list):
            waiting.extend(value.values() if isinstance(value, dict) else value)


def _by_path(document: object, path: Path, *, optional: bool) -> Selection:
    value: object = document
    for depth, key in enumerate(path.prefix):
        if value is None or (value == [] and isinstance(key, int)):
            return Selection([], [])
        member = _member(value, key)
        if member is _ABSENT:
            if optional:
                return Selection([], [])
            raise _unusable(_missing(path, depth, value))
        value = member
    if not path.singular and not isinstance(value, dict | list | None):
        raise _unusable(f"{_path_text(path)} leads to {_kind(value)}, which holds no records")
    records = _selected(document, path)
    if path.singular:
        return Selection(records, records)
    lacking = [] if records else path.dead_ends(document)
    if lacking and not optional:
        raise _unusable(
            f"the page holds nothing where {_path_text(path)} leads: of {len(lacking)} places on "
            f"the way none has what follows; the first has {_members(lacking[0])}"
        )
    every = _selected(document, path.unfiltered) or _selected(document, path.until_filter)
    return Selection(records, every)


def _member(value: object, key: Key) -> object:
    if isinstance(key, str):
        return value.get(key, _ABSENT) if isinstance(value, dict) else _ABSENT
    fits = isinstance(value, list) and -len(value) <= key < len(value)
    return value[key] if fits else _ABSENT  # type: ignore[index]  # a list, as was just checked


def _missing(path: Path, depth: int, value: object) -> str:
    way = "".join(f"[{key!r}]" for key in path.prefix[:depth])
    where = f"at ${way} it has" if depth else "it has"
    return f"the page holds nothing where {_path_text(path)} leads: {where} {_members(value)}"


def _path_text(path: Path) -> str:
    return f"records.path {path.text!r}"


def _members(value: object) -> str:
    """The names of a value's members or its kind, without values, which may be secret."""
    if not isinstance(value, dict):
        return _kind(value)
    names = [repr(str(name)[:_LONGEST_NAME]) for name in value][:_MOST_NAMES]
    more = ", ..." if len(value) > _MOST_NAMES else ""
    return f"{', '.join(names)}{more}" if names else "an object without members"


def _kind(value: object) -> str:
    if isinstance(value, list):
        return "an array"
    if isinstance(value, bool):
        return "true or false"
    return "text" if isinstance(value, str) and not isinstance(value, Number) else "a number"


def _unusable(message: str) -> RunError:
    return RunError(Reason.UPSTREAM_UNAVAILABLE, message)


def _selected(document: object, path: Path) -> list[object]:
    """The matches of a path; an array counts as its elements."""
    value = path.get(document)
    if path.singular:
        return value if isinstance(value, list) else [] if value is None else [value]
    matches = value if isinstance(value, list) else []
    return [
        element for match in matches for element in (match if isinstance(match, list) else [match])
    ]
