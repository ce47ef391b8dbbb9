"""RFC 9535 queries over documents whose numbers are exact.

The library reads numbers as floats: here a number with a fraction is text of a type of its own, and
numbers of a filter are as exact as those of a page.
"""

import re
from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, Context, Decimal
from typing import Any, TypeAlias

from jsonpath_rfc9535 import (
    JSONPathEnvironment,
    JSONPathNode,
    JSONPathNodeList,
    JSONPathQuery,
    JSONPathSyntaxError,
)
from jsonpath_rfc9535.filter_expressions import (
    NOTHING,
    ComparisonExpression,
    Expression,
    FilterContext,
    FilterExpressionLiteral,
    Nothing,
    RelativeFilterQuery,
)
from jsonpath_rfc9535.function_extensions import Length, Match, Search
from jsonpath_rfc9535.parse import Parser
from jsonpath_rfc9535.segments import JSONPathRecursiveDescentSegment, JSONPathSegment
from jsonpath_rfc9535.selectors import (
    FilterSelector,
    IndexSelector,
    NameSelector,
    WildcardSelector,
)
from jsonpath_rfc9535.tokens import TokenStream

from chartly.extract.records import NotJson, Number, nested_values

_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")

_EXACT = Context(prec=MAX_PREC, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[])

_Comparable: TypeAlias = Decimal | int | str


class Query:
    """A compiled query.

    Attributes:
        singular: it can match one value at most, by its form (RFC 9535, section 2.3.5.1).
        prefix: the names and indexes before the first segment that can match several values.
    """

    def __init__(self, query: JSONPathQuery) -> None:
        self.singular = query.singular_query()
        self.prefix = _singular_prefix(query)
        self._query = query

    def unfiltered(self) -> "Query":
        """The query with ``[*]`` in place of each segment that filters."""
        segments = tuple(map(_unfiltered, self._query.segments))
        return Query(JSONPathQuery(env=self._query.env, segments=segments))

    @property
    def filters_below(self) -> bool:
        """Whether it filters the matches of ``..``, whose number is then unknown."""
        return any(
            isinstance(segment, JSONPathRecursiveDescentSegment) and _filters(segment)
            for segment in self._query.segments
        )

    def until_filter(self) -> "Query":
        """The query up to its first segment that filters, with ``[*]`` in place of that."""
        segments = self._query.segments
        end = next((n for n, segment in enumerate(segments, 1) if _filters(segment)), len(segments))
        return Query(JSONPathQuery(env=self._query.env, segments=segments[:end])).unfiltered()

    def dead_ends(self, document: object) -> list[object]:
        """The values that all lack the query's next member; none where the query matches.

        Null and an empty array lack nothing: they mean that there is no value.

        Raises:
            RecursionError: the document is nested too deep.
        """
        root: Any = document
        nodes = [JSONPathNode(value=root, location=(), parent=None, root=root)]
        for segment in self._query.segments:
            values = [node.value for node in nodes if node.value is not None and node.value != []]
            nodes = list(segment.resolve(nodes))
            if not nodes:
                return values if _is_dead_end(segment, values) else []
        return []

    def values(self, document: object) -> list[object]:
        """The values that it matches, in order.

        Raises:
            RecursionError: the document is nested too deep.
        """
        return list(self._query.find(document).values())  # type: ignore[arg-type]  # a JSON value


def compile_query(text: str) -> Query:
    """The query of this text.

    Raises:
        JSONPathError: it is not RFC 9535.
    """
    return Query(_Environment().compile(text))


def _singular_prefix(query: JSONPathQuery) -> tuple[str | int, ...]:
    keys: list[str | int] = []
    for segment in query.segments:
        first = segment.selectors[0]
        if isinstance(segment, JSONPathRecursiveDescentSegment) or len(segment.selectors) > 1:
            break
        if isinstance(first, NameSelector):
            keys.append(first.name)
        elif isinstance(first, IndexSelector):
            keys.append(first.index)
        else:
            break
    return tuple(keys)


def _unfiltered(segment: JSONPathSegment) -> JSONPathSegment:
    if not _filters(segment):
        return segment
    every = WildcardSelector(env=segment.env, token=segment.token)
    return type(segment)(env=segment.env, token=segment.token, selectors=(every,))


def _filters(segment: JSONPathSegment) -> bool:
    return any(isinstance(selector, FilterSelector) for selector in segment.selectors)


def _is_dead_end(segment: JSONPathSegment, values: list[object]) -> bool:
    """Whether values without a match of a segment should have one."""
    if not all(isinstance(step, NameSelector | IndexSelector) for step in segment.selectors):
        return not any(isinstance(value, dict | list) for value in values)
    if isinstance(segment, JSONPathRecursiveDescentSegment):
        return not any(map(_contains_nothing, values))
    return True


def _contains_nothing(value: object) -> bool:
    """Whether a value contains null or an empty array at any depth."""
    return any(nested is None or nested == [] for nested in nested_values(value))


class _Comparison(ComparisonExpression):
    def evaluate(self, context: FilterContext) -> bool:
        left, right = (_value(side.evaluate(context)) for side in (self.left, self.right))
        match self.operator:
            case "==":
                return _equal(left, right)
            case "!=":
                return not _equal(left, right)
            case "<":
                return _less(left, right)
            case ">":
                return _less(right, left)
            case "<=":
                return _less(left, right) or _equal(left, right)
            case _:
                return _less(right, left) or _equal(left, right)


class _Current(RelativeFilterQuery):
    """A query from ``@``: any value that is no container is a node too."""

    def evaluate(self, context: FilterContext) -> object:
        current: Any = context.current
        if isinstance(current, list | dict) or not self.query.empty():
            return super().evaluate(context)
        return JSONPathNodeList(
            [JSONPathNode(value=current, location=(), parent=None, root=current)]
        )


class _Length(Length):
    def __call__(self, value: Any) -> int | Nothing:  # noqa: ANN401 - a value of any kind comes
        return NOTHING if _has_number(value) else super().__call__(value)


class _Match(Match):
    def __call__(self, text: str, pattern: object) -> bool:
        return not _has_number(text, pattern) and super().__call__(text, pattern)


class _Search(Search):
    def __call__(self, text: str, pattern: object) -> bool:
        return not _has_number(text, pattern) and super().__call__(text, pattern)


class _Parser(Parser):
    def parse_infix_expression(self, stream: TokenStream, left: Expression) -> Expression:
        infix = super().parse_infix_expression(stream, left)
        if isinstance(infix, ComparisonExpression):
            return _Comparison(infix.token, infix.left, infix.operator, infix.right)
        return infix

    def parse_relative_query(self, stream: TokenStream) -> Expression:
        query = super().parse_relative_query(stream)
        assert isinstance(query, RelativeFilterQuery)  # noqa: S101 - for the type checker
        return _Current(query.token, query.query)

    def parse_integer_literal(self, stream: TokenStream) -> Expression:
        return _literal(stream)

    def parse_float_literal(self, stream: TokenStream) -> Expression:
        return _literal(stream)


class _Environment(JSONPathEnvironment):
    parser_class = _Parser

    def setup_function_extensions(self) -> None:
        super().setup_function_extensions()
        self.function_extensions |= {"length": _Length(), "match": _Match(), "search": _Search()}


def _literal(stream: TokenStream) -> Expression:
    token = stream.current
    if _NUMBER.fullmatch(token.value) is None:
        raise JSONPathSyntaxError(f"invalid number {token.value!r}", token=token)
    return FilterExpressionLiteral(token, _exact(token.value))


def _exact(number: str) -> Decimal:
    """The exact value of a number; beyond 10 to the power of 10^18 it is infinite, or zero."""
    return _EXACT.create_decimal(number)


def _has_number(*values: object) -> bool:
    return any(isinstance(value, Number | NotJson) for value in values)


def _value(result: object) -> object:
    """The value of an operand: that of its single node, or nothing."""
    if not isinstance(result, JSONPathNodeList):
        return result
    return result[0].value if result else NOTHING


def _equal(left: object, right: object) -> bool:
    first, second = _scalar(left), _scalar(right)
    if first is not None and second is not None:
        return first == second and isinstance(first, str) == isinstance(second, str)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(_equal, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(_equal(left[key], right[key]) for key in left)
    # True, false, null and the result of no node are equal to themselves alone.
    return left is right


def _less(left: object, right: object) -> bool:
    first, second = _scalar(left), _scalar(right)
    if isinstance(first, str) and isinstance(second, str):
        return first < second
    if isinstance(first, int | Decimal) and isinstance(second, int | Decimal):
        return first < second
    return False


def _scalar(value: object) -> _Comparable | None:
    """A number's exact value, or a text; None for anything else."""
    if isinstance(value, Number):
        return _exact(value)
    comparable = isinstance(value, int | Decimal | str) and not isinstance(value, bool | NotJson)
    return value if comparable else None  # type: ignore[return-value]  # as was just checked
