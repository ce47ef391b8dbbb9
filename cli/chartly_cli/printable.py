"""Text without characters that act on a terminal."""

import re

_BIDI = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_INVISIBLE = "\u2028\u2029\ufeff\U000e0000-\U000e007f"
_ACTIVE = re.compile(f"[\x00-\x1f\x7f-\x9f\ud800-\udfff{_BIDI}{_INVISIBLE}]")
"""Control characters of both sets, and those that change the direction of text or are invisible."""
_LAYOUT = "\n\t"
_BYTES = range(0xDC80, 0xDD00)
"""Python's surrogates for bytes that are not UTF-8."""
_BYTE, _PLANE = 0x100, 0x10000


def printable(text: str) -> str:
    """Several lines: every such character but line ends and tabs becomes an escape."""
    return _ACTIVE.sub(lambda match: _escaped_but_layout(match[0]), text)


def one_line(text: str) -> str:
    """One line: line ends and tabs become escapes, too."""
    return _ACTIVE.sub(lambda match: _escaped(match[0]), text)


def in_json(text: str) -> str:
    """An equal JSON document; such characters occur in its strings alone."""
    return _ACTIVE.sub(lambda match: _json_escaped(match[0]), text)


def _escaped_but_layout(sign: str) -> str:
    return sign if sign in _LAYOUT else _escaped(sign)


def _json_escaped(sign: str) -> str:
    if sign in _LAYOUT:
        return sign
    units = sign.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[place : place + 2].hex()}" for place in range(0, len(units), 2))


def _escaped(sign: str) -> str:
    code = ord(sign)
    if sign == "\n":
        return "\\n"
    if sign == "\t":
        return "\\t"
    if code in _BYTES:
        code -= _BYTES.start - 0x80
    if code < _BYTE:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < _PLANE else f"\\U{code:08x}"
