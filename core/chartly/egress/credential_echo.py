"""A credential that an API sends back: found in every spelling, and replaced before it is stored.

The stored text has marks instead, so that a page token or link with a mark can be sent unchanged:
a mark names the spelling, which is derived from the credential again.
"""

import re
from base64 import b64encode, urlsafe_b64encode
from bisect import bisect
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from urllib.parse import quote, quote_plus

from chartly.errors import Reason, RunError

SHORTEST = 8
"""Characters of a credential that is searched for; a shorter one would match other words."""
_MARK = re.compile(r"__credential_([a-z0-9_]*?)__")
_BYTE_MARK = re.compile(_MARK.pattern.encode())
_MARKED = b"__credential_"
_OTHER = "__credential_other__"
_DIGITS = re.compile(rb"[0-9.eE+-]+")
_TEXT = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_ESCAPED = re.compile(rb"\\(?:u00([0-9a-f]{2})|(.))", re.IGNORECASE | re.DOTALL)
_HEAD_OF_ESCAPE = re.compile(rb"(\\+)(?:u[0-9a-fA-F]{0,3})?\Z")
_LONGEST_ESCAPE = 5


@dataclass(frozen=True)
class _Form:
    """One encoding of the credential, in lower case.

    Attributes:
        anchor: a part of each of its spellings, which is searched for first since that is fast.
    """

    anchor: bytes
    pattern: re.Pattern[bytes]


@dataclass(frozen=True, order=True)
class _Occurrence:
    """Where the credential is, and its replacement."""

    start: int
    stop: int
    replacement: bytes


@dataclass(frozen=True)
class Hidden:
    """A text without the credential.

    Attributes:
        count: how often it occurred.
    """

    content: bytes
    count: int


class Echo:
    """The spellings in which an API may send one credential back.

    Args:
        value: the credential; None where there is none.
    """

    def __init__(self, value: str | None) -> None:
        self._value = value or ""
        searched = self._value if len(self._value) >= SHORTEST else ""
        self._spellings = dict(_spellings(searched)) if searched else {}
        self._names = {text: name for name, text in reversed(self._spellings.items())}
        self._forms = tuple(_forms(searched)) if searched else ()
        # In a text for people quotes and backslashes are not escaped.
        self._literal = re.compile(re.escape(self._value), re.IGNORECASE if searched else 0)

    def hidden(self, page: bytes) -> Hidden:
        """A page of JSON with marks in place of the credential; it stays JSON."""
        if not self._forms:
            return Hidden(page, 0)
        if _MARKED in page:
            # Only marks of ours may be replaced by the credential.
            page = _BYTE_MARK.sub(_OTHER.encode(), page)
        return self._replaced(page, _in_json(page, list(self._places(page))))

    def marked(self, url: str) -> str:
        """A URL with marks in place of the credential."""
        text = _MARK.sub(_OTHER, url).encode()
        return self._replaced(text, self._places(text)).content.decode()

    def redacted(self, text: str) -> str:
        """A text for people, with stars in place of the credential, however short that is."""
        if not self._value:
            return text
        partly = _MARK.sub("***", self._literal.sub("***", text)).encode("utf-8", "surrogatepass")
        stars = self._replaced(partly, self._places(partly, b"***")).content
        return stars.decode("utf-8", "surrogatepass")

    def occurs_in(self, url: str) -> bool:
        """Whether a URL contains the credential."""
        return any(self._places(url.encode()))

    def restored(self, text: str) -> str:
        """A text with the credential in place of its marks.

        Raises:
            RunError: ``SecretOriginRefused``: a mark does not name the spelling of the credential.
        """
        return _MARK.sub(self._spelling, text)

    def _spelling(self, mark: re.Match[str]) -> str:
        try:
            return self._spellings[mark[1]]
        except KeyError:
            raise RunError(
                Reason.SECRET_ORIGIN_REFUSED,
                "the API's page token or link holds the credential in a spelling that cannot be "
                "sent on",
            ) from None

    def _mark(self, spelling: bytes) -> bytes:
        text = _unescaped(spelling).decode("ascii", "replace")
        return f"__credential_{self._names.get(text, 'other')}__".encode()

    def _replaced(self, text: bytes, places: Iterable[_Occurrence]) -> Hidden:
        parts: list[bytes] = []
        end = count = 0
        for place in sorted(places):
            if place.start >= end:
                parts += (text[end : place.start], place.replacement)
                end = place.stop
                count += 1
        return Hidden(b"".join((*parts, text[end:])) if count else text, count)

    def _places(self, text: bytes, stars: bytes | None = None) -> Iterator[_Occurrence]:
        # Lower case is as long as the text itself, since only ASCII letters change.
        lowered = text.lower()
        for form in self._forms:
            if form.anchor in lowered:
                for match in form.pattern.finditer(lowered):
                    start, stop = match.span()
                    if not _is_cut(lowered, start):
                        yield _Occurrence(start, stop, stars or self._mark(text[start:stop]))


@lru_cache(maxsize=4)
def echo_of(value: str | None) -> Echo:
    """The echo of a credential; cached, because a run needs the same one for each page."""
    return Echo(value)


def _spellings(value: str) -> Iterator[tuple[str, str]]:
    """Every spelling that a mark can name, by its name; the most exact ones come first."""
    encoded = {"percent": quote(value, safe=""), "path": quote(value), "form": quote_plus(value)}
    for name, text in {"plain": value, **encoded}.items():
        yield name, text
        yield f"{name}_lower", text.lower()
        yield f"{name}_upper", text.upper()
    for shift in range(3):
        yield f"base64_{shift}", _core(b64encode, value, shift)
        yield f"base64url_{shift}", _core(urlsafe_b64encode, value, shift)
    yield "hex", value.encode().hex()
    yield "hex_upper", value.encode().hex().upper()


def _forms(value: str) -> Iterator[_Form]:
    yield _form(value)
    for shift in range(3):
        yield _form(_core(b64encode, value, shift))
    for encoding in ("%{:02x}", "\\u{:04x}", "{:02x}"):
        text = "".join(encoding.format(byte) for byte in value.encode()).encode()
        yield _Form(text, re.compile(re.escape(text)))


def _form(text: str) -> _Form:
    lowered = text.lower()
    anchor = max(re.split(r"[^a-z0-9]", lowered), key=len)
    pattern = b"".join(_character(character) for character in lowered)
    return _Form(anchor.encode(), re.compile(pattern))


def _character(character: str) -> bytes:
    """A pattern for the spellings of a character in JSON, in a URL, and in base64."""
    if character.isalnum():
        return character.encode()
    code = ord(character)
    spellings = [f"%{code:02x}", f"%25{code:02x}", f"\\u{code:04x}"]
    # JSON has neither a quote nor a backslash without a backslash before it.
    spellings += [f"\\{character}"] if character in '"\\/' else []
    spellings += [character] if character not in '"\\' else []
    spellings += {" ": ["+"], "+": ["-"], "/": ["_"], "-": [], "_": []}.get(character, [])
    return b"(?:" + b"|".join(re.escape(spelling.encode()) for spelling in spellings) + b")"


def _core(encode: Callable[[bytes], bytes], value: str, shift: int) -> str:
    """The part of base64 that depends on the value alone, after ``shift`` other bytes."""
    text = encode(b"\0" * shift + value.encode()).decode()
    return text[(0, 2, 3)[shift] : (shift + len(value)) * 8 // 6]


def _in_json(page: bytes, places: list[_Occurrence]) -> list[_Occurrence]:
    """The places where a mark keeps the page JSON: in texts, and for whole numbers as a text."""
    if not any(_DIGITS.fullmatch(page, place.start, place.stop) for place in places):
        return places
    texts = [text.span() for text in _TEXT.finditer(page)]
    starts = [start for start, _ in texts]
    kept = []
    for place in places:
        before = bisect(starts, place.start) - 1
        if before >= 0 and place.stop < texts[before][1]:
            kept.append(place)
        elif _is_number(page, place):
            kept.append(replace(place, replacement=b'"' + place.replacement + b'"'))
    return kept


def _is_number(page: bytes, place: _Occurrence) -> bool:
    around = page[max(0, place.start - 1) : place.start] + page[place.stop : place.stop + 1]
    return _DIGITS.search(around) is None


def _is_cut(text: bytes, start: int) -> bool:
    """Whether a place begins within an escape of JSON."""
    head = _HEAD_OF_ESCAPE.search(text, max(0, start - _LONGEST_ESCAPE - 64), start)
    return head is not None and len(head[1]) % 2 == 1


def _unescaped(text: bytes) -> bytes:
    if b"\\" not in text:
        return text
    return _ESCAPED.sub(
        lambda escape: bytes.fromhex(escape[1].decode()) if escape[1] else escape[2], text
    )
