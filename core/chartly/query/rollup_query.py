"""The SQL gate: what users write is checked outside the engine, before any engine sees it.

The text that runs is the text that was checked; only placeholders are replaced, by a quoted name
and by typed parameters.
"""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chartly.api.analytics import QUERY_TEXT, AnalyticsSpec
from chartly.api.place import Place
from chartly.api.suggestion import did_you_mean
from chartly.query.functions import (
    AGGREGATES,
    CALLED_WITHOUT_BRACKETS,
    SCALARS,
    hint,
    is_allowed,
    is_type,
)
from chartly.query.lexer import Token, place, tokens, uncommented
from chartly.query.placeholders import PLACEHOLDERS, filled, marked, placeholder_of, uses
from chartly.query.sql_reader import QueryReading, may_be_called, read

if TYPE_CHECKING:
    from sqlglot import exp

TEMPLATE = Place(object="analytics", path="spec").at(*QUERY_TEXT)
"""Where it stands, if nobody says it better."""
INSTANT = "DateTime64(3, 'UTC')"
_COLUMN = re.compile(r"[a-z][a-z0-9_]{0,62}")
_REFUSED_WORDS = {
    **dict.fromkeys(("settings", "format", "into", "outfile", "sample", "final", "prewhere"), ""),
    **dict.fromkeys(("insert", "create", "drop", "alter", "attach", "system", "explain"), ""),
    **dict.fromkeys(("information_schema", "global", "over", "window", "array_join", "apply"), ""),
    **dict.fromkeys(
        ("float", "float32", "float64", "bfloat16", "double", "real"),
        "sums of floats depend on their order; use Decimal",
    ),
}


@dataclass(frozen=True)
class CheckedQuery:
    """A query that passed the gate; ``read_template(query.text)`` gives its tree.

    Attributes:
        text: as it was written, without comments, with placeholders.
        columns: the names of its output columns, in order.
    """

    text: str
    columns: tuple[str, ...]

    def sql(self, view: str, suffix: str = "") -> str:
        """The query over ``view``, with parameters ``window_start`` and ``window_end``.

        Args:
            view: a quoted, qualified name.
            suffix: is put behind the parameters' names, to run several windows at once.
        """
        values = {
            "dataset": view,
            "window_start": f"{{window_start{suffix}:{INSTANT}}}",
            "window_end": f"{{window_end{suffix}:{INSTANT}}}",
        }
        return filled(self.text, values)


def check_query(spec: AnalyticsSpec, where: Place = TEMPLATE) -> CheckedQuery:
    """The query of an analytics profile.

    Raises:
        SpecError: it is not one SELECT over the declared input, calls what is not allowed, or
            would not give the same answer every time.
    """
    text = uncommented(spec.query_template.text, where)
    parsable = marked(text, where)
    found = tokens(parsable, where)
    _check_words(found, parsable, where)
    _check_placeholders(found, text, where)
    reading = read(parsable, where)
    _check_relations(reading, where)
    _check_limits(reading.tree, where)
    return CheckedQuery(text, _columns(reading.tree.selects, where))


def read_template(text: str, where: Place = TEMPLATE) -> QueryReading:
    """How the text of a ``CheckedQuery`` is read: its tokens, tree, relations and calls.

    A placeholder is an identifier of its length there, so that offsets are those of the text;
    ``placeholder_of`` says which it is.
    """
    return read(marked(text, where), where)


def _check_words(found: list[Token], sql: str, where: Place) -> None:
    around = zip([None, *found], found, [*found[1:], None], strict=False)
    for before, token, following in around:
        if token.kind not in ("word", "quoted"):
            continue
        name, at = token.name.lower(), place(sql, token.start)
        if token.kind == "word" and name in _REFUSED_WORDS:
            raise where.refusal(f"{at}: {token.name} is not allowed in a query{_why(name)}")
        if following is not None and following.text == "(":
            _check_call(token.name, token, at, where)
        elif name in CALLED_WITHOUT_BRACKETS and not _is_own_name(before):
            why = hint(name)
            raise where.refusal(
                f"{at}: {token.name} is not repeatable" + (f"; {why}" if why else "")
            )


def _why(word: str) -> str:
    why = _REFUSED_WORDS[word]
    return f"; {why}" if why else ""


def _is_own_name(before: Token | None) -> bool:
    """Whether what follows names a column or an alias, and never a function."""
    return before is not None and before.text.lower() in (".", "as")


def _check_call(name: str, token: Token, at: str, where: Place) -> None:
    if not may_be_called(token):
        return
    why = hint(name)
    if why is not None:
        raise where.refusal(f"{at}: {name}() is not repeatable" + (f"; {why}" if why else ""))
    if not is_allowed(name) and not is_type(name):
        near = did_you_mean(name.lower(), sorted(AGGREGATES | SCALARS))
        raise where.refusal(
            f"{at}: function {name}() is not allowed"
            + (f"; did you mean {near!r}?" if near else "")
        )


def _check_placeholders(found: list[Token], text: str, where: Place) -> None:
    words = [placeholder_of(token.text) for token in found if token.kind == "word"]
    for name in PLACEHOLDERS:
        used = uses(text, name)
        if used == 0:
            raise where.refusal(f"{{{{{name}}}}} must appear")
        if words.count(name) != used:
            raise where.refusal(f"{{{{{name}}}}} must not stand in quotes")


def _check_relations(reading: QueryReading, where: Place) -> None:
    for one in reading.relations:
        if not one.is_cte and placeholder_of(one.name) != "dataset":
            raise where.refusal(f"table {one.shown} is not allowed; allowed is {{{{dataset}}}}")


def _check_limits(tree: "exp.Query", where: Place) -> None:
    from sqlglot import exp  # noqa: PLC0415 - costs start-up time

    for select in tree.find_all(exp.Select):
        if select.args.get("limit") is not None and select.args.get("order") is None:
            raise where.refusal("LIMIT without ORDER BY is not repeatable")
        group = select.args.get("group")
        if group is not None and group.args.get("totals"):
            raise where.refusal("WITH TOTALS is not allowed; its row is none of the result")


def _columns(selects: "list[exp.Expr]", where: Place) -> tuple[str, ...]:
    names = [one.alias_or_name for one in selects]
    for position, name in enumerate(names, 1):
        if _COLUMN.fullmatch(name) is None:
            raise where.refusal(
                f"output column {position} needs a name in lower case; write `AS name` behind it"
            )
        if names.count(name) > 1:
            raise where.refusal(f"two output columns are named {name!r}")
    return tuple(names)
