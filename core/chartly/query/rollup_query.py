"""Roll-up queries: their SQL is checked before any engine sees it.

The text that runs is the text that was checked; only placeholders are replaced, by a quoted name
and by typed parameters.
"""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chartly.api.analytics import QUERY_TEXT, AnalyticsSpec
from chartly.api.place import Place
from chartly.query.functions import REPEATABLE
from chartly.query.lexer import uncommented
from chartly.query.placeholders import PLACEHOLDERS, filled, marked, placeholder_of, uses
from chartly.query.sql_policy import CLAUSES, ReadableTables, SqlPolicy, read_allowed
from chartly.query.sql_reader import QueryReading, read
from chartly.query.ties import check_orders

if TYPE_CHECKING:
    pass

TEMPLATE = Place(object="analytics", path="spec").at(*QUERY_TEXT)
"""The place of a template in a profile, for callers that have no place of their own."""
INSTANT = "DateTime64(3, 'UTC')"
_COLUMN = re.compile(r"[a-z][a-z0-9_]{0,62}")
_FLOATS = "sums of floats depend on their order; use Decimal"
_WORDS = {
    **CLAUSES,
    **dict.fromkeys(("sample", "final", "prewhere", "global", "over", "window", "array_join"), ""),
    **dict.fromkeys(("insert", "create", "drop", "alter", "attach", "system", "explain"), ""),
    "information_schema": "",
    **dict.fromkeys(("float", "float32", "float64", "bfloat16", "double", "real"), _FLOATS),
}
_POLICY = SqlPolicy(REPEATABLE, _WORDS, is_repeatable=True)
_DATASET = ReadableTables(lambda name: placeholder_of(name) == "dataset", ("{{dataset}}",))


@dataclass(frozen=True)
class CheckedQuery:
    """A query that passed ``check_query``; ``read_template(query.text)`` returns its tree.

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
            suffix: is appended to the parameters' names, to run several windows at once.
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
    reading = read_allowed(marked(text, where), _POLICY, _DATASET, where)
    _check_placeholders(reading, text, where)
    check_orders(reading, where)
    _check_totals(reading, where)
    return CheckedQuery(text, _columns(reading, where))


def read_template(text: str, where: Place = TEMPLATE) -> QueryReading:
    """The reading of a ``CheckedQuery``'s text: its tokens, tree, relations and calls.

    A placeholder is read as an identifier of its length, so that offsets are those of the text;
    ``placeholder_of`` returns its name.
    """
    return read(marked(text, where), where)


def _check_placeholders(reading: QueryReading, text: str, where: Place) -> None:
    words = [placeholder_of(token.text) for token in reading.tokens if token.kind == "word"]
    for name in PLACEHOLDERS:
        used = uses(text, name)
        if used == 0:
            raise where.refusal(f"{{{{{name}}}}} must appear")
        if words.count(name) != used:
            raise where.refusal(f"{{{{{name}}}}} must not be in quotes")


def _check_totals(reading: QueryReading, where: Place) -> None:
    from sqlglot import exp  # noqa: PLC0415 - costs start-up time

    for group in reading.tree.find_all(exp.Group):
        if group.args.get("totals"):
            why = "WITH TOTALS is not allowed; its row is none of the result"
            raise reading.refusal(where, group, why)


def _columns(reading: QueryReading, where: Place) -> tuple[str, ...]:
    outputs = reading.tree.selects
    names = [output.alias_or_name for output in outputs]
    for position, (name, output) in enumerate(zip(names, outputs, strict=True), 1):
        if _COLUMN.fullmatch(name) is None:
            why = f"output column {position} needs a name in lower case; write `AS name` behind it"
            raise reading.refusal(where, output, why)
        if names.count(name) > 1:
            raise reading.refusal(where, output, f"two output columns are named {name!r}")
    return tuple(names)
