"""The reader of SQL that users write: its tokens, tree, relations and calls.

It refuses only what the parser and an engine might read differently; ``sql_policy`` refuses what a
query may not contain.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

from chartly.api.place import Place
from chartly.api.suggestion import did_you_mean
from chartly.errors import SpecError
from chartly.query.lexer import Token, refusal_at, tokens
from chartly.query.relations import Relation, relations_of
from chartly.query.vocabulary import FORMS, KEYWORDS, PARSED_AS_CALLS, TAKE_LAMBDAS

if TYPE_CHECKING:
    from sqlglot import exp
    from sqlglot.tokenizer_core import Token as ParserToken


_ONE_SELECT = "must be exactly one SELECT"
_STARTS = ("select", "with", "from")


@dataclass(frozen=True)
class QueryReading:
    """A SELECT, or a union of several, as it was read.

    Attributes:
        text: what was read; offsets of tokens count from its start.
        tree: the parser's; must not be modified.
        relations: what is read.
        calls: the names that are called, as tokens.
    """

    text: str
    tokens: tuple[Token, ...]
    tree: "exp.Query"
    relations: tuple[Relation, ...]
    calls: tuple[Token, ...]

    def refusal(self, where: Place, node: "exp.Expr", why: str) -> SpecError:
        """The error of a part of the tree."""
        return refusal_of_node(where, self.text, node, why)


def refusal_of_node(where: Place, text: str, node: "exp.Expr", why: str) -> SpecError:
    """The error of a part of a tree, at the first offset that the parser keeps of it."""
    offsets = [part.meta["start"] for part in node.walk() if "start" in part.meta]
    return refusal_at(where, text, min(offsets), why) if offsets else where.refusal(why)


# A check of a plan reads a query five times, and an operator checks it at each event.
@lru_cache(maxsize=64)
def read(text: str, where: Place) -> QueryReading:
    """Reads a text without placeholders.

    Raises:
        SpecError: it is not one SELECT, or a part of it may be read in two ways.
    """
    scanned = tokens(text, where)
    for token in scanned:
        if token.kind == "placeholder":
            raise refusal_at(where, text, token.start, f"{token.text} has no value here")
    try:
        _check_qualifiers(scanned, text, where)
        tree = _parsed(text, scanned, where)
        _check_forms(tree, text, where)
        _check_lambdas(tree, scanned, text, where)
        relations = relations_of(tree)
    except RecursionError:
        raise where.refusal("is not SQL that can be read: it is nested too deeply") from None
    return QueryReading(text, tuple(scanned), tree, relations, tuple(calls_in(scanned)))


def calls_in(scanned: Sequence[Token]) -> Iterator[Token]:
    """The names before brackets, without the keywords of SQL."""
    for token, following in pairwise(scanned):
        if following.text == "(" and _may_be_called(token):
            yield token


def _may_be_called(token: Token) -> bool:
    """Whether a token before a bracket is a name and no keyword of SQL."""
    if token.kind == "quoted":
        return True
    return token.kind == "word" and token.text.lower() not in KEYWORDS


def _parsed(text: str, scanned: list[Token], where: Place) -> "exp.Query":
    # Imported where it is needed: it costs start-up time.
    from sqlglot import exp  # noqa: PLC0415
    from sqlglot.dialects.dialect import Dialect  # noqa: PLC0415

    check_start(scanned, text, where)
    dialect = Dialect.get_or_raise("clickhouse")
    try:
        parser_tokens = dialect.tokenize(text)
        _check_agreement(scanned, parser_tokens, text, where)
        statements = dialect.parser().parse(parser_tokens, text)
    except RecursionError:
        raise
    except Exception as error:  # noqa: BLE001 - the parser raises IndexError for `map(a)`
        raise _syntax_refusal(error, text, where) from None
    tree = statements[0] if len(statements) == 1 else None
    if isinstance(tree, exp.Select) and not tree.expressions:
        raise where.refusal("SELECT names no column")
    if isinstance(tree, exp.Select | exp.SetOperation):
        return tree
    raise where.refusal(_ONE_SELECT, value=text)


def check_start(scanned: Sequence[Token], text: str, where: Place) -> None:
    """Whether a text starts as a SELECT does; the parser prints warnings about other statements.

    Raises:
        SpecError: it is empty, or another statement.
    """
    first = scanned[0].text.lower() if scanned else ""
    if first not in (*_STARTS, "("):
        near = did_you_mean(first, _STARTS)
        suggestion = f"; did you mean {near!r}?" if near else ""
        raise where.refusal(f"{_ONE_SELECT}{suggestion}", value=text)


def _check_qualifiers(scanned: list[Token], text: str, where: Place) -> None:
    """Whether no word that the parser reads as a call is followed by a dot.

    Raises:
        SpecError: to an engine, ``IN current_user.people`` is a table.
    """
    for token, following in pairwise(scanned):
        is_call = token.kind == "word" and token.name.lower() in PARSED_AS_CALLS
        if is_call and following.text == ".":
            raise refusal_at(where, text, token.start, "can be read in two ways")


def _check_agreement(
    scanned: list[Token], parser_tokens: "list[ParserToken]", text: str, where: Place
) -> None:
    """Whether the parser reads the same strings, and no token where there is none."""
    starts = {token.start for token in scanned}
    strings = {(token.start, token.end) for token in scanned if token.kind == "string"}
    parsed_strings = {
        (token.start, token.end + 1) for token in parser_tokens if token.token_type.name == "STRING"
    }
    differing = [token.start for token in parser_tokens if token.start not in starts]
    differing += [start for start, _ in strings ^ parsed_strings]
    if differing:
        raise refusal_at(where, text, min(differing), "can be read in two ways")


def _check_forms(tree: "exp.Query", text: str, where: Place) -> None:
    from sqlglot import exp  # noqa: PLC0415 - costs start-up time

    for node in tree.walk():
        if not isinstance(node, exp.Func) and node.key not in FORMS:
            why = f"{node.key.upper()} is not allowed in a query"
            raise refusal_of_node(where, text, node, why)
        if isinstance(node.parent, exp.SetOperation) and isinstance(node, exp.SetOperation):
            _check_with(node, text, where)


def _check_with(inner: "exp.SetOperation", text: str, where: Place) -> None:
    """An engine applies WITH behind UNION to one SELECT, the parser to all that follow."""
    clause = inner.args.get("with_")
    if clause is not None:
        why = "WITH behind UNION, EXCEPT or INTERSECT must be in brackets"
        raise refusal_of_node(where, text, clause, why)


def _check_lambdas(tree: "exp.Query", scanned: list[Token], text: str, where: Place) -> None:
    """Whether every arrow is a lambda's, and every function that takes a lambda has one.

    Raises:
        SpecError: an engine would call any function named ``f`` in ``arrayMap(f, x)``.
    """
    from sqlglot import exp  # noqa: PLC0415 - costs start-up time

    arrows = [token.start for token in scanned if token.text == "->"]
    if len(arrows) != len(list(tree.find_all(exp.Lambda))):
        why = "a lambda is allowed only as the first argument of a function"
        raise refusal_at(where, text, next(iter(arrows), 0), why)
    for position, token in enumerate(scanned):
        if token.name.lower() in TAKE_LAMBDAS and _lacks_lambda(scanned[position + 1 :]):
            why = f"{token.name}() takes a lambda, such as x -> lower(x)"
            raise refusal_at(where, text, token.start, why)


def _lacks_lambda(following: list[Token]) -> bool:
    """Whether brackets contain several arguments of which the first is no lambda."""
    depth, ends = 0, []
    for token in following:
        depth += (token.text in ("(", "[")) - (token.text in (")", "]"))
        if depth == 0 or (depth == 1 and token.text in ("->", ",")):
            ends.append(token.text)
            break
    return ends == [","]


def _syntax_refusal(error: Exception, text: str, where: Place) -> SpecError:
    """The error of a text that the parser cannot read, at the token where it stopped."""
    for detail in getattr(error, "errors", ()):
        token = detail["highlight"]
        line_start = sum(len(line) + 1 for line in text.split("\n")[: detail["line"] - 1])
        why = _syntax_mistake(detail["description"], token)
        # The parser's column is that of the token's end.
        return refusal_at(where, text, line_start + detail["col"] - len(token), why)
    return where.refusal("is not SQL that can be read")


def _syntax_mistake(description: str, token: str) -> str:
    if description.startswith("Expecting "):
        return f"{description.removeprefix('Expecting ')!r} is missing at {token!r}"
    if description.startswith(("Required ", "Expected ")):
        return f"something is missing at {token!r}"
    return f"{token!r} is not expected here"
