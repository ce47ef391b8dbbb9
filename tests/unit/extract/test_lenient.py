"""One record that is no JSON does not stop its page: it is refused, and the others are read."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartly.api.connector import Records
from chartly.api.normalizer import NormalizerSpec
from chartly.api.pagination import Pagination
from chartly.api.storage import StorageSpec
from chartly.errors import Reason, RunError
from chartly.extract.lenient import flaw_of, read_document
from chartly.extract.pages import compile_reader
from chartly.extract.peek import Peek
from chartly.extract.records import decode_page
from chartly.extract.reject import RejectReason
from chartly.extract.shaper import compile_shaper

MAPPINGS = {
    "structs": {"event_id": "$.id", "a": "$.n.a"},
    "accessors": {"event_id": "$.id", "a": "$.n.a", "first": "$.l[0]"},
    "library": {"event_id": "$.id", "a": "$.n.a", "all": "$.l[*]"},
}
MARK = b"\xef\xbb\xbf"


def _shaped(body, mapping=MAPPINGS["structs"], path="$.rows"):
    normalizer = NormalizerSpec.model_validate({"canonicalEventType": "a.b", "mapping": mapping})
    storage = StorageSpec(dataset="d")
    page = compile_reader(Records(path=path), "nextUrl", normalizer, storage).read(body)
    return compile_shaper(normalizer, storage).shape([page])


def _peek(body, path="$.rows"):
    pagination = Pagination.model_validate({"mode": "nextUrl", "responseField": "next"})
    return Peek(Records(path=path), pagination).page(body)


UNICODE, JSON = RejectReason.NOT_UNICODE, RejectReason.NOT_JSON
FLAWED = [
    (b'{"id": "x", "skipped": "\\ud800"}', UNICODE, "$.skipped", b'{"id":"x","skipped":"\\ud800"}', "half a pair, where nobody looks"),
    (b'{"id": "\\udc00"}', UNICODE, "$.id", b'{"id":"\\udc00"}', "the other half, where somebody does"),
    (b'{"id": "x", "n": {"a": ["y", "\\ud83d\\u0041"]}}', UNICODE, "$.n.a[1]", b'{"id":"x","n":{"a":["y","\\ud83dA"]}}', "half a pair before a letter"),
    (b'{"id": "x", "skipped": "caf\xe9"}', UNICODE, "$.skipped", b'{"id":"x","skipped":"caf\\udce9"}', "a byte of Latin-1"),
    (b'{"id": "\xff"}', UNICODE, "$.id", b'{"id":"\\udcff"}', "a byte that is never UTF-8"),
    (b'{"id": "x", "skipped": "\xed\xa0\x80"}', UNICODE, "$.skipped", b'{"id":"x","skipped":"\\udced\\udca0\\udc80"}', "half a pair as bytes"),
    (b'{"id": "x", "od\xffd": 1}', UNICODE, "$", b'{"id":"x","od\\udcffd":1}', "a name"),
    (b'{"id": "x", "it\'s": {"\\ud800": 1}}', UNICODE, "$['it\\'s']", b'{"id":"x","it\'s":{"\\ud800":1}}', "a name further in"),
    (b'{"id": "x", "n": {"a": NaN}}', JSON, "$.n.a", b'{"id":"x","n":{"a":NaN}}', "NaN, where somebody looks"),
    (b'{"id": "x", "skipped": [1, -Infinity]}', JSON, "$.skipped[1]", b'{"id":"x","skipped":[1,-Infinity]}', "where nobody does"),
    (b'{"id": "x", "skipped": ' + b"9" * 4301 + b"}", JSON, "$.skipped", b'{"id":"x","skipped":' + b"9" * 4301 + b"}", "an integer that nothing can hold"),
    (b"NaN", JSON, "$", b"NaN", "a record that is nothing"),
    (b'"\\ud800"', UNICODE, "$", b'"\\ud800"', "a record that is text"),
]  # fmt: skip


@pytest.mark.parametrize("mapping", MAPPINGS)
@pytest.mark.parametrize(
    ("record", "reason", "path", "shown", "because"), FLAWED, ids=range(len(FLAWED))
)
def test_one_record_is_refused_and_the_others_are_loaded(record, reason, path, shown, because, mapping):  # fmt: skip
    """INV-4: with its reason and place; the connector counts as many records as the loader."""
    body = b'{"rows": [{"id": "a", "n": {"a": "1"}}, %b, {"id": "c"}], "next": "n"}' % record
    shaped = _shaped(body, MAPPINGS[mapping])
    assert shaped.keys == ["a", "c"], because
    (reject,) = shaped.rejections
    assert (reject.index, reject.reason, reject.path, reject.field) == (1, reason, path, "")
    assert reject.record == shown
    assert reject.message.startswith(f"{path} ")
    assert len(reject.message) < 200
    assert (shaped.read, _peek(body).records, _peek(body).members["responseField"]) == (
        (3,),
        3,
        "n",
    )


@pytest.mark.parametrize("path", ["$.rows", "$.rows[*]", "$.rows[?@.id]", None])
def test_wherever_the_records_are(path):
    name = "data" if path is None else "rows"
    body = b'{"%b": [{"id": "a"}, {"id": "b", "x": NaN}, {"id": "c"}], "next": "n"}' % name.encode()
    shaped = _shaped(body, path=path)
    assert (shaped.keys, shaped.read, len(shaped.rejections)) == (["a", "c"], (3,), 1)
    assert _peek(body, path).records == 3


@pytest.mark.parametrize("around", [b'"took": NaN', b'"note": "\\ud800"', b'"note": "\xff"', b'"\xff": 1'])  # fmt: skip
def test_what_is_wrong_around_the_records_harms_none_of_them(around):
    body = b'{%b, "rows": [{"id": "a"}, {"id": "b"}], "next": "n"}' % around
    shaped = _shaped(body)
    assert (shaped.keys, shaped.rejections) == (["a", "b"], [])
    assert _peek(body).records == 2


@pytest.mark.parametrize("token", [b'"\\ud800"', b'"\xff"', b"NaN", b'{"x": NaN}'])
def test_a_token_that_is_no_json_is_not_gone_on_from(token):
    """INV-10: it is asked for again, and the sentence says where it stands."""
    with pytest.raises(RunError, match="what the page has at 'next' ") as caught:
        _peek(b'{"rows": [{"id": "a"}], "next": %b}' % token)
    assert caught.value.reason is Reason.UPSTREAM_UNAVAILABLE


@pytest.mark.parametrize(
    "body", [b'{"rows": [{"id": "a"', b'{"rows": [{"id": 01}]}', b'{"rows": [NaN', b'{"rows": ["\xff]}', b"<html>\xff", b"", b'{"rows": ["\t"]}', b"[" * 100_000]
)  # fmt: skip
def test_where_no_record_ends_the_page_is_refused_as_before(body):
    for read in (read_document, _shaped, _peek):
        with pytest.raises(RunError) as caught:
            read(body)
        with pytest.raises(RunError) as before:
            decode_page(body)
        assert caught.value.message == before.value.message


@pytest.mark.parametrize("body", [b'{"rows": [{"id": "a"}], "next": "n"}', b'{"rows": [{"id": "a"}, 5, {"id": "\\ud800"}], "next": "n"}'])  # fmt: skip
def test_a_byte_order_mark_says_nothing(body):
    marked, plain = _shaped(MARK + body), _shaped(body)
    assert (marked.keys, marked.read, marked.rejections) == (plain.keys, plain.read, plain.rejections)  # fmt: skip
    assert _peek(MARK + body) == _peek(body)


def test_a_mark_elsewhere_is_text():
    assert _shaped(b'{"rows": [{"id": "%b"}]}' % MARK).keys == ["\ufeff"]


def test_null_among_the_records_is_one_that_is_refused():
    body = b'{"rows": [null], "next": null}'
    for path in ("$.rows", "$.rows[*]"):
        assert _peek(body, path).records == 1
        (reject,) = _shaped(body, path=path).rejections
        assert reject.reason is RejectReason.RECORD_NOT_OBJECT


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@given(st.lists(JSON_VALUES, min_size=1, max_size=5), st.data())
def test_the_lenient_reading_differs_in_the_flawed_record_alone(records, data):
    """INV-5."""
    texts = [json.dumps(one, ensure_ascii=data.draw(st.booleans())) for one in records]
    sound = decode_page(f"[{','.join(texts)}]".encode())
    place = data.draw(st.integers(0, len(texts)))
    flawed = [*texts[:place], '{"x": NaN}', *texts[place:]]
    document = read_document(f"[{','.join(flawed)}]".encode())
    assert not document.sound
    found = document.content
    assert flaw_of(found.pop(place)) is not None
    assert repr(found) == repr(sound)
    assert [flaw_of(one) for one in found] == [None] * len(records)
