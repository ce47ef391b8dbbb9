"""What a page says of its place among others: how many records it has, and what comes next.

No record becomes a Python value for that. A page in which something has an unusual place is decoded
whole, so that there is one set of rules for odd pages.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import permutations
from typing import Any, TypeAlias

import msgspec

from chartly.api.connector import Pagination, Records
from chartly.errors import Reason, RunError
from chartly.extract.jsonpath import Key, Path, compile_field, compile_path
from chartly.extract.lenient import flaw_of, read_document
from chartly.extract.records import BYTE_ORDER_MARK, CONTAINERS, Number, select_records
from chartly.extract.skipping import may_skip

Kind: TypeAlias = Any
"""A type as msgspec takes it: a Struct, a union, or Any."""

Place: TypeAlias = tuple[Key, ...]
"""The names of the members on the way to a value."""


@dataclass(frozen=True)
class Glance:
    """What is to be known of a page before the next one is asked for.

    Attributes:
        token: the value at ``pagination.responseField``; None where there is none.
    """

    records: int
    token: object


class Peek:
    """Looks at the pages of one connector.

    Raises:
        SpecError: ``records.path`` or ``pagination.responseField`` is malformed.
    """

    def __init__(self, records: Records, pagination: Pagination) -> None:
        self._records = records
        self._mode = pagination.mode
        field = pagination.response_field
        self._field = compile_field(field) if field else None
        self._quick = _compiled(records, self._field)

    def page(self, body: bytes) -> Glance:
        """The page with this body at a glance.

        Raises:
            RunError: ``UpstreamUnavailable``: it cannot be told where its records begin and end, or
                it is nested too deep.
            SpecError: it cannot be told which part of the page the records are.
        """
        body = body.removeprefix(BYTE_ORDER_MARK)
        found = None if self._quick is None else self._quick.page(body)
        if found is not None:
            return found
        document = read_document(body).content
        records = select_records(document, self._records, self._mode)
        return Glance(len(records), self._token(document))

    def _token(self, document: object) -> object:
        token = None if self._field is None else self._field.get(document)
        flaw = flaw_of(token)
        if flaw is not None and self._field is not None:
            raise RunError(
                Reason.UPSTREAM_UNAVAILABLE,
                f"what the page has at {self._field.text!r} {flaw.message}",
            )
        return token


class _Record(msgspec.Struct, gc=False):
    """An object that only counts."""


@dataclass(frozen=True)
class _Quick:
    """The way for pages in which everything has its usual place.

    Attributes:
        arrays: where the records can be.
        either: they have to be in exactly one of these places.
        token: where the token is, if there is any.
    """

    decoder: msgspec.json.Decoder[Any]
    arrays: Sequence[Place]
    either: bool
    token: Place | None

    def page(self, body: bytes) -> Glance | None:
        """The page at a glance, or None: it has to be decoded whole."""
        document = self._decoded(body) if may_skip(body) else None
        if document is None:
            return None
        if isinstance(document, list):
            return Glance(len(document), None)
        found = [one for place in self.arrays if (one := _at(document, place)) is not None]
        if self.either and len(found) != 1:
            return None
        token = None if self.token is None else _at(document, self.token)
        return Glance(sum(map(len, found)), token)

    def _decoded(self, body: bytes) -> Any:  # noqa: ANN401 - of a type made here
        try:
            return self.decoder.decode(body)
        except (msgspec.DecodeError, RecursionError):
            return None


def _compiled(records: Records, field: Path | None) -> _Quick | None:
    """The quick way, or None where a place is more than plain members, or lies in another."""
    token = None if field is None else field.keys
    arrays: list[Place | None] = [(name,) for name in CONTAINERS]
    if records.path is not None:
        arrays = [compile_path(records.path).keys]
    places = _apart(arrays if field is None else [*arrays, token])
    if places is None:
        return None
    kinds: dict[Place, Kind] = dict.fromkeys(places, list[_Record] | None)
    if token is not None:
        kinds[token] = Any
    either = records.path is None
    try:
        kind = _document(kinds) | list[_Record] if either else _document(kinds)
        decoder = msgspec.json.Decoder(kind, float_hook=Number)
    except (ValueError, RecursionError):
        # Some names, such as one with a quote, cannot belong to a Struct, nor can very deep paths.
        return None
    return _Quick(decoder, places[: len(arrays)], either, token)


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
    fields = [
        (_attribute(name), _document(inner), msgspec.field(name=str(name), default=None))
        for name, inner in members.items()
    ]
    return msgspec.defstruct("Members", fields) | None


def _at(document: object, place: Place) -> Any:  # noqa: ANN401 - of a type made here
    """The value in a place; None where something on the way is absent."""
    return reduce(lambda value, name: getattr(value, _attribute(name), None), place, document)


def _attribute(name: Key) -> str:
    """An identifier of its own for every name."""
    return f"f{str(name).encode().hex()}"
