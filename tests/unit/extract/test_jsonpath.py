import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonpath_rfc9535 import JSONPathEnvironment

from chartly.errors import RunError, SpecError
from chartly.extract.accessors import Accessors
from chartly.extract.jsonpath import compile_field, compile_path

RECORD = {
    "id": "a",
    "totals": {"amount": "1.5", "tags": ["x", "y"], "none": None},
    "items": [{"n": 1}, {"n": 2}],
    "odd key": {"it's": 3},
    "ünïcode": 4,
}


@pytest.mark.parametrize(
    ("path", "plain", "value", "because"),
    [
        ("$", True, RECORD, "the record itself"),
        ("$.id", True, "a", "a member"),
        ("$.totals.amount", True, "1.5", "a member of a member"),
        ("$['totals']['amount']", True, "1.5", "the same in brackets"),
        ('$["totals"].amount', True, "1.5", "the same with both quotes"),
        ("$['odd key'][\"it's\"]", True, 3, "names that need quotes"),
        ("$.ünïcode", True, 4, "names outside ASCII"),
        ("$.items[1].n", True, 2, "an index"),
        ("$.items[7].n", True, None, "an index that is not there"),
        ("$.totals.tags[0]", True, "x", "an index last"),
        ("$.nope.deeper", True, None, "absent reads as null"),
        ("$.id.deeper", True, None, "text has no members"),
        ("$.totals.none", True, None, "null is null"),
        ("$.totals[0]", True, None, "an object has no index"),
        ("$.items[-1].n", False, 2, "from the end: the library's"),
        ("$.items[*].n", False, [1, 2], "several matches come as a list"),
        ("$.items[?@.n > 1].n", False, [2], "also where there is one match"),
        ("$.items[?@.n > 9].n", False, None, "no match reads as null"),
        ("$..amount", False, ["1.5"], "descendants can be several"),
        ("$.items[0,1].n", False, [1, 2], "so can two indexes"),
        ("$.items[0, 7].n", False, [1], "whatever is there"),
        ("$['items'][-2]['n']", False, 1, "an index from the end is one value"),
        ("$.totals.tags[0:2]", False, ["x", "y"], "a slice"),
    ],
)
def test_paths(path, plain, value, because):
    compiled = compile_path(path)
    assert (compiled.keys is not None) is plain, because
    assert compiled.get(RECORD) == value, because
    assert _column(compiled, [RECORD, {}, RECORD]) == [value, compiled.get({}), value], because


def _column(path, records):
    return Accessors([path]).columns(records)[0]


@pytest.mark.parametrize(
    ("path", "column"),
    [("$.", 2), ("id", 1), ("$.a[", 4), ("$.a b", 4), ("$['a", 3), ("$.items[?@.n >", 14), ("", 1)],
)
def test_a_bad_path_names_its_column(path, column):
    """INV-10."""
    with pytest.raises(SpecError) as caught:
        compile_path(path)
    assert f"path: {json.dumps(path)} is no JSONPath: column " in caught.value.message
    found = int(caught.value.message.split("column ")[1].split(":")[0])
    assert abs(found - column) <= 1


@pytest.mark.parametrize(
    ("text", "value"),
    [("next", "n"), ("meta.next", "m"), ("$.meta.next", "m"), ("meta.gone", None)],
)
def test_fields_of_a_page(text, value):
    assert compile_field(text).get({"next": "n", "meta": {"next": "m"}}) == value


@pytest.mark.parametrize("text", ["", ".", "a..b", "a b", "a[0]", "@.a", "a."])
def test_other_fields_are_refused(text):
    with pytest.raises(SpecError, match="must be a dotted name"):
        compile_field(text)


@pytest.mark.parametrize(
    "odd",
    [{}, {"totals": None}, {"totals": 5}, {"totals": "text"}, {"totals": [1]}, {"totals": {}}],
)
def test_a_column_with_odd_records_reads_them_as_null(odd):
    path = compile_path("$.totals.amount")
    assert _column(path, [RECORD, odd, RECORD]) == ["1.5", None, "1.5"]


def test_a_column_of_one_member_that_ends_in_an_index():
    assert _column(compile_path("$.totals.tags[1]"), [RECORD]) == ["y"]


def test_what_is_too_deep_for_the_library_is_one_sentence():
    """INV-10: an upstream's odd page is no crash."""
    deep = None
    for _ in range(900):
        deep = [deep]
    with pytest.raises(RunError, match=r"the page is nested too deep for path '\$\.\.a'"):
        compile_path("$..a").get(deep)


NAMES = st.sampled_from(["a", "b", "c"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=10,
)


@given(JSON, st.lists(NAMES | st.integers(0, 2), min_size=1, max_size=4))
def test_accessors_agree_with_the_library(document, keys):
    text = "$" + "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in keys)
    values = JSONPathEnvironment().compile(text).find(document).values()
    expected = values[0] if values else None
    assert compile_path(text).get(document) == expected
    if isinstance(document, dict):
        assert _column(compile_path(text), [document]) == [expected]
