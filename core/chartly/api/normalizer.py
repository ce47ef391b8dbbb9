"""The normalizer profile: how a record becomes a canonical event, or a reject."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from chartly.api.model import FieldName, SpecModel

OnError = Literal["reject", "null", "default"]
Scalar = str | int | bool | None


class _Transform(SpecModel):
    field: FieldName
    on_error: OnError = "reject"
    default: Scalar = None
    """What ``onError: default`` puts in place of a bad value."""


class ToNumber(_Transform):
    """An exact Decimal(38,9), or rejected; never through a float."""

    op: Literal["toNumber"]


class ToDecimal(_Transform):
    """An exact decimal of at most ``precision`` digits, ``scale`` of them after the point."""

    op: Literal["toDecimal"]
    precision: Annotated[int, Field(ge=1, le=38)] = 38
    scale: Annotated[int, Field(ge=0, le=38)] = 9

    @model_validator(mode="after")
    def _scale_fits(self) -> Self:
        if self.scale > self.precision:
            raise ValueError("scale must not exceed precision")
        return self


class ToInt(_Transform):
    """A whole number of 64 bits; ``"42"`` and 42.0 are taken, 42.5 is rejected."""

    op: Literal["toInt"]


class ToString(_Transform):
    """Text; numbers keep the digits they were sent with."""

    op: Literal["toString"]


class ToBool(_Transform):
    """true or false; also takes the words and digits true, false, yes, no, 1, 0."""

    op: Literal["toBool"]


class ToUtcTimestamp(_Transform):
    """An instant: RFC 3339 with offset, or one of ``formats`` (strptime, ``unix``, ``unixMs``).

    A time without offset is rejected unless ``zone`` names an IANA zone; a local time that the
    zone skips or repeats is rejected.
    """

    op: Literal["toUtcTimestamp"]
    formats: Annotated[tuple[str, ...], Field(max_length=16)] = ()
    zone: str | None = None


class Default(_Transform):
    """``value`` where the field is absent or null."""

    op: Literal["default"]
    value: Scalar


class Const(_Transform):
    """``value``, always."""

    op: Literal["const"]
    value: Scalar


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
    """Gives the field another name."""

    op: Literal["rename"]
    to: FieldName


class MapValues(_Transform):
    """Replaces a value by what ``values`` says; one that is not there is an error."""

    op: Literal["mapValues"]
    values: Annotated[dict[str, Scalar], Field(min_length=1, max_length=10_000)]


class Hash(_Transform):
    """The SHA-256 of the text, in hex, with ``salt`` before it."""

    op: Literal["hash"]
    salt: str = ""


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
    """How many rejects a run may have; each given limit must hold."""

    count: Annotated[int, Field(ge=0)] | None = None
    percent: Annotated[int, Field(ge=0, le=100)] | None = None


class NormalizerSpec(SpecModel):
    """The spec of a normalizer profile."""

    canonical_event_type: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_.-]{0,127}$")]
    required_fields: Annotated[tuple[FieldName, ...], Field(max_length=500)] = ()
    mapping: Annotated[dict[FieldName, str], Field(min_length=1, max_length=500)]
    transforms: Annotated[tuple[Transform, ...], Field(max_length=1000)] = ()
    identity: Annotated[tuple[FieldName, ...], Field(max_length=32)] = ()
    version_field: FieldName | None = None
    unknown_fields: Literal["ignore", "capture", "reject"] = "ignore"
    reject_threshold: RejectThreshold = RejectThreshold.model_construct()
    sensitive: Annotated[tuple[str, ...], Field(max_length=100)] = ()
