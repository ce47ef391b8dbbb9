from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartly.extract.canonical import canonical_json, canonical_payload, recanonicalised
from chartly.extract.records import decode_page


@pytest.mark.parametrize(
    ("golden", "canonical"),
    [
        (b'{"b": 1, "a": 19.990}', b'{"a":19.99,"b":1}'),
        (b'{"a": 1e2, "b": -0.0, "c": 5.0}', b'{"a":100,"b":0,"c":5}'),
        (b'{"a": 100000000000000.01}', b'{"a":100000000000000.01}'),
        (b'{"a": 1e400, "b": 1e-400}', b'{"a":1e400,"b":1e-400}'),
        (b'["\\u00e9", "\\n", null, true]', '["é","\\n",null,true]'.encode()),
        ('{"\U0001f600": 1, "\uffff": 2}'.encode(), '{"\U0001f600":1,"\uffff":2}'.encode()),
    ],
)
def test_there_is_one_spelling(golden, canonical):
    """INV-5; names sort by UTF-16 as RFC 8785 has it."""
    assert recanonicalised(golden) == canonical


def test_a_payload_leaves_nulls_out_and_names_its_type():
    row = {
        "amount": Decimal("19.990000000"),
        "day": date(2026, 2, 2),
        "at": datetime(2026, 2, 2, 12, tzinfo=UTC),
        "gone": None,
        "flag": False,
    }
    assert canonical_payload("sales.event", row) == (
        b'{"amount":19.99,"at":"2026-02-02T12:00:00Z","day":"2026-02-02",'
        b'"flag":false,"type":"sales.event"}'
    )


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(JSON)
def test_canonical_json_reads_back_as_itself(value):
    text = canonical_json(value)
    assert decode_page(text) == value
    assert canonical_json(decode_page(text)) == text


def test_what_can_be_decoded_can_be_written():
    """However deep it is: an upstream must not be able to end a run with a stack overflow."""
    page = b'{"a":[' * 450 + b"1.5" + b"]}" * 450
    assert canonical_json(decode_page(page)) == page
