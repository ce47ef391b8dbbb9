import gzip
import time
import tracemalloc
import zlib

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartly.errors import Reason, RunError
from chartly_connector.response_body import TruncatedError, read_body

MIB = 1024 * 1024


class Chunks(httpx.SyncByteStream):
    def __init__(self, chunks):
        self._chunks = chunks

    def __iter__(self):
        yield from self._chunks


def read(chunks, encoding=None, limit=MIB, deadline=None):
    headers = {} if encoding is None else {"content-encoding": encoding}
    response = httpx.Response(200, headers=headers, stream=Chunks(chunks))
    late = time.monotonic() + 60 if deadline is None else deadline
    return read_body(response, limit, late, lambda _size: None)


def deflated(body, wbits):
    compress = zlib.compressobj(9, wbits=wbits)
    return compress.compress(body) + compress.flush()


def cut(content, size):
    return [content[start : start + size] for start in range(0, len(content), size)]


BODY = b'{"data": [' + b", ".join(b'{"id": %d}' % n for n in range(300)) + b"]}"
FORMS = [
    (None, BODY, "as it is"),
    ("identity", BODY, "identity"),
    ("gzip", gzip.compress(BODY), "gzip"),
    ("GZip", gzip.compress(BODY), "gzip in another case"),
    ("x-gzip", gzip.compress(BODY), "the old name of gzip"),
    (None, gzip.compress(BODY), "gzip that is not labelled"),
    ("identity", gzip.compress(BODY), "gzip labelled identity"),
    ("deflate", gzip.compress(BODY), "gzip labelled deflate"),
    ("deflate", zlib.compress(BODY), "deflate with a zlib header"),
    ("deflate", deflated(BODY, -15), "raw deflate"),
]


@pytest.mark.parametrize(("encoding", "content", "because"), FORMS)
@pytest.mark.parametrize("size", [1, 2, 3, 100, MIB])
def test_every_encoding_is_read_however_it_is_cut(encoding, content, because, size):
    assert read(cut(content, size), encoding) == BODY, because


@pytest.mark.parametrize("wbits", [-15, 15, 31])
@pytest.mark.parametrize("size", [65534, 65535, 65536, 65537, 65538, 65794, 131072, 131073])
def test_a_body_that_fills_the_decompressor_s_step_is_whole(wbits, size):
    """Input may be used up while a step's worth of output is still to come."""
    body = b"ab" * (size // 2) + b"a" * (size % 2)
    encoding = "gzip" if wbits == 31 else "deflate"
    assert read([deflated(body, wbits)], encoding) == body


@given(st.binary(max_size=300), st.integers(1, 50))
def test_what_is_compressed_comes_back(body, size):
    assert read(cut(gzip.compress(body), size), "gzip") == body


@pytest.mark.parametrize("encoding", [None, "gzip", "deflate"])
def test_nothing_is_an_empty_body(encoding):
    assert read([], encoding) == b""


def test_one_byte_is_a_body():
    assert read([b"1"]) == b"1"


@pytest.mark.parametrize(
    ("encoding", "chunks", "says", "because"),
    [
        ("br", [BODY], "content-encoding 'br' was not asked for", "brotli"),
        ("gzip, gzip", [BODY], "content-encoding 'gzip, gzip' was not asked for", "twice"),
        ("gzip", [BODY], "the body says gzip and is not", "mislabelled"),
        ("gzip", [gzip.compress(BODY)[:-1]], "the compressed body is cut short", "one byte less"),
        ("gzip", [gzip.compress(BODY)[:20]], "the compressed body is cut short", "the head only"),
        ("deflate", [zlib.compress(BODY)[:-1]], "the compressed body is cut short", "one byte less"),
        ("gzip", [gzip.compress(BODY)[:-8] + b"\0" * 8], "the compressed body is damaged", "checksum"),
        ("gzip", [b"\x1f\x8b" + b"\xff" * 50], "the compressed body is damaged", "header"),
        ("gzip", [gzip.compress(BODY) + b"x"], "bytes follow the compressed body", "one byte more"),
        ("gzip", [gzip.compress(BODY), b"x"], "bytes follow the compressed body", "a chunk more"),
    ],
)  # fmt: skip
def test_a_body_that_is_not_what_it_says(encoding, chunks, says, because):
    with pytest.raises(TruncatedError, match=says):
        read(chunks, encoding)


def test_a_body_after_its_deadline_is_not_waited_for():
    with pytest.raises(TruncatedError, match="the body did not arrive in time"):
        read([b"[", b"1]"], deadline=time.monotonic() - 1)


@pytest.mark.parametrize(("limit", "fits"), [(len(BODY), True), (len(BODY) - 1, False)])
@pytest.mark.parametrize("encoding", [None, "gzip"])
def test_the_limit_holds_to_the_byte(limit, fits, encoding):
    content = cut(gzip.compress(BODY) if encoding else BODY, 64)
    if fits:
        assert read(content, encoding, limit) == BODY
    else:
        with pytest.raises(RunError) as caught:
            read(content, encoding, limit)
        assert caught.value.reason is Reason.LIMIT_REACHED
        says = f"a response is larger than transport.maxPayloadBytes {limit}"
        assert caught.value.message == says


def test_the_limit_holds_on_the_wire_too():
    content = b"\x1f\x8b\x08" + b"\0" * 7  # an empty header, and then stored blocks of nothing
    empty_blocks = (b"\x00\x00\x00\xff\xff" for _ in range(10_000))
    with pytest.raises(RunError) as caught:
        read([content, *empty_blocks], "gzip", limit=1000)
    assert caught.value.reason is Reason.LIMIT_REACHED


@pytest.mark.parametrize(("wbits", "encoding"), [(31, "gzip"), (15, "deflate"), (-15, "deflate")])
def test_a_bomb_costs_no_more_than_the_limit(wbits, encoding):
    compress = zlib.compressobj(9, wbits=wbits)
    zeros = b"\0" * MIB
    bomb = b"".join(compress.compress(zeros) for _ in range(256)) + compress.flush()
    assert len(bomb) < MIB
    tracemalloc.start()
    try:
        with pytest.raises(RunError) as caught:
            read([bomb], encoding, limit=4 * MIB)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert caught.value.reason is Reason.LIMIT_REACHED
    assert peak < 16 * MIB
