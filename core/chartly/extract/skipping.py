"""Whether a page may be decoded in part: what is skipped is not looked at as closely."""

import re
from codecs import getincrementaldecoder

_STRIDE = 256
_DIGITS = re.compile(rb"[0-9]{16}")
_SLICE = 64 * 1024


def may_skip(body: bytes) -> bool:
    """Whether skipped text is sound: msgspec looks into neither its UTF-8 nor its integers.

    An integer that is too long to be decoded has over 4,000 digits, and so sixteen samples of
    digits in a row; other pages with as many are merely read another way.
    """
    if _DIGITS.search(body[::_STRIDE]) is not None:
        return False
    return body.isascii() or _is_utf8(body)


def _is_utf8(body: bytes) -> bool:
    """Slice by slice: as text, a page may be four times as large."""
    decoder = getincrementaldecoder("utf-8")()
    try:
        for start in range(0, len(body), _SLICE):
            decoder.decode(body[start : start + _SLICE])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True
