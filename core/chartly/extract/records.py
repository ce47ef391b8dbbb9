"""A page's bytes as a document with exact numbers, and the records in it."""

from dataclasses import dataclass

import msgspec

from chartly.api.connector import Records
from chartly.api.place import Place
from chartly.errors import Reason, RunError
from chartly.extract.jsonpath import Key, Path, compile_path

CONTAINERS = ("data", "items", "results", "records", "value")
"""The members in which records are looked for when ``records.path`` is not given."""

_ABSENT = object()
_MOST_NAMES = 10
_LONGEST_NAME = 40


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


@dataclass(frozen=True)
class Selection:
    """The records of a page.

    Attributes:
        every: those that there were before a filter of ``records.path`` took some.
    """

    records: list[object]
    every: list[object]

    @property
    def size(self) -> int:
        return len(self.every)


def select_records(document: object, records: Records, pagination_mode: str) -> list[object]:
    """The records of a page, by ``records.path`` or by the one array that can hold them.

    Raises:
        RunError: ``UpstreamUnavailable``: the page does not hold what it should.
        SpecError: it cannot be told which part of the page the records are.
    """
    return selection(document, records, pagination_mode).records


def selection(document: object, records: Records, pagination_mode: str) -> Selection:
    """The records of a page and its size; null, and a page that is null, hold none.

    Raises:
        RunError: as ``select_records``.
        SpecError: likewise.
    """
    if document is None:
        return Selection([], [])
    if records.path is not None:
        return _by_path(document, compile_path(records.path), optional=records.optional)
    found = _by_name(document, pagination_mode)
    return Selection(found, found)


def _by_name(document: object, pagination_mode: str) -> list[object]:
    if isinstance(document, list):
        return document
    members = document if isinstance(document, dict) else {}
    arrays = [name for name in CONTAINERS if isinstance(members.get(name), list)]
    if len(arrays) == 1:
        return list(members[arrays[0]])
    if not arrays and isinstance(document, dict) and pagination_mode == "none":
        return [document]
    if not _holds_array(document):
        if any(name in members and members[name] is None for name in CONTAINERS):
            return []
        raise _failed(f"the page holds no array: it has {_members(document)}")
    raise Place(object="connector", path="spec.records").refusal(
        f"the page holds no array, or several, among {', '.join(CONTAINERS)}; set records.path to "
        f"the array that holds the records; the page has {_members(document)}"
    )


def _holds_array(value: object) -> bool:
    """Whether there is an array that a path could lead to."""
    waiting = [value]
    while waiting:
        value = waiting.pop()
        if isinstance(value, list):
            return True
        if isinstance(value, dict):
            waiting.extend(value.values())
    return False


def _by_path(document: object, path: Path, *, optional: bool) -> Selection:
    place: object = document
    for depth, key in enumerate(path.prefix):
        if place is None or (place == [] and isinstance(key, int)):
            return Selection([], [])
        following = _step(place, key)
        if following is _ABSENT:
            if optional:
                return Selection([], [])
            raise _failed(_missing(path, depth, place))
        place = following
    if not path.singular and not isinstance(place, dict | list | None):
        raise _failed(f"{_named(path)} leads to {_kind(place)}, which holds no records")
    records = _selected(document, path)
    if path.singular:
        return Selection(records, records)
    lacking = [] if records else path.dead_ends(document)
    if lacking and not optional:
        raise _failed(
            f"the page holds nothing where {_named(path)} leads: of {len(lacking)} places on the "
            f"way none has what follows; the first has {_members(lacking[0])}"
        )
    every = _selected(document, path.unfiltered) or _selected(document, path.until_filter)
    return Selection(records, every)


def _step(place: object, key: Key) -> object:
    if isinstance(key, str):
        return place.get(key, _ABSENT) if isinstance(place, dict) else _ABSENT
    fits = isinstance(place, list) and -len(place) <= key < len(place)
    return place[key] if fits else _ABSENT  # type: ignore[index]  # a list, as was just asked


def _missing(path: Path, depth: int, place: object) -> str:
    way = "".join(f"[{key!r}]" for key in path.prefix[:depth])
    where = f"at ${way} it has" if depth else "it has"
    return f"the page holds nothing where {_named(path)} leads: {where} {_members(place)}"


def _named(path: Path) -> str:
    return f"records.path {path.text!r}"


def _members(value: object) -> str:
    """What is there instead, without a value: those may be anything."""
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


def _failed(message: str) -> RunError:
    return RunError(Reason.UPSTREAM_UNAVAILABLE, message)


def _selected(document: object, path: Path) -> list[object]:
    """What a path leads to; an array stands for its elements."""
    found = path.get(document)
    if path.singular:
        return found if isinstance(found, list) else [] if found is None else [found]
    matches = found if isinstance(found, list) else []
    return [one for match in matches for one in (match if isinstance(match, list) else [match])]
