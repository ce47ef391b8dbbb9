"""A strict lexer for analytics SQL: it refuses whatever two parsers could read differently."""

import re
from dataclasses import dataclass

from chartly.errors import SpecError

_TOKEN = re.compile(
    r"(?P<space>[ \t\r\n]+)"
    r"|(?P<string>'(?:[^'\\\x00]|'')*')"
    r"|(?P<quoted>(?:`[A-Za-z_][A-Za-z0-9_]*`|\"[A-Za-z_][A-Za-z0-9_]*\")(?![`\"]))"
    r"|(?P<number>[0-9]+(?:\.[0-9]+)?(?![A-Za-z0-9_.]))"
    r"|(?P<word>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<comment>--|/\*|\*/|\#)"
    r"|(?P<sign>::|->|<=|>=|<>|!=|==|\|\||[-+*/%=<>(),.\[\]?:])"
)


@dataclass(frozen=True)
class Token:
    """One token.

    Attributes:
        kind: string, quoted, number, word or sign.
        start: its offset in the text.
    """

    kind: str
    text: str
    start: int


def tokens(sql: str, where: str) -> list[Token]:
    """The tokens of a text.

    Raises:
        SpecError: a comment, a second statement, a heredoc, a backslash, a brace, or a character
            outside ASCII stands outside a string; names line and column.
    """
    found: list[Token] = []
    position = 0
    while position < len(sql):
        match = _TOKEN.match(sql, position)
        if match is None or match.lastgroup == "comment":
            shown = "a comment" if match else repr(sql[position])
            raise SpecError(f"{where}: {place(sql, position)}: {shown} is not allowed in a query")
        if match.lastgroup != "space":
            found.append(Token(str(match.lastgroup), match.group(), position))
        position = match.end()
    return found


def place(sql: str, position: int) -> str:
    """``line L, column C`` of an offset."""
    before = sql[:position]
    line = before.count("\n") + 1
    return f"line {line}, column {position - before.rfind(chr(10))}"
