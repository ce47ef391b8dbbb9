"""The one reader of SQL that users write: tokens, a tree, what is read and what is called.

Policies judge what it found; it refuses by itself only what the parser and an engine might read
differently.
"""

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

from chartly.api.place import Place
from chartly.query.lexer import Token, place, tokens
from chartly.query.relations import Relation, relations_of
from chartly.query.vocabulary import FORMS, KEYWORDS, TAKE_LAMBDAS, WITHOUT_BRACKETS

if TYPE_CHECKING:
    from sqlglot import exp
    from sqlglot.tokenizer_core import Token as ParserToken


_ONE_SELECT = "must be exactly one SELECT"


@dataclass(frozen=True)
class QueryReading:
    """One SELECT, or several as one, as it was read.

    Attributes:
        text: what was read; offsets of tokens count from its start.
        tree: the parser's; not to be changed.
        relations: what is read.
        calls: the name of whatever is called, as a token.
    """

    text: str
    tokens: tuple[Token, ...]
    tree: "exp.Query"
    relations: tuple[Relation, ...]
    calls: tuple[Token, ...]


# A check of a plan reads a query five times, and an operator checks it at each event.
@lru_cache(maxsize=64)
def read(text: str, where: Place) -> QueryReading:
    """Reads a text without placeholders.

    Raises:
        SpecError: it is not one SELECT, or a part of it may be read in two ways.
    """
    found = tokens(text, where)
    for token in found:
        if token.kind == "placeholder":
            at = place(text, token.start)
            raise where.refusal(f"{at}: {token.text} has no value here")
    try:
        _check_qualifiers(found, text, where)
        tree = _parsed(text, found, where)
        _check_forms(tree, where)
        _check_lambdas(tree, found, text, where)
        relations = relations_of(tree)
    except RecursionError:
        raise where.refusal("is not SQL that can be read: it is nested too deeply") from None
    return QueryReading(text, tuple(found), tree, relations, tuple(calls_in(found)))


def calls_in(found: list[Token]) -> list[Token]:
    """The names before brackets, but for the words of SQL itself."""
    following = [*found[1:], None]
    return [
        token
        for token, behind in zip(found, following, strict=True)
        if behind is not None and behind.text == "(" and may_be_called(token)
    ]


def may_be_called(token: Token) -> bool:
    """Whether a token before a bracket is a name, not a word of SQL itself."""
    if token.kind == "quoted":
        return True
    return token.kind == "word" and token.text.lower() not in KEYWORDS


def _parsed(text: str, found: list[Token], where: Place) -> "exp.Query":
    # Imported where it is needed: it costs start-up time.
    from sqlglot import errors, exp  # noqa: PLC0415
    from sqlglot.dialects.dialect import Dialect  # noqa: PLC0415

    # The parser warns of other statements on standard error, so they do not get that far.
    if not found or found[0].text.lower() not in ("select", "with", "from", "("):
        raise where.refusal(_ONE_SELECT)
    dialect = Dialect.get_or_raise("clickhouse")
    try:
        theirs = dialect.tokenize(text)
        _check_agreement(found, theirs, text, where)
        statements = dialect.parser().parse(theirs, text)
    except errors.SqlglotError as error:
        raise where.refusal(f"{_syntax(error)}") from None
    tree = statements[0] if len(statements) == 1 else None
    if isinstance(tree, exp.Select) and not tree.expressions:
        raise where.refusal("SELECT names no column")
    if isinstance(tree, exp.Select | exp.SetOperation):
        return tree
    raise where.refusal(_ONE_SELECT)


def _check_qualifiers(found: list[Token], text: str, where: Place) -> None:
    """Whether no word that the parser takes for a call stands before a dot.

    Raises:
        SpecError: to an engine, ``IN current_user.people`` names a table.
    """
    for token, behind in pairwise(found):
        if token.kind == "word" and token.name.lower() in WITHOUT_BRACKETS and behind.text == ".":
            raise where.refusal(f"{place(text, token.start)}: can be read in two ways")


def _check_agreement(
    found: list[Token], theirs: "list[ParserToken]", text: str, where: Place
) -> None:
    """Whether the parser sees the same strings, and no token where there is none."""
    starts = {token.start for token in found}
    strings = {(token.start, token.end) for token in found if token.kind == "string"}
    read_as = {(one.start, one.end + 1) for one in theirs if one.token_type.name == "STRING"}
    odd = [one.start for one in theirs if one.start not in starts]
    odd += [start for start, _ in strings ^ read_as]
    if odd:
        raise where.refusal(f"{place(text, min(odd))}: can be read in two ways")


def _check_forms(tree: "exp.Query", where: Place) -> None:
    from sqlglot import exp  # noqa: PLC0415 - costs start-up time

    for node in tree.walk():
        if not isinstance(node, exp.Func) and node.key not in FORMS:
            raise where.refusal(f"{node.key.upper()} is not allowed in a query")
        if isinstance(node.parent, exp.SetOperation) and isinstance(node, exp.SetOperation):
            _check_with(node, where)


def _check_with(inner: "exp.SetOperation", where: Place) -> None:
    """To an engine, WITH behind UNION is one SELECT's; to the parser, all that follow."""
    if inner.args.get("with_"):
        raise where.refusal("WITH behind UNION, EXCEPT or INTERSECT must stand in brackets")


def _check_lambdas(tree: "exp.Query", found: list[Token], text: str, where: Place) -> None:
    """Whether every arrow is a lambda's, and where an engine calls one there is one.

    Raises:
        SpecError: to an engine, ``arrayMap(f, x)`` calls any function that is named ``f``.
    """
    from sqlglot import exp  # noqa: PLC0415 - costs start-up time

    arrows = [position for position, token in enumerate(found) if token.text == "->"]
    if len(arrows) != len(list(tree.find_all(exp.Lambda))):
        raise where.refusal("a lambda stands only as the first argument of a function")
    for position, token in enumerate(found):
        if token.name.lower() in TAKE_LAMBDAS and _lacks_lambda(found[position + 1 :]):
            at = place(text, token.start)
            raise where.refusal(f"{at}: {token.name}() takes a lambda, such as x -> lower(x)")


def _lacks_lambda(behind: list[Token]) -> bool:
    """Whether brackets hold several arguments of which the first is no lambda."""
    depth, ends = 0, []
    for token in behind:
        depth += (token.text in ("(", "[")) - (token.text in (")", "]"))
        if depth == 0 or (depth == 1 and token.text in ("->", ",")):
            ends.append(token.text)
            break
    return ends == [","]


def _syntax(error: Exception) -> str:
    told = [
        f"line {one['line']}, column {one['col']}: {one['description']}"
        for one in getattr(error, "errors", ())
    ]
    return told[0] if told else "is not SQL that can be read"
