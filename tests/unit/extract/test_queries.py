"""JSONPath as the product reads it, from the bytes of a page to what a path leads to."""

import json
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartly.errors import SpecError
from chartly.extract.canonical import canonical_json
from chartly.extract.jsonpath import compile_path
from chartly.extract.queries import compile_query
from chartly.extract.records import decode_page

SUITE = Path(__file__).parent / "compliance" / "cts.json"
"""The suite of RFC 9535: github.com/jsonpath-standard/jsonpath-compliance-test-suite."""
CASES = json.loads(SUITE.read_bytes())["tests"]


def _page(value):
    """A value of the suite as it would come in a page, and as it is read."""
    return decode_page(json.dumps(value).encode())


def _exactly(value):
    """So that 1 is not true, and text is no number."""
    return canonical_json(value)


def test_the_suite_is_whole():
    assert len(CASES) == 703
    assert sum("invalid_selector" in case for case in CASES) == 247


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_the_suite_of_the_standard(case):
    """INV-10: what is no RFC 9535 is refused, what is one finds what the standard says."""
    if case.get("invalid_selector"):
        with pytest.raises(SpecError):
            compile_path(case["selector"])
        return
    path = compile_path(case["selector"])
    results = case.get("results", [case.get("result")])
    found = path.get(_page(case["document"]))
    if path.singular:
        found = [] if found is None else [found]
        results = [[one for one in result if one is not None] for result in results]
    assert _exactly(found or []) in [_exactly(_page(result)) for result in results]
    if path.keys is None:
        values = compile_query(case["selector"]).values(_page(case["document"]))
        assert _exactly(values) in [_exactly(_page(result)) for result in results]


@pytest.mark.parametrize(
    ("query", "page", "found", "because"),
    [
        ("$[?@.a==1.1]", '[{"a":1.1},{"a":1.10},{"a":"1.1"}]', '[{"a":1.1},{"a":1.10}]', "zeros at the end say nothing"),
        ("$[?@.a==1.10]", '[{"a":1.1}]', '[{"a":1.1}]', "nor do they in the filter"),
        ("$[?@.a==0.01]", '[{"a":1e-2},{"a":1E-02}]', '[{"a":1e-2},{"a":1E-02}]', "an exponent is a way to write"),
        ("$[?@.a==1e2]", '[{"a":100},{"a":1e2},{"a":100.0}]', '[{"a":100},{"a":1e2},{"a":100.0}]', "whole or not is one number"),
        ("$[?@.price > 10.5]", '[{"price":10.5},{"price":10.51},{"price":11},{"price":"99"}]', '[{"price":10.51},{"price":11}]', "text is no number"),
        ("$[?@.a == 0.1234567890123456789012345678901234567]", '[{"a":0.1234567890123456789012345678901234567},{"a":0.1234567890123456789012345678901234568}]', '[{"a":0.1234567890123456789012345678901234567}]', "38 digits"),
        ("$[?@.a == 9007199254740993]", '[{"a":9007199254740992},{"a":9007199254740993}]', '[{"a":9007199254740993}]', "beyond 2^53"),
        ("$[?@.a > 9007199254740992]", '[{"a":9007199254740993},{"a":9007199254740992.0}]', '[{"a":9007199254740993}]', "beyond 2^53"),
        ("$[?@.a < 1e400]", '[{"a":9e399},{"a":1e400},{"a":1}]', '[{"a":9e399},{"a":1}]', "beyond what a float can hold"),
        ("$[?@.a == 1e400]", '[{"a":1e400},{"a":2e400}]', '[{"a":1e400}]', "beyond what a float can hold"),
        ("$[?@.a == -0]", '[{"a":0},{"a":-0.0},{"a":0e5}]', '[{"a":0},{"a":-0.0},{"a":0e5}]', "minus zero is zero"),
        ("$[?@.a == @.b]", '[{"a":1.0,"b":1},{"a":"1.0","b":1.0},{"a":[1.0],"b":[1]},{"a":[1],"b":[true]},{"a":{"x":1e0},"b":{"x":1}}]', '[{"a":1.0,"b":1},{"a":[1.0],"b":[1]},{"a":{"x":1e0},"b":{"x":1}}]', "also inside of arrays and objects"),
        ("$[?@.a != 1.0]", '[{"a":1},{"a":2},{}]', '[{"a":2},{}]', "nothing is not a number"),
        ("$[?@.a <= '1.5']", '[{"a":1.5},{"a":"1.5"}]', '[{"a":"1.5"}]', "a number is no text"),
        ("$[?length(@.a) == 3]", '[{"a":1.5},{"a":"1.5"}]', '[{"a":"1.5"}]', "a number has no length"),
        ("$[?match(@.a, '1.5')]", '[{"a":1.5},{"a":"1.5"}]', '[{"a":"1.5"}]', "nor a pattern"),
        ("$[?search('1x5', @.a)]", '[{"a":1.5},{"a":"1.5"}]', '[{"a":"1.5"}]', "nor is it one"),
        ("$[?@]", '[0, false, "", null, 0.0]', '[0, false, "", null, 0.0]', "what is there is there, whatever it is"),
        ("$[?count(@) == 1]", "[0, 1.5]", "[0, 1.5]", "a node is one, whatever it is"),
        ("$[?@.a == true]", '[{"a":true},{"a":1},{"a":1.0}]', '[{"a":true}]', "true is no number"),
    ],
)  # fmt: skip
def test_numbers_compare_exactly(query, page, found, because):
    """INV-5."""
    values = compile_path(query).get(decode_page(page.encode()))
    assert repr(values) == repr(decode_page(found.encode())), because


NUMBERS = st.builds(
    lambda digits, exponent: f"{digits}e{exponent}", st.integers(-(10**20), 10**20), st.integers(-30, 30)
) | st.integers(-(2**70), 2**70).map(str) | st.decimals(-(10**9), 10**9, allow_nan=False).map(lambda one: f"{one:f}")  # fmt: skip


@given(NUMBERS, NUMBERS)
def test_a_filter_and_a_page_compare_as_decimals_do(left, right):
    """INV-5: whichever side of a comparison a number stands on."""
    one, other = Decimal(left), Decimal(right)
    truths = {"==": one == other, "!=": one != other, "<": one < other, ">": one > other, "<=": one <= other, ">=": one >= other}  # fmt: skip
    page = decode_page(f'[{{"a": {left}, "b": {right}}}]'.encode())
    for operator, truth in truths.items():
        for query in (f"@.a {operator} @.b", f"{left} {operator} @.b", f"@.a {operator} {right}"):
            found = compile_path(f"$[?{query}]").get(page)
            assert (found is not None) is truth, (query, left, right)


@pytest.mark.parametrize("number", ["01", "-01", "1.", "00.5", "1e", "+1"])
def test_what_is_no_number_is_refused(number):
    with pytest.raises(SpecError):
        compile_path(f"$[?@.a == {number}]")


def test_a_path_that_finds_something_has_no_dead_end():
    assert compile_query("$.a[*].b").dead_ends({"a": [{"b": 1}, {"c": 2}]}) == []
