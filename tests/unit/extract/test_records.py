import json

import pytest

from chartly.api.connector import Records
from chartly.errors import Reason, RunError, SpecError
from chartly.extract.records import Number, decode_page, select_records, selection

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
        ({"rows": None}, "$.rows", "cursor", []),
        ({"rows": None}, "$.rows[*].r", "cursor", []),
        ({"rows": None}, "$.rows.all", "cursor", []),
        ({"rows": []}, "$.rows[0].r", "cursor", []),
        (None, "$.rows", "cursor", []),
        (None, None, "page", []),
        ({"items": None}, None, "page", []),
        ({"value": None, "id": 1}, None, "none", [{"value": None, "id": 1}]),
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
    [
        ({"rows": [1]}, "cursor"),
        ({"a": {"rows": []}}, "page"),
        ({"data": [], "items": []}, "none"),
        ({"items": None, "rows": []}, "page"),
    ],
)
def test_where_records_are_is_never_guessed(document, mode):
    with pytest.raises(SpecError, match="set records.path"):
        select_records(json.loads(json.dumps(document)), ANY, mode)


@pytest.mark.parametrize(
    ("document", "path", "says"),
    [
        ({"error": {"code": "rate_limited"}}, None, "the page holds no array: it has 'error'"),
        ({"ok": False}, "$.items", "the page holds nothing where records.path '$.items' leads: it has 'ok'"),
        ({"status": "pending"}, "$.items[*]", "the page holds nothing where records.path '$.items[*]' leads: it has 'status'"),
        ({"a": {"b": 1}}, "$.a.items[?@.x]", "the page holds nothing where records.path '$.a.items[?@.x]' leads: at $['a'] it has 'b'"),
        ({}, "$.rows", "the page holds nothing where records.path '$.rows' leads: it has an object without members"),
        ([], "$.rows", "the page holds nothing where records.path '$.rows' leads: it has an array"),
        ({"a": [{}]}, "$.a[3].rows", "the page holds nothing where records.path '$.a[3].rows' leads: at $['a'] it has an array"),
        ({"rows": "none"}, "$.rows[*]", "records.path '$.rows[*]' leads to text, which holds no records"),
        ({"rows": True}, "$.rows[*]", "records.path '$.rows[*]' leads to true or false, which holds no records"),
        ({"g": [{"items": []}, {"x": 1}]}, "$.g[*].itms[*]", "the page holds nothing where records.path '$.g[*].itms[*]' leads: of 2 places on the way none has what follows; the first has 'items'"),
        ({"g": [None, {"x": 1}]}, "$.g[*].items", "the page holds nothing where records.path '$.g[*].items' leads: of 1 places on the way none has what follows; the first has 'x'"),
        ({"g": [{"ok": 1}, {}]}, "$.g[?@.ok].items[*]", "the page holds nothing where records.path '$.g[?@.ok].items[*]' leads: of 1 places on the way none has what follows; the first has 'ok'"),
        ({"g": [{"items": "none"}]}, "$.g[*].items[*]", "the page holds nothing where records.path '$.g[*].items[*]' leads: of 1 places on the way none has what follows; the first has text"),
        ({"g": [[[1]], [[2]]]}, "$.g[*][1][*]", "the page holds nothing where records.path '$.g[*][1][*]' leads: of 2 places on the way none has what follows; the first has an array"),
        ({"error": {"code": "x"}}, "$..items[*]", "the page holds nothing where records.path '$..items[*]' leads: of 1 places on the way none has what follows; the first has 'error'"),
        ("text", None, "the page holds no array: it has text"),
        (5, None, "the page holds no array: it has a number"),
        ({str(n): 1 for n in range(11)}, None, "the page holds no array: it has '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', ..."),
    ],
)  # fmt: skip
def test_absent_is_not_empty(document, path, says):
    with pytest.raises(RunError) as caught:
        select_records(document, Records(path=path), "page")
    assert (caught.value.reason, caught.value.message) == (Reason.UPSTREAM_UNAVAILABLE, says)


@pytest.mark.parametrize("path", ["$.rows", "$.rows[*]", "$.a.rows[?@.x]", "$..rows[*]"])
def test_records_that_are_optional_may_be_absent(path):
    assert select_records({"ok": True}, Records(path=path, optional=True), "page") == []


@pytest.mark.parametrize(
    ("path", "size"),
    [("$.r[?@.a]", 3), ("$.r[?@.a, ?@.b]", 3), ("$.r[0, ?@.b]", 3), ("$.r[?!@.z]", 3), ("$.r[*]", 3), ("$.r", 3), ("$.r[0:2]", 2)],
)  # fmt: skip
def test_a_page_is_as_large_as_it_is_without_filters(path, size):
    document = {"r": [{"a": 1}, {"b": 1}, {"c": 1}]}
    assert selection(document, Records(path=path), "page").size == size


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ({"g": []}, "$.g[*].items[*]"),
        ({"g": [{"items": []}, {}]}, "$.g[*].items[*]"),
        ({"g": [{"items": None}]}, "$.g[*].items[*]"),
        ({"g": [None]}, "$.g[*].items[*]"),
        ({"g": [[], []]}, "$.g[*][0]"),
        ({"g": []}, "$..items[*]"),
        ({"g": {"items": None}}, "$..items[*]"),
        ({"g": [{"items": {}}]}, "$.g[*].items[*]"),
    ],
)
def test_null_and_empty_are_empty_at_every_depth(document, path):
    found = selection(document, Records(path=path), "page")
    assert (found.records, found.size) == ([], 0)


@pytest.mark.parametrize("path", ["$.g[?@.ok].items[*]", "$.g[?@.ok].items", "$.g[?@.ok][?@.b]"])
def test_a_page_whose_places_are_all_filtered_is_not_empty(path):
    found = selection({"g": [{"no": 0}, {"no": 1}]}, Records(path=path), "page")
    assert (found.records, found.size) == ([], 2)
