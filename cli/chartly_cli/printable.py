"""Text that does to a terminal nothing but stand there, whoever wrote it."""

import re

_BIDI = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_INVISIBLE = "\u2028\u2029\ufeff\U000e0000-\U000e007f"
_ACTIVE = re.compile(f"[\x00-\x1f\x7f-\x9f\ud800-\udfff{_BIDI}{_INVISIBLE}]")
"""Control characters of both sets, what turns the direction of text, and what shows as nothing."""
_LAYOUT = "\n\t"
_BYTES = range(0xDC80, 0xDD00)
"""How Python carries bytes that are not UTF-8."""
_BYTE, _PLANE = 0x100, 0x10000


def printable(text: str) -> str:
    """Several lines: everything but line ends and tabs is spelled as an escape."""
    return _ACTIVE.sub(lambda found: _layout(found[0]), text)


def one_line(text: str) -> str:
    """One line: line ends and tabs are spelled as escapes, too."""
    return _ACTIVE.sub(lambda found: _spelled(found[0]), text)


def in_json(text: str) -> str:
    """A JSON document that says the same; such characters stand in its strings alone."""
    return _ACTIVE.sub(lambda found: _json(found[0]), text)


def _layout(sign: str) -> str:
    return sign if sign in _LAYOUT else _spelled(sign)


def _json(sign: str) -> str:
    if sign in _LAYOUT:
        return sign
    units = sign.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[place : place + 2].hex()}" for place in range(0, len(units), 2))


def _spelled(sign: str) -> str:
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
