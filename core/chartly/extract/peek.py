"""The connector's view of a page: the number of its records, and the values that paging reads.

No record becomes a Python value for that. An irregular page is decoded whole, so that irregular
pages have a single set of rules.
"""

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import permutations
from typing import Any, TypeAlias

import msgspec
from msgspec import UNSET

from chartly.api.connector import Records
from chartly.api.page_fields import page_fields
from chartly.api.pagination import Pagination
from chartly.errors import Reason, RunError
from chartly.extract.jsonpath import Key, Path, compile_field, compile_path
from chartly.extract.lenient import flaw_of, read_document
from chartly.extract.records import BYTE_ORDER_MARK, CONTAINERS, Number, selection
from chartly.extract.skipping import may_skip

Kind: TypeAlias = Any
"""A type of msgspec: a Struct, a union, or Any."""

Place: TypeAlias = tuple[Key, ...]
"""The names of the members on the way to a value."""

_COUNTED = ("page", "offset")
"""Modes in which only the records show that a page repeats the one before."""


@dataclass(frozen=True)
class Glance:
    """What paging needs of a page before it requests the next one.

    Attributes:
        size: how many records there were before any filter.
        members: the values at the paths that ``pagination`` names, by field, without absent ones.
        digest: of the records before any filter, where pages are counted.
    """

    records: int
    size: int
    members: dict[str, object]
    digest: str = ""


class Peek:
    """Reads the glances of one connector's pages.

    Raises:
        SpecError: ``records.path`` or a path of ``pagination`` is malformed.
    """

    def __init__(self, records: Records, pagination: Pagination) -> None:
        self._records = records
        self._mode = pagination.mode
        self._fields = {name: compile_field(text) for name, text in page_fields(pagination).items()}
        self._regular = _compile_glances(records, self._fields, counted=self._mode in _COUNTED)

    def page(self, body: bytes) -> Glance:
        """The glance of the page with this body.

        Raises:
            RunError: ``UpstreamUnavailable``: where its records begin and end is uncertain, it is
                nested too deep, or its records are missing.
            SpecError: which part of the page the records are is ambiguous.
        """
        body = body.removeprefix(BYTE_ORDER_MARK)
        glance = None if self._regular is None else self._regular.page(body)
        if glance is not None:
            return glance
        document = read_document(body).content
        chosen = selection(document, self._records, self._mode)
        members = {
            name: _sound(field, document)
            for name, field in self._fields.items()
            if field.matches(document)
        }
        digest = _digest_of(chosen.every) if self._mode in _COUNTED else ""
        return Glance(len(chosen.records), chosen.size, members, digest)


def _sound(field: Path, document: object) -> object:
    value = field.get(document)
    flaw = flaw_of(value)
    if flaw is not None:
        raise RunError(
            Reason.UPSTREAM_UNAVAILABLE, f"what the page has at {field.text!r} {flaw.message}"
        )
    return value


def _digest_of(records: Sequence[object]) -> str:
    try:
        text = repr(records)
    except RecursionError:
        raise RunError(
            Reason.UPSTREAM_UNAVAILABLE, "the page is not usable: nested too deep"
        ) from None
    return _digest([text.encode("utf-8", "surrogatepass")])


def _digest(parts: Sequence[bytes]) -> str:
    return hashlib.sha256(b"".join(parts)).hexdigest()[:32]


class _Record(msgspec.Struct, gc=False):
    """An object of which only its presence is decoded."""


@dataclass(frozen=True)
class _RegularPages:
    """The decoder of glances of regular pages.

    Attributes:
        arrays: the places of the records, which are in exactly one of them.
        fields: the places of the values that paging reads.
        raws: decodes a page and keeps its records as text, where pages are counted.
    """

    decoder: msgspec.json.Decoder[Any]
    arrays: Sequence[Place]
    fields: Mapping[str, Place]
    raws: msgspec.json.Decoder[Any] | None

    def page(self, body: bytes) -> Glance | None:
        """The glance of a page, or None: it must be decoded whole."""
        document = self._decoded(body) if may_skip(body) else None
        if document is None:
            return None
        if isinstance(document, list):
            digest = "" if self.raws is None else _digest([body])
            return Glance(len(document), len(document), {}, digest)
        places = (_at(document, place) for place in self.arrays)
        arrays = [array for array in places if array is not None]
        if len(arrays) != 1:
            return None
        values = {name: _at(document, place, UNSET) for name, place in self.fields.items()}
        members = {name: value for name, value in values.items() if value is not UNSET}
        return Glance(len(arrays[0]), len(arrays[0]), members, self._digest(body))

    def _digest(self, body: bytes) -> str:
        if self.raws is None:
            return ""
        document = self.raws.decode(body)
        return _digest([bytes(_at(document, place) or b"") for place in self.arrays])

    def _decoded(self, body: bytes) -> Any:  # noqa: ANN401 - of a type made here
        try:
            return self.decoder.decode(body)
        except (msgspec.DecodeError, RecursionError):
            return None


def _compile_glances(
    records: Records, fields: Mapping[str, Path], *, counted: bool
) -> _RegularPages | None:
    """The decoder of glances, or None if a place is not of plain members, or within another."""
    arrays: list[Place | None] = [(name,) for name in CONTAINERS]
    if records.path is not None:
        arrays = [compile_path(records.path).keys]
    wanted = dict.fromkeys(field.keys for field in fields.values())
    places = _disjoint([*arrays, *wanted])
    if places is None:
        return None
    array_places = places[: len(arrays)]
    kinds: dict[Place, Kind] = dict.fromkeys(array_places, list[_Record] | None)
    kinds |= dict.fromkeys(places[len(arrays) :], Any)
    try:
        kind = _document(kinds) | list[_Record] if records.path is None else _document(kinds)
        decoder = msgspec.json.Decoder(kind, float_hook=Number)
        raws = msgspec.json.Decoder(_document(dict.fromkeys(array_places, msgspec.Raw)))
    except (ValueError, RecursionError):
        # Some names, such as one with a quote, and very deep paths cannot be those of a Struct.
        return None
    named = {name: field.keys for name, field in fields.items() if field.keys is not None}
    return _RegularPages(decoder, array_places, named, raws if counted else None)


def _disjoint(places: Sequence[Place | None]) -> list[Place] | None:
    """The places, if all are of plain members and none is within another."""
    member_places = [
        place
        for place in places
        if place is not None and all(isinstance(key, str) for key in place)
    ]
    nested = any(outer == inner[: len(outer)] for outer, inner in permutations(member_places, 2))
    return None if nested or len(member_places) < len(places) else member_places


def _document(kinds: Mapping[Place, Kind]) -> Kind:
    """The type of a document with values of these kinds in these places."""
    if () in kinds:
        return kinds[()]
    members: dict[Key, dict[Place, Kind]] = defaultdict(dict)
    for (name, *rest), kind in kinds.items():
        members[name][tuple(rest)] = kind
    fields = []
    for name, inner in members.items():
        kind = _document(inner)
        # A null counts as a value, an absent member does not.
        default = UNSET if kind is Any else None
        fields.append((_attribute(name), kind, msgspec.field(name=str(name), default=default)))
    return msgspec.defstruct("Members", fields) | None


def _at(document: object, place: Place, absent: object = None) -> Any:  # noqa: ANN401 - of a type made here
    """The value in a place; ``absent`` if a member on the way is."""
    return reduce(lambda value, name: getattr(value, _attribute(name), absent), place, document)


def _attribute(name: Key) -> str:
    """A distinct identifier for every name."""
    return f"f{str(name).encode().hex()}"
