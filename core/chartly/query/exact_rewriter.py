"""The rewriter of a query: reads it token by token and writes it with exact arithmetic."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace

from chartly.api.place import Place
from chartly.errors import SpecError
from chartly.query.exact_calls import call
from chartly.query.exact_casts import narrow_cast
from chartly.query.exact_division import quotient
from chartly.query.exact_times import amount
from chartly.query.exact_values import (
    INEXACT,
    NAME,
    Value,
    combined,
    literal,
)
from chartly.query.lexer import Token, refusal_at, tokens
from chartly.query.placeholders import placeholder_of
from chartly.query.ticks import DEFAULT_DIGITS, SUBSECOND_DIGITS
from chartly.query.vocabulary import names

_PRECEDENCE = {"+": 1, "-": 1, "*": 2, "/": 2, "%": 2}
_BREAKS = names("""
select from where having by and or not in as on using when then else end between exists distinct all
union join limit with is like ilike order group asc desc nulls first last offset final inner outer
left right full cross except intersect null default
""")
_COMPARISONS = frozenset(("=", "==", "!=", "<>", "<", ">", "<=", ">="))
_COLUMN = 38


@dataclass
class Rewriter:
    """One pass over the tokens of a text.

    Attributes:
        known: what is known of columns and aliases.
        aliases: what this pass infers of aliases.
    """

    text: str
    where: Place
    known: Mapping[str, Value]
    scales: Mapping[str, int]

    def __post_init__(self) -> None:
        self.tokens = tokens(self.text, self.where)
        self.aliases: dict[str, Value] = {}
        self._at = 0

    def rewritten(self) -> str:
        return self._sequence(("",)).text

    def _peek(self, ahead: int = 0) -> Token:
        position = self._at + ahead
        if position < len(self.tokens):
            return self.tokens[position]
        return Token("end", "", len(self.text))

    def _take(self) -> Token:
        token = self._peek()
        self._at += 1
        return token

    def _refuse(self, token: Token, why: str) -> SpecError:
        return refusal_at(self.where, self.text, token.start, why)

    @contextmanager
    def _refusing(self, token: Token) -> Iterator[None]:
        """Adds the place of a token to a refusal."""
        try:
            yield
        except ValueError as error:
            raise self._refuse(token, str(error)) from None

    def _sequence(self, ends: tuple[str, ...]) -> Value:
        """Everything up to a closing token; several values are combined."""
        parts: list[str] = []
        values: list[Value] = []
        last: Value | None = None
        while self._peek().kind != "end" and not self._ends(ends):
            token = self._peek()
            if self._starts_value():
                last = self._run()
                values.append(last)
                parts.append(last.text)
                continue
            self._take()
            parts.append(token.text)
            if token.text.lower() == "as" and last is not None and self._peek().text != "(":
                self._name(last)
                parts.append(self._take().text)
        return _whole(parts, values)

    def _ends(self, ends: tuple[str, ...]) -> bool:
        return self._peek().text in ends and self._peek().kind != "string"

    def _name(self, value: Value) -> None:
        name = self._peek().name
        old = self.aliases.get(name)
        inferred = value.spelled("")
        self.aliases[name] = inferred if old in (None, inferred) else combined("", [old, inferred])

    def _starts_value(self) -> bool:
        token = self._peek()
        if token.kind in ("string", "number", "quoted"):
            return True
        if token.kind == "word":
            return token.text.lower() not in _BREAKS or self._is_function()
        return token.text in ("-", "(", "[")

    def _is_function(self) -> bool:
        """Whether a word that is also one of SQL is called: ``left(x, 2)``, ``not(x)``."""
        return self._peek().text.lower() in ("left", "right") and self._peek(1).text == "("

    def _run(self) -> Value:
        """Operands with arithmetic signs between them; a quotient must be a whole column."""
        start = self._peek()
        value = self._operation(1)
        if value.by is None:
            return self._compared(value)
        scale = self._column_scale()
        if scale is None:
            raise self._refuse(start, INEXACT)
        with self._refusing(start):
            return quotient(value, scale)

    def _compared(self, left: Value) -> Value:
        """A value, or its comparison with the one behind the sign."""
        sign = self._peek()
        if sign.text.lower() in ("between", "not") and left.family == "decimal":
            return left.as_wide() if self._is_between() else left
        if sign.text not in _COMPARISONS:
            return left
        self._take()
        if not self._starts_value():
            return Value(f"{left.text} {sign.text}", "unknown", left.digits, changed=left.changed)
        right = self._operation(1)
        if right.by is not None:
            raise self._refuse(sign, INEXACT)
        return Value(f"{left.comparable(right).text} {sign.text} {right.text}", "integer", 1, 0)

    def _is_between(self) -> bool:
        return "between" in (self._peek().text.lower(), self._peek(1).text.lower())

    def _column_scale(self) -> int | None:
        """The scale of the column that an operation fills, or of the type it is cast to."""
        if self._peek().text.lower() != "as":
            return None
        scale = self._peek(5)
        if self._peek(1).text == "Decimal" and scale.kind == "number":
            return int(scale.text)
        return self.scales.get(self._peek(1).name)

    def _operation(self, least: int) -> Value:
        left = self._operand()
        while _PRECEDENCE.get(self._peek().text, 0) >= least and not self._is_star():
            sign = self._take()
            right = self._operation(_PRECEDENCE[sign.text] + 1)
            with self._refusing(sign):
                left = left.with_sign(sign.text, right)
        return left

    def _is_star(self) -> bool:
        return self._peek().text == "*" and self._peek(1).text in (",", ")", "")

    def _operand(self) -> Value:
        token = self._take()
        lowered = token.text.lower()
        if token.text == "-":
            return self._negated(token)
        if token.kind == "number":
            value = self._literal(token, "")
        elif token.kind == "word" and lowered == "interval":
            value = self._interval(token)
        elif token.kind == "word" and lowered == "case":
            inner = self._sequence(("end", "END", "End"))
            self._take()
            value = inner.spelled(f"CASE {inner.text} END")
        elif token.text in ("(", "["):
            value = self._brackets(token)
        elif token.kind in ("word", "quoted") and self._peek().text == "(":
            value = self._call(token)
        elif token.kind in ("word", "quoted"):
            value = self._named(token)
        else:
            value = Value(token.text, "text" if token.kind == "string" else "unknown")
        return self._postfix(value)

    def _interval(self, start: Token) -> Value:
        inner, unit = self._operand(), self._take().text
        with self._refusing(start):
            count = inner.text if inner.family == "text" else amount(inner.text, unit)
        digits = SUBSECOND_DIGITS.get(unit.lower().removesuffix("s"), 0)
        return Value(f"INTERVAL {count} {unit}", "interval", scale=digits)

    def _negated(self, sign: Token) -> Value:
        if self._peek().kind == "number":
            return self._literal(self._take(), "-")
        operand = self._operand()
        with self._refusing(sign):
            return literal("0").with_sign("-", operand)

    def _literal(self, token: Token, sign: str) -> Value:
        with self._refusing(token):
            return literal(sign + token.text)

    def _brackets(self, opening: Token) -> Value:
        closing = ")" if opening.text == "(" else "]"
        is_query = self._peek().text.lower() in ("select", "with")
        inner = self._sequence((closing,))
        self._take()
        family = "unknown" if is_query or opening.text == "[" else inner.family
        if opening.text == "[" and inner.changed and inner.digits > _COLUMN:
            raise self._refuse(opening, "write CAST(... AS Decimal(p, s)) around what is computed")
        text = f"{opening.text}{inner.text}{closing}"
        wide = inner.wide and opening.text == "(" and not is_query
        return replace(inner, text=text, family=family, wide=wide)

    def _named(self, token: Token) -> Value:
        text, name = token.text, token.name
        while self._peek().text == "." and self._peek(1).kind in ("word", "quoted"):
            self._take()
            name = self._peek().name
            text += "." + self._take().text
        if placeholder_of(token.text):
            return Value(text, "bound", scale=DEFAULT_DIGITS)
        known = self.known.get(name) or self.aliases.get(name)
        return known.spelled(text) if known is not None else Value(text, NAME)

    def _postfix(self, value: Value) -> Value:
        while self._peek().text in ("::", "[", "."):
            sign = self._take()
            if sign.text == "::":
                kind = self._type()
                with self._refusing(sign):
                    value = narrow_cast(value, kind)
            elif sign.text == "[":
                inner = self._sequence(("]",))
                self._take()
                value = Value(f"{value.text}[{inner.narrow()}]", "unknown", value.digits)
            else:
                value = Value(f"{value.text}.{self._take().text}", "unknown", value.digits)
        return value

    def _type(self) -> str:
        text = self._take().text
        if self._peek().text == "(":
            depth = 0
            while True:
                token = self._take()
                text += token.text
                depth += (token.text == "(") - (token.text == ")")
                if depth == 0:
                    break
        return text

    def _call(self, name: Token) -> Value:
        """A call; the parameters of an aggregate are in brackets before those of its arguments."""
        start = self._take().start
        arguments, type_name = self._arguments()
        parameters = ""
        if self._peek().text == "(":
            parameters = self.text[start : self._take().start]
            arguments, type_name = self._arguments()
        with self._refusing(name):
            return call(name.name, name.text, parameters, arguments, type_name)

    def _arguments(self) -> tuple[list[Value], str]:
        """Arguments up to the closing bracket, and the type behind AS."""
        arguments: list[Value] = []
        kind = ""
        while self._peek().text != ")" and self._peek().kind != "end":
            inner = self._argument()
            if self._peek().text.lower() == "as" and self._peek(1).kind == "word":
                self._take()
                kind = self._type()
            arguments.append(inner)
            if self._peek().text == ",":
                self._take()
        self._take()
        return arguments, kind

    def _argument(self) -> Value:
        if self._peek().text == "*":
            return Value(self._take().text, "unknown")
        parts: list[str] = []
        values: list[Value] = []
        while self._peek().text not in (",", ")", "") and not self._is_cast():
            if self._starts_value():
                value = self._run()
                values.append(value)
                parts.append(value.text)
            else:
                parts.append(self._take().text)
        return _whole(parts, values)

    def _is_cast(self) -> bool:
        return self._peek().text.lower() == "as"


def _whole(parts: list[str], values: list[Value]) -> Value:
    """A single value, or words, signs and values of which only the size is known."""
    if len(parts) == len(values) == 1:
        return values[0]
    return combined(" ".join(parts), values, "unknown")
