"""A strict lexer for SQL that users write: it refuses whatever two parsers could read differently.

Outside strings and comments all is ASCII: an engine that reads typographic quotes as quotes, or
spaces of other scripts as spaces, receives none.
"""

import re
from dataclasses import dataclass

from chartly.api.place import Place
from chartly.errors import SpecError

_TOKEN = re.compile(
    r"(?P<space>[ \t\r\n]+)"
    # One comment within another ends with the first for some, and with both for others.
    r"|(?P<comment>--[^\n]*|/\*(?:(?!/\*|\*/).)*+\*/)"
    r"|(?P<string>'(?:[^'\\\x00\ud800-\udfff]|''|\\[^\x00\ud800-\udfff])*+')"
    r"|(?P<quoted>(?:`[ !#-\[\]-_a-~]+`|\"[ !#-\[\]-_a-~]+\")(?![`\"]))"
    r"|(?P<number>[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?(?![A-Za-z0-9_.$]))"
    r"|(?P<word>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<placeholder>\{\{\s*[A-Za-z_0-9]*\s*\}\})"
    r"|(?P<sign>::|->|<=|>=|<>|!=|==|\|\||\*(?!/)|/(?!\*)|[-+%=<>(),.;\[\]?:])",
    re.DOTALL,
)
_UNENDED = (
    ("'", "a string that does not end"),
    ("/*", "a comment that does not end, or has another in it"),
)
_COMMENT = "a comment that starts with #"


@dataclass(frozen=True)
class Token:
    """One token.

    Attributes:
        kind: string, quoted, number, word, placeholder or sign.
        start: its offset in the text.
    """

    kind: str
    text: str
    start: int

    @property
    def end(self) -> int:
        """The offset behind it."""
        return self.start + len(self.text)

    @property
    def name(self) -> str:
        """A word or a quoted name without its quotes; of others, their text."""
        return self.text[1:-1] if self.kind == "quoted" else self.text


def tokens(sql: str, where: Place) -> list[Token]:
    """The tokens of one statement; spaces and comments are left out.

    Raises:
        SpecError: a semicolon, a heredoc, a backslash, a brace, a comment with ``#`` or within
            another, or a character outside ASCII is outside a string; names line and column.
    """
    scanned = _scanned(sql, where)
    for token in scanned:
        if token.text == ";":
            raise refusal_at(where, sql, token.start, "';' is not allowed in a query")
    return scanned


def _scanned(sql: str, where: Place) -> list[Token]:
    scanned: list[Token] = []
    position = 0
    while position < len(sql):
        match = _TOKEN.match(sql, position)
        if match is None:
            sign = _refused_sign(sql, position)
            raise refusal_at(where, sql, position, f"{sign} is not allowed in a query")
        if match.lastgroup not in ("space", "comment"):
            scanned.append(Token(str(match.lastgroup), match.group(), position))
        position = match.end()
    return scanned


def uncommented(sql: str, where: Place) -> str:
    """The text with spaces in place of comments, as long and with as many lines as before.

    Raises:
        SpecError: as ``tokens`` does, but for semicolons.
    """
    parts, position = [], 0
    for token in _scanned(sql, where):
        parts += [_blank(sql[position : token.start]), token.text]
        position = token.end
    return "".join([*parts, _blank(sql[position:])])


def refusal_at(where: Place, sql: str, position: int, why: str) -> SpecError:
    """The error at an offset of the text at ``where``, which names line and column of the text."""
    before = sql[:position]
    line, column = before.count("\n") + 1, position - before.rfind("\n")
    return where.at_row(line).refusal(f"line {line}, column {column}: {why}")


def _refused_sign(sql: str, position: int) -> str:
    """What starts at a position where no token does."""
    if sql[position] == "#":
        return _COMMENT
    unended = [name for sign, name in _UNENDED if sql.startswith(sign, position)]
    return unended[0] if unended else repr(sql[position])


def _blank(gap: str) -> str:
    return re.sub(r"[^ \t\r\n]", " ", gap)
