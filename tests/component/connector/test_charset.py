"""Text that a server sends in another encoding than JSON's."""

import codecs

import pytest

from chartly.errors import Reason, RunError
from chartly_connector.charset import as_utf8

TEXT = '{"name": "Zoë"}'
UTF8 = TEXT.encode()


@pytest.mark.parametrize(
    ("body", "content_type", "expected", "because"),
    [
        (UTF8, "application/json", UTF8, "nothing is said"),
        (UTF8, "", UTF8, "nothing at all"),
        (UTF8, "application/json; charset=utf-8", UTF8, "JSON's own"),
        (UTF8, 'application/json;charset="UTF8"', UTF8, "in another spelling"),
        (UTF8, "text/plain; charset=us-ascii", UTF8, "a part of it"),
        (b"\xff", "application/json", b"\xff", "what is none is left to the reader"),
        (codecs.BOM_UTF8 + UTF8, "application/json", codecs.BOM_UTF8 + UTF8, "a mark is left, too"),
        (TEXT.encode("latin-1"), "application/json; charset=iso-8859-1", UTF8, "Latin-1"),
        (TEXT.encode("latin-1"), "application/json; charset=Latin1 ; x=y", UTF8, "by another name"),
        (TEXT.encode("cp1252"), "application/json; charset=windows-1252", UTF8, "Windows"),
        ('{"p": "5 €"}'.encode("cp1252"), "text/json; charset=windows-1252", '{"p": "5 €"}'.encode(), "Windows, beyond Latin-1"),
        (TEXT.encode("utf-16"), "application/json; charset=utf-16", UTF8, "with a mark"),
        (TEXT.encode("utf-16-le"), "application/json; charset=utf-16", UTF8, "without one"),
        (TEXT.encode("utf-16-be"), "application/json; charset=utf-16", UTF8, "without one, the other way about"),
        (TEXT.encode("utf-16-be"), "application/json; charset=utf-16be", UTF8, "by name"),
        (codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"), "application/json", UTF8, "by a mark alone"),
        (codecs.BOM_UTF16_LE + TEXT.encode("utf-16-le"), "application/json; charset=utf-8", UTF8, "a mark says more"),
        (TEXT.encode("utf-32"), "application/json", UTF8, "four bytes a letter"),
        ("日本".encode("shift_jis"), "application/json; charset=Shift_JIS", "日本".encode(), "Japan"),
        (UTF8, "application/json; charset=utf8mb4", UTF8, "a name that nobody knows, over UTF-8"),
        (UTF8, "application/json; charset=hex", UTF8, "a codec that is no encoding of text"),
        (UTF8, "application/json; charset=\x00", UTF8, "no name at all"),
        ('{"a": "'.encode("utf-16-le") + b"\x00\xd8" + '"}'.encode("utf-16-le"), "text/json; charset=utf-16le", b'{"a": "\xed\xa0\x80"}', "half of a pair stays one"),
        (b'{"a": "\x81\x20"}', "text/json; charset=gbk", b'{"a": "\x81 "}', "what the encoding does not have stays no text"),
        (b"", "application/json; charset=utf-16", b"", "nothing"),
    ],
)  # fmt: skip
def test_text_becomes_utf8(body, content_type, expected, because):
    assert as_utf8(body, content_type) == expected, because


@pytest.mark.parametrize(
    ("body", "content_type", "said"),
    [
        (b"\xff", "application/json; charset=ebcdic-cp-us", "the charset 'ebcdic-cp-us', and the body is not UTF-8"),
        (b"{\x00}", "application/json; charset=utf-16", "the body is not text in utf-16"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_asked_for_again(body, content_type, said):
    """INV-10."""
    with pytest.raises(RunError, match=said) as caught:
        as_utf8(body, content_type)
    assert caught.value.reason is Reason.UPSTREAM_UNAVAILABLE
