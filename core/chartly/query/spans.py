"""A query over many windows at once: the window's start is one more key and one more column."""

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
    """A query whose rows say, in ``_window_start``, which window they are of.

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

        Its parameters ``window_start`` and ``window_end`` are the ends of them all; those of each
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
    """The query over many windows, where its rows are those of one query a window.

    None where that is not known: it runs window by window.

    Args:
        time: the time column of its dataset.
        digits: those that it has behind the second.
    """
    parsable = marked(query.text, TEMPLATE)
    found = tokens(parsable, TEMPLATE)
    tree = _select(parsable)
    if tree is None or not is_spannable(tree, found, time):
        return None
    column = f"`{time}`"
    key = f", {window_start_sql(column, length, digits)} AS {START} "
    places = _places(found, len(parsable))
    before, after = _with_key(parsable, places, key)
    if not _reads_as(f"{before} 1 AND {after}", tree):
        return None
    return SpanQuery(*_with_key(query.text, places, key), column)


def _places(found: list[Token], end: int) -> tuple[int, int, int]:
    """Where the column, the condition and the key go: behind SELECT's list, WHERE and the keys."""
    depth, starts = 0, dict[str, int]()
    for token in found:
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
    """A text as one SELECT; None if it is something else, or nested too deeply to tell."""
    from sqlglot import exp  # noqa: PLC0415 - costs start-up time

    try:
        found = read(text, TEMPLATE).tree
    except SpecError:
        return None
    return found if isinstance(found, exp.Select) else None


def _reads_as(text: str, meant: "exp.Select") -> bool:
    """Whether a text reads as the query that is meant, with one column, condition and key more."""
    found = _select(text)
    # A comma at the end of a list is read by both; two of them only by this parser.
    pairs = pairwise(token.text for token in tokens(text, TEMPLATE))
    if found is None or (",", ",") in pairs:
        return False
    return (
        clauses_of(found) == clauses_of(meant)
        and found.selects[:-1] == meant.selects
        and found.selects[-1].alias == START
        and found.args["group"].expressions[:-1] == meant.args["group"].expressions
        and found.args["group"].expressions[-1].name == START
        and list(conditions(found.args["where"].this))[1:]
        == list(conditions(meant.args["where"].this))
        and all(found.args.get(one) == meant.args.get(one) for one in ("having", "order"))
    )
