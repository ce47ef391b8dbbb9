"""Whether a page may be decoded in part: skipped text is not validated as closely."""

import re
from codecs import getincrementaldecoder

_STRIDE = 256
_DIGITS = re.compile(rb"[0-9]{16}")
_PART = 64 * 1024


def may_skip(body: bytes) -> bool:
    """Whether skipped text is valid: msgspec validates neither its UTF-8 nor its integers.

    An integer that is too long to be decoded has over 4,000 digits, and so sixteen samples of
    digits in a row; a page that has as many by chance is decoded whole.
    """
    if _DIGITS.search(body[::_STRIDE]) is not None:
        return False
    return body.isascii() or _is_utf8(body)


def _is_utf8(body: bytes) -> bool:
    """Whether bytes are UTF-8, part by part: as text, a page may be four times as large."""
    decoder = getincrementaldecoder("utf-8")()
    try:
        for start in range(0, len(body), _PART):
            decoder.decode(body[start : start + _PART])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True
