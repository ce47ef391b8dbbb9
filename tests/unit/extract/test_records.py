import json

import pytest

from chartly.api.connector import Records
from chartly.errors import Reason, RunError, SpecError
from chartly.extract.records import Number, decode_page, select_records

ANY = Records()


def test_numbers_are_exact():
    page = b'{"a": 100000000000000.01, "b": 123456789012345678901234567890, "c": 1e2, "d": -0.0}'
    found = decode_page(page)
    assert found == {
        "a": "100000000000000.01",
        "b": 123456789012345678901234567890,
        "c": "1e2",
        "d": "-0.0",
    }
    assert type(found["a"]) is Number


@pytest.mark.parametrize(
    "page",
    [
        b"",
        b"<html>",
        b'{"a": 1',
        b'{"a": NaN}',
        b"[Infinity]",
        b"\xff",
        b'["\xff"]',
        b"[1] 2",
        b"[" * 100_000,
    ],
    ids=range(9),
)
def test_what_is_not_json_may_be_asked_for_again(page):
    with pytest.raises(RunError) as caught:
        decode_page(page)
    assert caught.value.reason is Reason.UPSTREAM_UNAVAILABLE
    assert "\n" not in caught.value.message


@pytest.mark.parametrize(
    ("document", "path", "mode", "records"),
    [
        ([1, 2], None, "cursor", [1, 2]),
        ({"data": [1], "next": 2}, None, "cursor", [1]),
        ({"items": []}, None, "page", []),
        ({"value": [1], "data": 5}, None, "page", [1]),
        ({"id": 1}, None, "none", [{"id": 1}]),
        ({"rows": [1, 2]}, "$.rows", "cursor", [1, 2]),
        ({"rows": {"id": 1}}, "$.rows", "cursor", [{"id": 1}]),
        ({}, "$.rows", "cursor", []),
        ({"rows": [{"r": 1}, {"r": 2}]}, "$.rows[*].r", "cursor", [1, 2]),
        ({"rows": [None]}, "$.rows[*]", "cursor", [None]),
        ({"rows": [{"r": [1]}]}, "$.rows[*].r", "cursor", [1]),
        ({"rows": [{"r": [1, 2]}, {"r": [3]}, {"r": 4}]}, "$.rows[*].r", "cursor", [1, 2, 3, 4]),
        ({"rows": [[1], [2]]}, "$.rows[-1]", "cursor", [2]),
        ({"rows": []}, "$.rows[*]", "cursor", []),
    ],
)
def test_records_of_a_page(document, path, mode, records):
    assert select_records(document, Records(path=path), mode) == records


@pytest.mark.parametrize(
    ("document", "mode"),
    [({"id": 1}, "cursor"), ({"data": [], "items": []}, "none"), ("text", "none"), (5, "page")],
)
def test_where_records_are_is_never_guessed(document, mode):
    with pytest.raises(SpecError, match="set records.path"):
        select_records(json.loads(json.dumps(document)), ANY, mode)
