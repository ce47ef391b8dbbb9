"""Whatever a page is, the quick way to read it says what the plain way says."""

import random

import pytest

from chartly.api.connector import Records
from chartly.api.normalizer import NormalizerSpec
from chartly.api.storage import StorageSpec
from chartly.errors import ChartlyError, SpecError
from chartly.extract.jsonpath import compile_path
from chartly.extract.lenient import flaw_of, read_document
from chartly.extract.pages import compile_reader
from chartly.extract.records import select_records
from chartly.extract.structs import compile_structs
from chartly.extract.values import listed

MAPPING = {"a": "$.a", "b": "$.n.b", "c": "$.n.c", "e": "$.é"}


def _reader(mapping=MAPPING, path=None, mode="cursor"):
    spec = {"canonicalEventType": "a.b", "mapping": mapping, "identity": (next(iter(mapping)),)}
    return compile_reader(
        Records(path=path), mode, NormalizerSpec.model_validate(spec), StorageSpec(dataset="d")
    )


def _structs(mapping=MAPPING, path=None):
    paths = [compile_path(one) for one in mapping.values()]
    return compile_structs(Records(path=path), paths)


def _plain(body, mapping, path, mode):
    """Number of records, places and values by the rules, or what is wrong with the page."""
    try:
        records = select_records(read_document(body).content, Records(path=path), mode)
    except ChartlyError as error:
        return type(error), error.reason, error.message
    places = [
        place for place, one in enumerate(records) if isinstance(one, dict) and flaw_of(one) is None
    ]
    objects = [records[place] for place in places]
    values = {
        name: [compile_path(one).get(each) for each in objects] for name, one in mapping.items()
    }
    return len(records), places, values, records


def _quick(body, mapping, path, mode):
    try:
        page = _reader(mapping, path, mode).read(body)
    except ChartlyError as error:
        return type(error), error.reason, error.message
    values = {name: listed(column) for name, column in page.columns.items()}
    return page.count, list(page.places), values, page.records()


def _check(body, mapping=MAPPING, path=None, mode="cursor"):
    expected, found = _plain(body, mapping, path, mode), _quick(body, mapping, path, mode)
    assert found == expected
    assert repr(found) == repr(expected)  # tells 1 from true, and a number from its text


RECORDS = [
    b'{"a": 1.5, "skipped": "\xff"}', b'{"a": "\xff"}', b'{"a": 1, "\xff": 2}', b'{"skipped": "\xed\xa0\x80"}', b'{"a": 1, "skipped": "\xc3\xa9"}',
    b'{"skipped": "\\ud800"}', b'{"a": "\\ud800"}', b'{"skipped": "\\ud800\\u0041"}', b'{"\\ud800": 1}', b'{"skipped": "\\ud83d\\ude00"}',
    b'{"skipped": 1e400}', b'{"a": 1e400}', b'{"a": 1e99999999999999999999}', b'{"skipped": NaN}', b'{"a": NaN}', b'{"a": -Infinity}',
    b'{"skipped": ' + b"9" * 4299 + b"}", b'{"skipped": ' + b"9" * 4300 + b"}", b'{"skipped": -' + b"9" * 4299 + b"}", b'{"skipped": -' + b"9" * 4300 + b"}",
    b'{"a": ' + b"9" * 4300 + b"}", b'{"skipped": "' + b"9" * 9999 + b'"}', b'{"skipped": ' + b"[" * 900 + b"]" * 900 + b"}",
    b'{"skipped": ' + b"[" * 9000 + b"]" * 9000 + b"}", b'{"a": ' + b"[" * 9000 + b"]" * 9000 + b"}", b'{"skipped": ' + b'{"x":' * 9000 + b"1" + b"}" * 9000 + b"}",
    b'{"a": 1, "a": 2}', b'{"a": 1, "a": "x"}', b'{"a": {"x": 1, "x": 2.0}}', b'{"n": {"b": 1}, "n": {"c": 2}}', b'{"n": 5, "n": {"b": 1}}', b'{"n": {"b": 1}, "n": 5}',
    b'{"a": "\x00"}', b'{"skipped": "\x00"}', b'{"skipped": "\t"}', b'{"skipped": "\\q"}', b'{"a": "\\u0000"}', b'{"skipped": 01}', b'{"skipped": -}',
    b'{"skipped": 1.}', b'{"skipped": .5}', b'{"skipped": 1e}', b'{"skipped": tru}', b'{"skipped": "\\u12"}', b'{"skipped": [1,]}', b'{"skipped": {"x": 1,}}',
    b'{"\\u0061": "escaped", "\\u00e9": 1}', '{"é": "é"}'.encode(), b'{"a": -0, "n": {"b": -0.0, "c": 1.0}}', b'{"a": true, "n": {"b": 1, "c": null}}',
    b'{"a": 18446744073709551616}', b'{"a": -9223372036854775809}', b'{"n": null}', b'{"n": {}}', b'{"n": []}', b'{"n": "b"}', b'{"n": 5.5}', b'{"n": [{"b": 1}]}',
    b"{}", b"null", b"5", b"1.5", b'"a"', b"[]", b"[1]", b'[{"a": 1}]', b"true", b"{", b'{"a"', b'{"a": 1}}', b"",
]  # fmt: skip


@pytest.mark.parametrize("record", RECORDS, ids=range(len(RECORDS)))
def test_one_odd_record_among_others(record):
    """INV-5."""
    _check(b'{"data": [{"a": "x"}, %b, {"n": {"b": "y"}}]}' % record)


BODIES = [
    (b'{"data": [], "items": []}', None), (b'{"data": [{"a": 1}], "items": null}', None), (b'{"data": {"a": 1}, "items": [{"a": 2}]}', None),
    (b'{"data": {"a": 1}}', None), (b'{"a": 1}', None), (b"{}", None), (b"[]", None), (b'[{"a": 1}, {"a": "x"}]', None), (b"null", None), (b"5", None),
    (b'{"data": [{"a": 1}], "data": [{"a": 2}]}', None), (b'{"data": [{"a": 1}], "data": 5}', None), (b'{"data": 5, "data": [{"a": 1}]}', None),
    (b'{"data": [{"a": 1}], "data": null, "value": [{"a": 3}]}', None), (b'{"data": [{"a": 1}]} x', None), (b'\xef\xbb\xbf{"data": []}', None),
    (b'{"data": [{"a": 1}], "next": "\xff"}', None), (b'{"\xff": 1, "data": []}', None), (b"\xff", None), (b"", None), (b'{"data": [{"a": 1}]', None),
    (b'{"x": {"y": [{"a": 1}]}}', "$.x.y"), (b'{"x": {"y": {"a": 1}}}', "$.x.y"), (b'{"x": {"y": 5}}', "$.x.y"), (b'{"x": {"y": null}}', "$.x.y"),
    (b'{"x": null}', "$.x.y"), (b"{}", "$.x.y"), (b"null", "$.x.y"), (b'{"x": [1]}', "$.x.y"), (b'{"x": "y"}', "$.x.y"), (b"[]", "$.x.y"),
    (b'[{"a": 1}]', "$"), (b'{"a": 1}', "$"), (b"null", "$"), (b"5", "$"), (b'{"x": [[{"a": 1}]]}', "$.x[0]"), (b'{"x": [{"a": 1}]}', "$.x[*]"),
    (b'{"od\\u0064 key": [{"a": 1}]}', "$['odd key']"), (b'{"q\\"": [{"a": 1}]}', "$['q\"']"),
]  # fmt: skip


@pytest.mark.parametrize("mode", ["none", "cursor"])
@pytest.mark.parametrize(("body", "path"), BODIES, ids=range(len(BODIES)))
def test_where_the_records_are(body, path, mode):
    _check(body, path=path, mode=mode)


@pytest.mark.parametrize(
    ("mapping", "by_structs", "because"),
    [
        ({"a": "$.a", "b": "$.n.b"}, True, "plain members"),
        ({"a": "$['odd key'].x", "b": "$['']", "c": "$.class", "d": "$['日本']"}, True, "names that are no identifiers"),
        ({"a": "$.a", "same": "$.a"}, True, "two fields of one value"),
        ({"a": "$.n", "b": "$.n.b"}, False, "one path leads through another's value"),
        ({"b": "$.n.b", "a": "$.n"}, False, "the same, the other way about"),
        ({"a": "$", "b": "$.a"}, False, "the record itself"),
        ({"a": "$.l[0]"}, False, "an index"),
        ({"a": "$.o[0]", "b": "$.o.x"}, False, "an index beside a name"),
        ({"b": "$.a", "a": "$.l[*]"}, False, "a wildcard"),
        ({"a": "$['it\"s']"}, False, "a name with a quote"),
        ({"a": "$.m" + ".m" * 300}, True, "a deep path"),
    ],
)  # fmt: skip
def test_which_paths_the_quick_way_takes(mapping, by_structs, because):
    assert (_structs(mapping) is not None) is by_structs, because
    page = b'[{"a": 1, "n": {"b": "x"}, "odd key": {"x": 2}, "": 3, "class": 4, "\xe6\x97\xa5\xe6\x9c\xac": 5, "l": [6, 7], "it\\"s": 8, "m": {"m": {}}, "o": {"0": 9, "x": 1}}]'
    _check(page, mapping)


@pytest.mark.parametrize(("path", "taken"), [(None, True), ("$.x.y", True), ("$", True), ("$.x[0]", False), ("$.x[*]", False), ("$['q\"']", False)])  # fmt: skip
def test_which_places_of_records_the_quick_way_takes(path, taken):
    assert (_structs(path=path) is not None) is taken


def test_a_reader_learns_what_is_no_text_and_reads_the_same_before_and_after():
    reader = _reader()
    bodies = [
        b'[{"a": "x", "n": {"b": "1"}}]',
        b'[{"a": 1, "n": {"b": "1"}}]',
        b'[{"a": 2, "n": {"b": "1"}}]',
        b'[{"a": 2.5, "n": {"b": true}}]',
        b'[{"a": 99999999999999999999, "n": {"b": "x", "c": 1.5}}]',
        b'[{"a": "x", "n": {"b": null, "c": [1]}}]',
        b"[5]",
        b'[{"a": null}]',
    ]
    for body in [*bodies, *reversed(bodies)]:
        page = reader.read(body)
        found = {name: listed(column) for name, column in page.columns.items()}
        expected = _plain(body, MAPPING, None, "cursor")
        assert repr((page.count, list(page.places), found)) == repr(expected[:3])


def test_a_page_behind_a_byte_order_mark_is_read_in_the_quick_way():
    body = b'\xef\xbb\xbf{"data": [{"a": 1}]}'
    assert not _reader().read(body).is_odd
    assert _reader().read(body.replace(b"1}", b"1}, 5")).is_odd


def test_pages_that_were_damaged_are_refused_alike():
    """INV-5: a seeded walk through bodies with bytes replaced, dropped and doubled."""
    chance = random.Random(5)
    sound = (
        b'{"data": ['
        + b", ".join(
            one for one in RECORDS if len(one) < 40 and one.startswith(b"{") and one.endswith(b"}")
        )
        + b"]}"
    )
    pieces = [
        b'"',
        b"\\",
        b"{",
        b"}",
        b"[",
        b",",
        b"\xff",
        b"\xc3",
        b"1",
        b"e",
        b".",
        b"-",
        b"\x00",
        b"null",
    ]
    for _ in range(1500):
        first = chance.randrange(len(sound))
        start, stop = first, min(len(sound), first + chance.randrange(1, 80))
        part = bytearray(
            b'{"data": [{"s": [' + sound[start:stop].replace(b"]", b"") + b'], "a": 1}]}'
        )
        place = chance.randrange(len(part))
        part[place : place + chance.randrange(3)] = chance.choice(pieces)
        _check(bytes(part))


def test_a_profile_that_cannot_work_makes_no_reader():
    """INV-10."""
    with pytest.raises(SpecError, match=r'spec.mapping.a: "\$.a\[" is no JSONPath'):
        _reader({"a": "$.a["})
