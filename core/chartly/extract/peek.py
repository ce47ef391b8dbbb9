"""What a page says of its place among others: how many records it has, and what comes next.

No record becomes a Python value for that. A page in which something has an unusual place is decoded
whole, so that there is one set of rules for odd pages.
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
"""A type as msgspec takes it: a Struct, a union, or Any."""

Place: TypeAlias = tuple[Key, ...]
"""The names of the members on the way to a value."""


_COUNTED = ("page", "offset")
"""Modes in which nothing but the records tells that a page is the one before again."""


@dataclass(frozen=True)
class Glance:
    """What is to be known of a page before the next one is asked for.

    Attributes:
        size: how many records there were before any filter.
        members: the values at the paths that ``pagination`` names, by field; absent ones are not
            in it.
        digest: of the records before any filter, where pages are counted.
    """

    records: int
    size: int
    members: dict[str, object]
    digest: str = ""


class Peek:
    """Looks at the pages of one connector.

    Raises:
        SpecError: ``records.path`` or a path of ``pagination`` is malformed.
    """

    def __init__(self, records: Records, pagination: Pagination) -> None:
        self._records = records
        self._mode = pagination.mode
        self._fields = {name: compile_field(text) for name, text in page_fields(pagination).items()}
        self._quick = _compiled(records, self._fields, counted=self._mode in _COUNTED)

    def page(self, body: bytes) -> Glance:
        """The page with this body at a glance.

        Raises:
            RunError: ``UpstreamUnavailable``: it cannot be told where its records begin and end, it
                is nested too deep, or it does not hold what it should.
            SpecError: it cannot be told which part of the page the records are.
        """
        body = body.removeprefix(BYTE_ORDER_MARK)
        found = None if self._quick is None else self._quick.page(body)
        if found is not None:
            return found
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
    """An object that only counts."""


@dataclass(frozen=True)
class _Quick:
    """The way for pages in which everything has its usual place.

    Attributes:
        arrays: where the records can be; they are in exactly one of these places.
        fields: where the values are that paging asks for.
        raws: of a page whose records stay text, where pages are counted.
    """

    decoder: msgspec.json.Decoder[Any]
    arrays: Sequence[Place]
    fields: Mapping[str, Place]
    raws: msgspec.json.Decoder[Any] | None

    def page(self, body: bytes) -> Glance | None:
        """The page at a glance, or None: it has to be decoded whole."""
        document = self._decoded(body) if may_skip(body) else None
        if document is None:
            return None
        if isinstance(document, list):
            digest = "" if self.raws is None else _digest([body])
            return Glance(len(document), len(document), {}, digest)
        found = [one for place in self.arrays if (one := _at(document, place)) is not None]
        if len(found) != 1:
            return None
        values = {name: _at(document, place, UNSET) for name, place in self.fields.items()}
        members = {name: value for name, value in values.items() if value is not UNSET}
        return Glance(len(found[0]), len(found[0]), members, self._digest(body))

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


def _compiled(records: Records, fields: Mapping[str, Path], *, counted: bool) -> _Quick | None:
    """The quick way, or None where a place is more than plain members, or lies in another."""
    arrays: list[Place | None] = [(name,) for name in CONTAINERS]
    if records.path is not None:
        arrays = [compile_path(records.path).keys]
    asked = dict.fromkeys(field.keys for field in fields.values())
    places = _apart([*arrays, *asked])
    if places is None:
        return None
    homes = places[: len(arrays)]
    kinds: dict[Place, Kind] = dict.fromkeys(homes, list[_Record] | None)
    kinds |= dict.fromkeys(places[len(arrays) :], Any)
    try:
        kind = _document(kinds) | list[_Record] if records.path is None else _document(kinds)
        decoder = msgspec.json.Decoder(kind, float_hook=Number)
        raws = msgspec.json.Decoder(_document(dict.fromkeys(homes, msgspec.Raw)))
    except (ValueError, RecursionError):
        # Some names, such as one with a quote, cannot belong to a Struct, nor can very deep paths.
        return None
    named = {name: field.keys for name, field in fields.items() if field.keys is not None}
    return _Quick(decoder, homes, named, raws if counted else None)


def _apart(places: Sequence[Place | None]) -> list[Place] | None:
    """The places, if all are plain members and none lies in another."""
    plain = [one for one in places if one is not None and all(isinstance(key, str) for key in one)]
    nested = any(one == other[: len(one)] for one, other in permutations(plain, 2))
    return None if nested or len(plain) < len(places) else plain


def _document(kinds: Mapping[Place, Kind]) -> Kind:
    """The type of a document that has values of these kinds in these places."""
    if () in kinds:
        return kinds[()]
    members: dict[Key, dict[Place, Kind]] = defaultdict(dict)
    for (name, *rest), kind in kinds.items():
        members[name][tuple(rest)] = kind
    fields = []
    for name, inner in members.items():
        kind = _document(inner)
        # A value that is null is there, and one that is absent is not.
        default = UNSET if kind is Any else None
        fields.append((_attribute(name), kind, msgspec.field(name=str(name), default=default)))
    return msgspec.defstruct("Members", fields) | None


def _at(document: object, place: Place, absent: object = None) -> Any:  # noqa: ANN401 - of a type made here
    """The value in a place; ``absent`` where something on the way is."""
    return reduce(lambda value, name: getattr(value, _attribute(name), absent), place, document)


def _attribute(name: Key) -> str:
    """An identifier of its own for every name."""
    return f"f{str(name).encode().hex()}"
