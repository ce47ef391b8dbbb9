"""A query over many windows at once: the window's start is an additional key and column."""

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from chartly.api.duration import Length
from chartly.errors import SpecError
from chartly.query.lexer import Token, tokens
from chartly.query.placeholders import marked
from chartly.query.rollup_query import INSTANT, TEMPLATE, CheckedQuery
from chartly.query.spannable import START, clauses_of, conditions, is_spannable
from chartly.query.sql_reader import read
from chartly.query.windows import window_start_sql

if TYPE_CHECKING:
    from sqlglot import exp


@dataclass(frozen=True)
class SpanQuery:
    """A query whose rows carry the start of their window in ``_window_start``.

    Attributes:
        before: its text up to the conditions, with placeholders.
        after: its text from there on.
        time: the quoted time column.
    """

    before: str
    after: str
    time: str

    def sql(self, view: str, spans: int) -> str:
        """The query over some spans of time.

        Its parameters ``window_start`` and ``window_end`` bound all of them; those of each span
        have its number behind their names.

        Args:
            view: a quoted, qualified name.
        """
        ranges = " OR ".join(
            f"({self.time} >= {{window_start{number}:{INSTANT}}} "
            f"AND {self.time} < {{window_end{number}:{INSTANT}}})"
            for number in range(spans)
        )
        return CheckedQuery(f"{self.before} ({ranges}) AND {self.after}", ()).sql(view)


def spanning(query: CheckedQuery, time: str, length: Length, digits: int) -> SpanQuery | None:
    """The query over many windows; None unless its rows are known to be those window by window.

    Args:
        time: the time column of its dataset.
        digits: those that it has behind the second.
    """
    parsable = marked(query.text, TEMPLATE)
    scanned = tokens(parsable, TEMPLATE)
    tree = _select(parsable)
    if tree is None or not is_spannable(tree, scanned, time):
        return None
    column = f"`{time}`"
    key = f", {window_start_sql(column, length, digits)} AS {START} "
    places = _places(scanned, len(parsable))
    before, after = _with_key(parsable, places, key)
    if not _reads_as(f"{before} 1 AND {after}", tree):
        return None
    return SpanQuery(*_with_key(query.text, places, key), column)


def _places(scanned: list[Token], end: int) -> tuple[int, int, int]:
    """The offsets of the new column, condition and key: behind the outputs, WHERE and the keys."""
    depth, starts = 0, dict[str, int]()
    for token in scanned:
        depth += (token.text in "([") - (token.text in ")]")
        word = token.text.lower() if token.kind == "word" else ""
        if depth == 0 and word in ("from", "where", "having", "order"):
            starts.setdefault(word, token.start)
    keys = min(starts.get("having", end), starts.get("order", end))
    return starts["from"], starts["where"] + len("where"), keys


def _with_key(text: str, places: tuple[int, int, int], key: str) -> tuple[str, str]:
    column, condition, keys = places
    before = text[:column] + key + text[column:condition]
    return before, f"{text[condition:keys].rstrip()}, {START} {text[keys:]}"


def _select(text: str) -> "exp.Select | None":
    """A text as one SELECT; None if it is something else, or nested too deeply."""
    from sqlglot import exp  # noqa: PLC0415 - costs start-up time

    try:
        tree = read(text, TEMPLATE).tree
    except SpecError:
        return None
    return tree if isinstance(tree, exp.Select) else None


def _reads_as(text: str, query: "exp.Select") -> bool:
    """Whether a text reads as a query with one column, condition and key more."""
    tree = _select(text)
    # Parser and engine read a comma at the end of a list; two of them, only this parser.
    pairs = pairwise(token.text for token in tokens(text, TEMPLATE))
    if tree is None or (",", ",") in pairs:
        return False
    return (
        clauses_of(tree) == clauses_of(query)
        and tree.selects[:-1] == query.selects
        and tree.selects[-1].alias == START
        and tree.args["group"].expressions[:-1] == query.args["group"].expressions
        and tree.args["group"].expressions[-1].name == START
        and list(conditions(tree.args["where"].this))[1:]
        == list(conditions(query.args["where"].this))
        and all(tree.args.get(clause) == query.args.get(clause) for clause in ("having", "order"))
    )
