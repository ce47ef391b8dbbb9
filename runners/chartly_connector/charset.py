"""Converts a response's text to UTF-8, the form in which pages are stored and read."""

import codecs
import re

from chartly.errors import Reason, RunError

_CHARSET = re.compile(r"""charset\s*=\s*["']?([^\s"';,]+)""", re.IGNORECASE)
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_WIDE = frozenset(("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"))
_TABLES = frozenset(
    (
        *(f"iso8859-{part}" for part in (*range(1, 12), *range(13, 17))),
        *(f"cp{page}" for page in range(1250, 1259)),
        *("koi8-r", "koi8-u", "shift_jis", "cp932", "euc_jp", "euc_kr"),
        *("gb2312", "gbk", "gb18030", "big5"),
    )
)
_SAME = frozenset(("utf-8", "ascii"))


def as_utf8(body: bytes, content_type: str) -> bytes:
    """The text of a body in UTF-8; a body in UTF-8 stays unchanged, byte for byte.

    A byte order mark overrides the content type. Half of a surrogate pair stays invalid in UTF-8:
    the reader of the page rejects the one record that holds it.

    Raises:
        RunError: ``UpstreamUnavailable``: the encoding of the content type is not supported, or
            the body is not in it.
    """
    charset = _marked(body) or _declared(body, content_type)
    if charset in _SAME:
        return body
    errors = "surrogatepass" if charset in _WIDE else "surrogateescape"
    try:
        text = body.decode(_with_byte_order(charset, body), errors)
    except UnicodeDecodeError:
        raise RunError(
            Reason.UPSTREAM_UNAVAILABLE,
            f"the body is not text in {charset}, which its content-type or byte order mark names",
        ) from None
    return text.removeprefix("\ufeff").encode("utf-8", errors)


def _marked(body: bytes) -> str | None:
    return next((name for mark, name in _MARKS if body.startswith(mark)), None)


def _declared(body: bytes, content_type: str) -> str:
    named = _CHARSET.search(content_type)
    if named is None:
        return "utf-8"
    try:
        charset = codecs.lookup(named[1]).name
    except (LookupError, UnicodeError, ValueError):
        charset = ""
    if charset in _SAME | _WIDE | _TABLES:
        return charset
    if _is_utf8(body):
        return "utf-8"
    raise RunError(
        Reason.UPSTREAM_UNAVAILABLE,
        f"the content-type names the charset {named[1][:40]!r}, and the body is not UTF-8; read "
        "are UTF-8, UTF-16, UTF-32, ISO-8859, Windows-125x and the usual ones of East Asia",
    )


def _with_byte_order(charset: str, body: bytes) -> str:
    """The charset with its byte order, for text without a mark: JSON begins with ASCII."""
    if charset not in ("utf-16", "utf-32"):
        return charset
    return f"{charset}-be" if body.startswith(b"\0") else f"{charset}-le"


def _is_utf8(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True
