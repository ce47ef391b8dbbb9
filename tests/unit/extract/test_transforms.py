from datetime import UTC, datetime
from decimal import Decimal

import pytest
from pydantic import TypeAdapter

from chartly.api.normalizer import Transform
from chartly.extract.instants import Truncated
from chartly.extract.records import Number
from chartly.extract.reject import REJECT_REASONS, BadValueError, RejectReason
from chartly.extract.transforms import conversion, to_text

ADAPTER = TypeAdapter(Transform)
NOON = datetime(2026, 2, 2, 12, tzinfo=UTC)


def _apply(op, given, **settings):
    return conversion(ADAPTER.validate_python({"op": op, "field": "f", **settings}))(given)


@pytest.mark.parametrize(
    ("op", "settings", "value", "expected"),
    [
        ("toNumber", {}, "19.99", Decimal("19.99")),
        ("toDecimal", {"precision": 18, "scale": 2}, Number("19.990"), Decimal("19.990")),
        ("toInt", {}, "42", 42),
        ("toInt", {}, "-7.00", -7),
        ("toInt", {}, "4.2e1", 42),
        ("toInt", {}, Number("4.2e1"), 42),
        ("toInt", {}, Number("42.0"), 42),
        ("toInt", {}, 42, 42),
        ("toInt", {}, Decimal("42.0"), 42),
        ("toInt", {}, -(2**63), -(2**63)),
        ("toString", {}, 42, "42"),
        ("toString", {}, Number("1.50"), "1.50"),
        ("toString", {}, Decimal("1.50"), "1.5"),
        ("toString", {}, True, "true"),
        ("toString", {}, {"b": 1, "a": [None]}, '{"a":[null],"b":1}'),
        ("toString", {}, NOON, "2026-02-02T12:00:00Z"),
        ("toBool", {}, "Yes", True),
        ("toBool", {}, 0, False),
        ("toBool", {}, False, False),
        ("toUtcTimestamp", {}, "2026-02-02T12:00:00Z", NOON),
        ("toUtcTimestamp", {"excess": "truncate"}, "2026-02-02T12:00:00.0000001Z", Truncated(NOON)),
        ("default", {"value": "x"}, None, "x"),
        ("default", {"value": "x"}, "y", "y"),
        ("const", {"value": 5}, "y", 5),
        ("const", {"value": 5}, None, 5),
        ("lower", {}, "ÄB", "äb"),
        ("upper", {}, "äb", "ÄB"),
        ("trim", {}, "  a b\n", "a b"),
        ("mapValues", {"values": {"1": "one", "true": "yes"}}, 1, "one"),
        ("mapValues", {"values": {"1": "one", "true": "yes"}}, True, "yes"),
        ("hash", {}, "a", "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"),
        ("hash", {"salt": "s"}, "a", "02b97b22b1feabf2a6da32dc83bfe1e0dd8a21b3cdbee8a3b6c4ff1c7d8c3a37"),
        ("drop", {}, 5, 5),
        *[(op, {}, None, None) for op in ("toNumber", "toInt", "toString", "toBool", "lower", "hash")],
    ],
)  # fmt: skip
def test_values(op, settings, value, expected):
    if op == "hash" and settings:
        assert _apply(op, value, **settings) != _apply(op, value)
        return
    found = _apply(op, value, **settings)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("op", "settings", "value", "reason"),
    [
        ("toNumber", {}, "x", RejectReason.NOT_A_NUMBER),
        ("toDecimal", {"precision": 18, "scale": 2}, "19.999", RejectReason.DECIMAL_OUT_OF_RANGE),
        ("toInt", {}, "42.5", RejectReason.NOT_AN_INTEGER),
        ("toInt", {}, "9223372036854775808", RejectReason.NOT_AN_INTEGER),
        ("toInt", {}, True, RejectReason.NOT_AN_INTEGER),
        ("toInt", {}, [], RejectReason.NOT_AN_INTEGER),
        ("toInt", {}, Number("1e400"), RejectReason.DECIMAL_OUT_OF_RANGE),
        ("toBool", {}, "maybe", RejectReason.NOT_A_BOOLEAN),
        ("toBool", {}, [], RejectReason.NOT_A_BOOLEAN),
        ("toUtcTimestamp", {}, "x", RejectReason.NOT_A_TIMESTAMP),
        ("lower", {}, 5, RejectReason.TYPE_MISMATCH),
        ("mapValues", {"values": {"a": "b"}}, "c", RejectReason.VALUE_NOT_MAPPED),
    ],
)
def test_values_that_are_refused(op, settings, value, reason):
    with pytest.raises(BadValueError) as caught:
        _apply(op, value, **settings)
    assert caught.value.reason is reason


def test_every_reject_reason_has_a_meaning():
    assert set(REJECT_REASONS) == set(RejectReason)


def test_text_of_a_text_is_itself():
    assert to_text("a") == "a"
