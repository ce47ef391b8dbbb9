"""Whatever a page is, a peek at it says what decoding it whole says."""

import random
import tracemalloc
from itertools import product

import pytest

from chartly.api.connector import Records
from chartly.api.pagination import Pagination
from chartly.errors import ChartlyError, Reason, RunError, SpecError
from chartly.extract import peek as module
from chartly.extract.jsonpath import compile_field
from chartly.extract.lenient import flaw_of, read_document
from chartly.extract.peek import Glance, Peek
from chartly.extract.records import decode_page, select_records


def _peek(path="$.rows", field="next", mode="nextUrl"):
    needs = {"requestParam": "c"} if mode == "cursor" else {}
    pagination = {"mode": mode, **needs} | ({"responseField": field} if field else {})
    return Peek(Records(path=path), Pagination.model_validate(pagination))


def _plain(path, field, mode):
    """The rules, without a quick way."""

    def page(body):
        document = read_document(body).content
        records = select_records(document, Records(path=path), mode)
        members = {}
        if field and compile_field(field).matches(document):
            members["responseField"] = token = compile_field(field).get(document)
            if (flaw := flaw_of(token)) is not None:
                message = f"what the page has at {field!r} {flaw.message}"
                raise RunError(Reason.UPSTREAM_UNAVAILABLE, message)
        return Glance(len(records), len(records), members)

    return page


def _outcome(page, body):
    """Number of records and token, or what is wrong with the page."""
    try:
        glance = page(body)
    except ChartlyError as error:
        return type(error), error.reason, error.message
    return glance.records, glance.size, glance.members


def _check(body, path="$.rows", field="next", mode="nextUrl"):
    expected = _outcome(_plain(path, field, mode), body)
    found = _outcome(_peek(path, field, mode).page, body)
    assert found == expected
    assert repr(found) == repr(expected)  # tells 1 from true, and a number from its text
    # A token that is a number with a fraction is text of a type of its own.
    assert list(map(type, _values(found))) == list(map(type, _values(expected)))


def _values(outcome):
    return list(outcome[2].values()) if isinstance(outcome[2], dict) else outcome


VALUES = [
    b"null", b"true", b"false", b"0", b"-0", b"-0.0", b"1", b"1.0", b"1e5", b"1e400", b"1e99999999999999999999", b"18446744073709551616", b"-9223372036854775809",
    b'""', b'"x"', b'"https://a.example/?p=2"', b"[]", b"{}", b"[1]", b"[[]]", b"[{}]", b'[{"a": 1}, {"a": "x"}]', b"[null]", b"[{}, 5]", b'[{}, "x"]', b"[{}, []]", b'{"next": 1}', b'{"rows": [{}]}',
    b"9" * 4299, b"9" * 4300, b"9" * 4301, b"-" + b"9" * 4299, b"-" + b"9" * 4300, b"0." + b"9" * 5000, b'"' + b"9" * 9999 + b'"', b"[" + b"9" * 4300 + b"]",
    b'"\xff"', b'"\xc3\xa9"', b'"\xed\xa0\x80"', b'"\xf4\x90\x80\x80"', b'"\xc0\x80"', b'"\\ud800"', b'"\\ud800\\u0041"', b'"\\udc00"', b'"\\ud83d\\ude00"', b'"\\u0000"', b'"\\u00e9"', b'"\\u12"',
    b'"\x00"', b'"\t"', b'"\x7f"', b'"\\q"', b'"\\/"', b'"\\', b'"', b"NaN", b"Infinity", b"-Infinity", b"-", b"+1", b"01", b"-01", b"1.", b".5", b"1e", b"1e+", b"tru", b"nul", b"nulll", b"'x'",
    b"[1,]", b"[,1]", b"[1 2]", b'{"x": 1,}', b'{"x" 1}', b"{1: 2}", b'{"x"}', b'{"x": 1 "y": 2}', b"[", b"{", b"]", b"}", b"", b"/* */ 1",
    b'{"\xff": 1}', b'{"\\ud800": 1}', b'{"\\q": 1}', b'{"\t": 1}', b'{"x": 1, "x": 2}', b'[{"\xff": 1}]', b'[{"\\ud800": 1}]', b'[{"\\q": 1}]', b'[{"a": 1, "a": 01}]',
    b"[" * 900 + b"]" * 900, b"[" * 9000 + b"]" * 9000, b'{"x":' * 9000 + b"1" + b"}" * 9000, b"[" * 9000,
]  # fmt: skip
PAGES = [
    b'{"rows": [{"skipped": %b}], "next": "n"}',
    b'{"rows": [{"a": 1}, %b, {}], "next": 7}',
    b'{"rows": %b, "next": "n"}',
    b'{"rows": [{}], "next": %b}',
    b'{"rows": [{}], "next": "n", "skipped": %b}',
    b'{"rows": [{}, {}], "next": "n"} %b',
    b'{"rows": [{}], "rows": %b, "next": "m", "next": "n"}',
    b'{"rows": %b, "next": {"x": 1.5}, "rows": [{}]}',
    b'{"next": "n", "rows": [{}], "next": %b}',
    b"[%b]",
    b"%b",
]


@pytest.mark.parametrize("page", PAGES, ids=range(len(PAGES)))
@pytest.mark.parametrize("value", VALUES, ids=range(len(VALUES)))
def test_one_odd_value_in_a_page(page, value):
    """INV-4 begins with the records that the connector counts."""
    _check(page % value)


def test_pages_that_were_damaged_are_refused_alike():
    """A seeded walk through pages with bytes replaced, dropped and put in."""
    chance = random.Random(5)
    sound = '{"a": [{"é": "\\u00e9 x", "n": -1.5e3}, {"n": null, "t": true}], "rows": [{"b": [1, {}]}, {"c": {}}], "next": "é"}'.encode()
    pieces = [b'"', b"\\", b"{", b"}", b"[", b"]", b",", b":", b"\xff", b"\xc3", b"1", b"e", b".", b"-", b"\x00", b"null", b"{}"]  # fmt: skip
    for _ in range(3000):
        body = bytearray(sound)
        place = chance.randrange(len(body))
        body[place : place + chance.randrange(4)] = chance.choice(pieces)
        _check(bytes(body))


BODIES = [
    b'{"data": [{"a": 1}], "next": "n"}', b'{"data": [], "items": [], "next": "n"}', b'{"data": [{"a": 1}], "items": null}', b'{"data": {"a": 1}, "items": [{"a": 2}]}',
    b'{"data": {"a": 1}}', b'{"data": [1, 2]}', b'{"value": [{}], "next": 1.5}', b'{"a": 1}', b"{}", b"[]", b'[{"a": 1}, {}]', b"[1, 2]", b"[[{}]]", b"null", b"5", b'"x"', b"", b"[", b"\xff",
    b'{"data": [{}], "data": [{}, {}]}', b'{"data": [{}], "data": 5}', b'{"data": 5, "data": [{}]}', b'{"data": [{}], "data": null, "value": [{}]}', b'{"data": [{}]} x', b'\xef\xbb\xbf{"data": []}',
    b'{"data": [{}], "next": false}', b'{"data": [{}], "next": true}', b'{"data": [{}], "next": 99999999999999999999}', b'{"da\\u0074a": [{}], "n\\u0065xt": "n"}',
    b'{"x": {"y": [{}, {}], "next": "n"}}', b'{"x": {"y": [{}]}, "x": {"next": "n"}}', b'{"x": {"y": [{}]}, "x": 5}', b'{"x": 5, "x": {"y": [{}]}}', b'{"x": {"y": {}}}', b'{"x": {"y": 5}}', b'{"x": {"y": null}}',
    b'{"x": null, "meta": {"next": "n"}}', b'{"x": [1]}', b'{"x": {"y": [{}]}, "meta": 5}', b'{"x": {"y": [{}]}, "meta": null}', b'{"x": {"y": [{}]}, "meta": [{"next": "n"}]}', b'{"x": {"y": [{}]}, "meta": {"next": "a"}, "meta": {}}',
    b'{"data": [{}, {}], "meta": {"next": {"next": [1.5, {"a": 1}]}}}', b'{"x": [[{}], "n"]}', b'{"x": [{"y": 1}, {"y": 2}]}', b'{"odd k\\u0065y": [{}], "": "n"}', b'{"q\\"": [{}]}', '{"é": [{}], "日": "本"}'.encode(),
]  # fmt: skip
PATHS = [None, "$", "$.x", "$.x.y", "$.data", "$.x[0]", "$.x[*]", "$['odd key']", "$['q\"']", "$.é", "$.next"]  # fmt: skip
FIELDS = ["next", "meta.next", "x.next", "x.y", "x", "data", "data.next", "$.next", "$['']", "$", "$[0]", "$.x[1]", "$.meta[*]", "日", None]  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
def test_where_the_records_and_the_token_are(path):
    for body, field in product(BODIES, FIELDS):
        _check(body, path, field, "nextUrl" if field else "none")
        _check(body, path, field, "page")


@pytest.mark.parametrize(
    ("path", "field", "body", "because"),
    [
        ("$.rows", "next", b'{"rows": [{"a": 1.5}, {}], "next": "n", "more": [1]}', "the flights' form"),
        ("$.a.rows", "a.next", b'{"a": {"rows": [{}, {}], "next": "n"}}', "both in one object"),
        ("$.rows", "$.next", b'{"rows": [{}, {}], "next": "n"}', "a field that is a JSONPath"),
        ("$.rows", "next", b'{"rows": [{"a": "\xc3\xa9"}, {}], "next": "n"}', "text that is not ASCII"),
        (None, "meta.next", b'{"items": [{}, {}], "meta": {"next": "n"}}', "records by their name"),
        (None, "next", b'{"data": null, "items": [{}, {}], "next": "n"}', "a null where records could be"),
    ],
)  # fmt: skip
def test_usual_pages_are_not_decoded_whole(monkeypatch, path, field, body, because):
    monkeypatch.setattr(module, "read_document", lambda _body: 1 / 0)
    glance = _peek(path, field).page(body)
    assert (glance.records, glance.members) == (2, {"responseField": "n"}), because


@pytest.mark.parametrize(("path", "field"), [(None, None), ("$", None), (None, "next")])
def test_a_page_that_is_an_array_is_not_decoded_whole(monkeypatch, path, field):
    monkeypatch.setattr(module, "read_document", lambda _body: 1 / 0)
    glance = _peek(path, field, "page").page(b'[{"a": 1}, {}]')
    assert (glance.records, glance.members) == (2, {})


@pytest.mark.parametrize("path", ["$" + ".m" * 499, "$" + ".m" * 100])
def test_a_deep_path_is_read_alike(path):
    depth = path.count(".")
    _check(b'{"m":' * depth + b"[{}, {}]" + b"}" * depth, path)


@pytest.mark.parametrize("inner", [b"", b"1", b"1.5", b'"x"', b"{}"])
def test_pages_are_too_deep_alike(inner):
    """The limit is Python's own, and counts calls: a peek must not take what decoding refuses."""

    def nested(depth):
        return b'{"rows": [{"a": ' + b"[" * depth + inner + b"]" * depth + b'}], "next": "n"}'

    low, high = 100, 5000
    while high - low > 1:
        middle = (low + high) // 2
        fits = _outcome(_plain("$.rows", "next", "nextUrl"), nested(middle)) == (
            1,
            1,
            {"responseField": "n"},
        )
        low, high = (middle, high) if fits else (low, middle)
    for depth in range(low - 4, low + 5):
        _check(nested(depth))


@pytest.mark.parametrize("text", ["é", "日", "😀"])
@pytest.mark.parametrize("cut", range(5))
@pytest.mark.parametrize("at", [65_536, 131_072])
def test_text_that_is_not_ascii_is_read_alike_wherever_it_stands(text, cut, at):
    """It is looked at in slices, whose ends may lie within a letter."""
    start = b'{"rows": [{}], "next": "n", "skipped": "'
    padding = b"x" * (at - len(start) - cut)
    for letter in (text.encode(), text.encode()[:-1], text.encode() + b"\x80"):
        _check(start + padding + letter + b'"}')
        _check(start + padding + letter)


@pytest.mark.parametrize("text", ["plain", "é", "😀"])
def test_a_peek_needs_a_fraction_of_what_decoding_needs(text):
    record = f'{{"id": "a text of some length", "n": 1.5, "t": "{text}"}}'
    body = f'{{"rows": [{", ".join([record] * 20_000)}]}}'.encode()

    def peak(read):
        tracemalloc.start()
        try:
            read(body)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert peak(_peek().page) * 5 < peak(decode_page)


@pytest.mark.parametrize(("path", "field"), [("$.a[", "next"), ("$.a", "$.a["), ("$.a", "a..b")])
def test_a_profile_that_cannot_work_makes_no_peek(path, field):
    """INV-10."""
    with pytest.raises(SpecError):
        _peek(path, field)


def test_records_that_are_nested_too_deep_are_told():
    records: list[object] = []
    for _ in range(100_000):
        records = [records]
    with pytest.raises(RunError, match="nested too deep") as caught:
        module._digest_of(records)
    assert caught.value.reason is Reason.UPSTREAM_UNAVAILABLE
