"""The normalizer profile: how records become canonical events, or rejects."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from chartly.api.model import FieldName, MemberError, Path, SpecModel, Unserved
from chartly.api.text_forms import EVENT_TYPE

OnError = Literal["reject", "null", "default"]
Excess = Literal["reject", "truncate"]
Scalar = str | int | bool | None
DEFAULT_PRECISION = 38
DEFAULT_SCALE = 9
SCALE_MESSAGE = "scale must not exceed precision"
NEEDS_DEFAULT_MESSAGE = "onError default needs default"
NULL_MESSAGE = "null is as if it were not there; write 'null' in quotes"


class _Transform(SpecModel):
    field: FieldName
    """The field that is transformed."""
    on_error: OnError = "reject"
    """What happens to a value that cannot be transformed: the record is rejected, or the field
    becomes null (`'null'`, in quotes) or `default`.
    """
    default: Scalar = None
    """The value that ``onError: default`` uses instead of a bad one."""

    @model_validator(mode="after")
    def _has_default(self) -> Self:
        if self.on_error == "default" and self.default is None:
            raise MemberError(NEEDS_DEFAULT_MESSAGE, "onError")
        return self


class ToNumber(_Transform):
    """An exact Decimal(38,9), or rejected; never through a float."""

    op: Literal["toNumber"]


class ToDecimal(_Transform):
    """An exact decimal of at most ``precision`` digits, ``scale`` of them after the point."""

    op: Literal["toDecimal"]
    precision: Annotated[int, Field(ge=1, le=38)] = DEFAULT_PRECISION
    """Digits in all."""
    scale: Annotated[int, Field(ge=0, le=38)] = DEFAULT_SCALE
    """Digits after the point; a value with more is bad, never rounded."""

    @model_validator(mode="after")
    def _scale_fits(self) -> Self:
        if self.scale > self.precision:
            is_given = "scale" in self.model_fields_set
            raise MemberError(SCALE_MESSAGE, "scale" if is_given else "precision")
        return self


class ToInt(_Transform):
    """A whole number of 64 bits; ``"42"`` and 42.0 are accepted, 42.5 is rejected."""

    op: Literal["toInt"]


class ToString(_Transform):
    """Text; numbers keep the digits they were sent with."""

    op: Literal["toString"]


class ToBool(_Transform):
    """true or false; also accepts the words and digits true, false, yes, no, 1, 0."""

    op: Literal["toBool"]


class ToUtcTimestamp(_Transform):
    """An instant: RFC 3339 with offset, or one of ``formats``.

    It has as many digits after the second as its stored column, or as `Timestamp` where it is
    not stored as an instant. A time without offset is rejected unless ``zone`` names an IANA zone;
    a local time that the zone skips or repeats is rejected.
    """

    op: Literal["toUtcTimestamp"]
    formats: Annotated[tuple[Annotated[str, Field(max_length=128)], ...], Field(max_length=16)] = ()
    """The forms that are accepted instead of RFC 3339, the first that fits: `unix` (seconds),
    `unixMs`, `unixUs` and `unixNs`, or directives of strptime such as `%d.%m.%Y %H:%M`. A form
    names a year and each part down to its smallest; `%Z`, `%y`, `%U` and `%W`, which would have to
    be guessed, are refused.
    """
    zone: Annotated[str, Field(max_length=128)] | None = None
    """The IANA zone of times without an offset."""
    excess: Excess = "reject"
    """What happens to a time that is finer than its stored column: it is bad, or it is
    cut towards the past, and the run warns with `TimesTruncated`.
    """


class Default(_Transform):
    """``value`` where the field is absent or null."""

    op: Literal["default"]
    value: Scalar
    """The value of an absent or null field."""


class Const(_Transform):
    """``value``, always."""

    op: Literal["const"]
    value: Scalar
    """The value of the field."""


class Lower(_Transform):
    """Lower case."""

    op: Literal["lower"]


class Upper(_Transform):
    """Upper case."""

    op: Literal["upper"]


class Trim(_Transform):
    """Without white space at both ends."""

    op: Literal["trim"]


class Drop(_Transform):
    """Removes the field: for one that only other transforms needed."""

    op: Literal["drop"]


class Rename(_Transform):
    """Renames the field."""

    op: Literal["rename"]
    to: FieldName
    """The new name."""


class MapValues(_Transform):
    """Replaces a value by its entry in ``values``; a value without one is an error."""

    op: Literal["mapValues"]
    values: Annotated[dict[str, Scalar], Field(min_length=1, max_length=10_000)]
    """The new value for each old one, by its text."""


class Hash(_Transform):
    """The SHA-256 of the text, in hex, with ``salt`` before it."""

    op: Literal["hash"]
    salt: Annotated[str, Field(max_length=256)] = ""
    """Text before the value; it is no secret."""


Transform = Annotated[
    ToNumber
    | ToDecimal
    | ToInt
    | ToString
    | ToBool
    | ToUtcTimestamp
    | Default
    | Const
    | Lower
    | Upper
    | Trim
    | Drop
    | Rename
    | MapValues
    | Hash,
    Field(discriminator="op"),
]


class RejectThreshold(SpecModel):
    """How many rejects a run may have; each given limit applies."""

    count: Annotated[int, Field(ge=0)] | None = None
    """Rejects of a run at most."""
    percent: Annotated[int, Field(ge=0, le=100)] | None = None
    """Rejects in 100 records read at most."""


class NormalizerSpec(SpecModel):
    """The spec of a normalizer profile."""

    canonical_event_type: Annotated[str, Field(pattern=EVENT_TYPE, max_length=256)]
    """The `type` of the events, such as `sales.event`."""
    required_fields: Annotated[tuple[FieldName, ...], Field(max_length=500)] = ()
    """Fields that an event must have; a record that lacks one, or has null or empty text, is
    rejected.
    """
    allow_empty: Annotated[tuple[FieldName, ...], Field(max_length=500)] = ()
    """Fields of `requiredFields` or `identity` that may be empty text."""
    mapping: Annotated[dict[FieldName, Path], Field(min_length=1, max_length=500)]
    """For each field of the event, the JSONPath (RFC 9535) of its value in the record."""
    transforms: Annotated[tuple[Transform, ...], Field(max_length=1000)] = ()
    """Transforms of the fields, in this order."""
    identity: Annotated[tuple[FieldName, ...], Field(max_length=32)] = ()
    """The fields that make two records the same event. Without it: `event_id` if it is mapped,
    otherwise all fields.
    """
    version_field: FieldName | None = None
    """The instant by which the newest of several records of one event wins. Without it: the one
    fetched last.
    """
    unknown_fields: Annotated[
        Literal["ignore", "capture", "reject"], Unserved(("capture", "reject"))
    ] = "ignore"
    """What happens to members of a record that no path names."""
    reject_threshold: RejectThreshold = RejectThreshold.model_construct()
    """More rejects fail the run with `RejectThreshold`; good events stay, analytics are not
    computed.
    """
    sensitive: Annotated[tuple[Path, ...], Field(max_length=100), Unserved()] = ()
    """Paths whose values are removed before a reject or page is stored."""
