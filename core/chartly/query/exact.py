"""Exact arithmetic: what would wrap around in an engine runs in 76 digits, or fails.

The text of a checked query changes only where numbers are added, multiplied, divided, summed or
converted, and where a time is cut to a type that holds 1970 to 2106 only. A result has the type
``Decimal(76, s)``, and ``chartly_store.outputs`` converts it to its stored type.
"""

from collections.abc import Mapping

from chartly.api.analytics import AnalyticsSpec
from chartly.api.columns import parse_column_type
from chartly.api.place import Place
from chartly.query.exact_rewriter import Rewriter
from chartly.query.exact_values import (
    Value,
    value_of_type,
)
from chartly.query.lexer import tokens
from chartly.query.placeholders import marked, placeholder_of
from chartly.query.rollup_query import TEMPLATE, CheckedQuery, check_query

_PASSES = 6


def exact_query(
    spec: AnalyticsSpec, types: Mapping[str, str], where: Place = TEMPLATE
) -> CheckedQuery:
    """The query of a profile as it runs: no number in it wraps around.

    Args:
        types: the engine's types of the dataset's columns; without them, of the arithmetic only
            what is refused in any case is refused.

    Raises:
        SpecError: as ``check_query``, or it divides or takes an average outside a column that is
            declared as a Decimal, or multiplies what may go beyond 76 digits.
    """
    checked = check_query(spec, where)
    parsable = marked(checked.text, where)
    columns = {name: value_of_type(kind) for name, kind in types.items()}
    known: dict[str, Value] = dict(columns)
    for _ in range(_PASSES):
        rewriter = Rewriter(parsable, where, known, _scales(spec))
        text = rewriter.rewritten()
        inferred = {**columns, **rewriter.aliases}
        if inferred == known:
            break
        known = inferred
    else:
        raise where.refusal("aliases refer to each other in a circle")
    return CheckedQuery(_unmarked(checked.text, parsable, text), checked.columns)


def _scales(spec: AnalyticsSpec) -> dict[str, int]:
    kinds = {name: parse_column_type(kind) for name, kind in spec.outputs.columns.items()}
    return {name: kind.scale for name, kind in kinds.items() if kind.name == "Decimal"}


def _unmarked(text: str, parsable: str, changed: str) -> str:
    """The changed text with placeholders again; a marker is as long as its placeholder."""
    for token in tokens(parsable, TEMPLATE):
        if placeholder_of(token.text):
            changed = changed.replace(token.text, text[token.start : token.end])
    return changed
