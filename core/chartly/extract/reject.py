"""The reasons for which a record does not become an event, and the record of a rejection."""

from dataclasses import dataclass
from enum import StrEnum


class RejectReason(StrEnum):
    """The reason code of a reject; stored beside the record."""

    REQUIRED_FIELD_MISSING = "RequiredFieldMissing"
    FIELD_EMPTY = "FieldEmpty"
    NOT_A_NUMBER = "NotANumber"
    DECIMAL_OUT_OF_RANGE = "DecimalOutOfRange"
    NOT_AN_INTEGER = "NotAnInteger"
    NOT_A_BOOLEAN = "NotABoolean"
    NOT_A_TIMESTAMP = "NotATimestamp"
    TIMESTAMP_AMBIGUOUS = "TimestampAmbiguous"
    NOT_A_DATE = "NotADate"
    VALUE_NOT_MAPPED = "ValueNotMapped"
    TYPE_MISMATCH = "TypeMismatch"
    IDENTITY_MISSING = "IdentityMissing"
    RECORD_NOT_OBJECT = "RecordNotObject"
    NOT_UNICODE = "NotUnicode"
    NOT_JSON = "NotJson"
    VERSION_INVALID = "VersionInvalid"


REJECT_REASONS: dict[RejectReason, str] = {
    RejectReason.REQUIRED_FIELD_MISSING: "a field in `requiredFields` is absent or null",
    RejectReason.FIELD_EMPTY: (
        "a field in `requiredFields` or `identity` is empty text, and not in `allowEmpty`"
    ),
    RejectReason.NOT_A_NUMBER: "the value is not a decimal number",
    RejectReason.DECIMAL_OUT_OF_RANGE: "the number does not fit its digits without rounding",
    RejectReason.NOT_AN_INTEGER: "the value is not a whole number of 64 bits",
    RejectReason.NOT_A_BOOLEAN: "the value is neither true nor false",
    RejectReason.NOT_A_TIMESTAMP: "the value is not an instant in an allowed form",
    RejectReason.TIMESTAMP_AMBIGUOUS: "the time has no offset, or its zone skips or repeats it",
    RejectReason.NOT_A_DATE: "the value is not a calendar date",
    RejectReason.VALUE_NOT_MAPPED: "`mapValues` has no entry for the value",
    RejectReason.TYPE_MISMATCH: "the value has another type than the column",
    RejectReason.IDENTITY_MISSING: "the fields that identify the event are null",
    RejectReason.RECORD_NOT_OBJECT: "the record is not a JSON object",
    RejectReason.NOT_UNICODE: "the record holds a lone surrogate, or bytes that are no UTF-8",
    RejectReason.NOT_JSON: "the record holds what is no value of JSON, such as NaN",
    RejectReason.VERSION_INVALID: "the version field is null or before 1970",
}


class BadValueError(Exception):
    """A value that does not fit; ``message`` names what is allowed."""

    def __init__(self, reason: RejectReason, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


@dataclass(frozen=True)
class Rejection:
    """A record that does not become an event.

    Attributes:
        page: the position of its page among those that were shaped together.
        index: its position among the records of its page.
        path: the path of the value at fault in the record, a JSONPath.
        record: the record as canonical JSON, numbers exact, cut at ``RECORD_LIMIT`` bytes.
    """

    page: int
    index: int
    reason: RejectReason
    field: str
    path: str
    message: str
    record: bytes


RECORD_LIMIT = 64 * 1024
