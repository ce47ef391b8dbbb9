"""The SQL gate: what users write is checked outside the engine, before any engine sees it.

The text that runs is the text that was checked; only placeholders are replaced, by a quoted name
and by typed parameters.
"""

import re
from dataclasses import dataclass

from chartly.api.analytics import AnalyticsSpec
from chartly.api.suggestion import did_you_mean
from chartly.errors import SpecError
from chartly.query.functions import AGGREGATES, SCALARS, hint, is_allowed
from chartly.query.lexer import Token, place, tokens
from chartly.query.placeholders import PLACEHOLDERS, filled, marked, placeholder_of, uses

INSTANT = "DateTime64(3, 'UTC')"
_COLUMN = re.compile(r"[a-z][a-z0-9_]{0,62}")
_KEYWORDS = """
select from where having by and or not in as over on using when then else case between exists
distinct all union join limit with interval is like ilike order group
"""
_CALLABLE_KEYWORDS = frozenset(_KEYWORDS.split())
_REFUSED_WORDS = {
    **dict.fromkeys(("settings", "format", "into", "outfile", "sample", "final", "prewhere"), ""),
    **dict.fromkeys(("insert", "create", "drop", "alter", "attach", "system", "explain"), ""),
    **dict.fromkeys(("information_schema", "global", "over", "window", "array_join"), ""),
    **dict.fromkeys(("current_timestamp", "current_date", "current_user"), ""),
    **dict.fromkeys(
        ("float", "float32", "float64", "bfloat16", "double", "real"),
        "sums of floats depend on their order; use Decimal",
    ),
}


@dataclass(frozen=True)
class CheckedQuery:
    """A query that passed the gate.

    Attributes:
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


def check_query(spec: AnalyticsSpec, where: str = "queryTemplate.text") -> CheckedQuery:
    """The query of an analytics profile.

    Raises:
        SpecError: it is not one SELECT over the declared input, calls what is not allowed, or
            would not give the same answer every time.
    """
    text = spec.query_template.text
    parsable = marked(text, where)
    found = tokens(parsable, where)
    _check_words(found, parsable, where)
    _check_placeholders(found, text, where)
    return CheckedQuery(text, _check_structure(parsable, where))


def _check_words(found: list[Token], sql: str, where: str) -> None:
    for token, following in zip(found, [*found[1:], None], strict=True):
        if token.kind not in ("word", "quoted"):
            continue
        name = token.text.strip('`"')
        at = f"{where}: {place(sql, token.start)}"
        if token.kind == "word" and name.lower() in _REFUSED_WORDS:
            why = _REFUSED_WORDS[name.lower()]
            raise SpecError(f"{at}: {name} is not allowed in a query" + (f"; {why}" if why else ""))
        if following is not None and following.text == "(":
            _check_call(name, token, at)


def _check_call(name: str, token: Token, at: str) -> None:
    if token.kind == "word" and name.lower() in _CALLABLE_KEYWORDS:
        return
    why = hint(name)
    if why is not None:
        raise SpecError(f"{at}: {name}() is not repeatable" + (f"; {why}" if why else ""))
    if not is_allowed(name) and not _is_type(name):
        near = did_you_mean(name.lower(), sorted(AGGREGATES | SCALARS))
        raise SpecError(
            f"{at}: function {name}() is not allowed"
            + (f"; did you mean {near!r}?" if near else "")
        )


def _is_type(name: str) -> bool:
    return name in ("Decimal", "Decimal32", "Decimal64", "Decimal128", "DateTime64", "DateTime",
                    "Nullable", "LowCardinality", "FixedString")  # fmt: skip


def _check_placeholders(found: list[Token], text: str, where: str) -> None:
    words = [placeholder_of(token.text) for token in found if token.kind == "word"]
    for name in PLACEHOLDERS:
        used = uses(text, name)
        if used == 0:
            raise SpecError(f"{where}: {{{{{name}}}}} must appear")
        if words.count(name) != used:
            raise SpecError(f"{where}: {{{{{name}}}}} must not stand in quotes")


def _check_structure(parsable: str, where: str) -> tuple[str, ...]:
    # Imported where it is needed: it costs start-up time.
    import sqlglot  # noqa: PLC0415
    from sqlglot import exp  # noqa: PLC0415

    try:
        statements = sqlglot.parse(parsable, read="clickhouse")
    except (sqlglot.errors.SqlglotError, RecursionError) as error:
        raise SpecError(f"{where}: {_syntax(error)}") from None
    tree = statements[0] if len(statements) == 1 else None
    if not isinstance(tree, exp.Select | exp.SetOperation):
        raise SpecError(f"{where}: must be exactly one SELECT")
    ours = {one.alias.lower() for one in tree.find_all(exp.CTE)}
    for table in tree.find_all(exp.Table):
        name = table.name
        plain = isinstance(table.this, exp.Identifier) and not table.db
        if not plain or (placeholder_of(name) != "dataset" and name.lower() not in ours):
            shown = table.sql("clickhouse")[:80]
            raise SpecError(f"{where}: table {shown} is not allowed; allowed is {{{{dataset}}}}")
    for select in tree.find_all(exp.Select):
        if select.args.get("limit") is not None and select.args.get("order") is None:
            raise SpecError(f"{where}: LIMIT without ORDER BY is not repeatable")
    return _columns(tree.selects, where)


def _columns(selects: "list[exp.Expression]", where: str) -> tuple[str, ...]:  # type: ignore[name-defined]  # noqa: F821 - imported lazily
    names = [one.alias_or_name for one in selects]
    for position, name in enumerate(names, 1):
        if _COLUMN.fullmatch(name) is None:
            raise SpecError(
                f"{where}: output column {position} needs a name in lower case; "
                f"write `AS name` behind it"
            )
        if names.count(name) > 1:
            raise SpecError(f"{where}: two output columns are named {name!r}")
    return tuple(names)


def _syntax(error: Exception) -> str:
    details = getattr(error, "errors", None)
    if details:
        one = details[0]
        return f"line {one['line']}, column {one['col']}: {one['description']}"
    return "is not SQL that can be read"
