"""What the engine says that it reads in a text: its own tree of syntax, which runs nothing."""

from collections.abc import Sequence
from dataclasses import dataclass

from chartly.query.vocabulary import IN_FUNCTIONS

_OPERATORS = frozenset(
    """
plus minus multiply divide modulo negate equals notequals less greater lessorequals greaterorequals
and or not in notin globalin globalnotin like notlike ilike notilike isnull isnotnull concat lambda
tuple array arrayelement tupleelement cast if multiif casewithexpression exists map todate
todatetime tointervalday tointervalhour trimboth todayofmonth isdistinctfrom isnotdistinctfrom
singlevalueornull untuple min max nullin
""".split()  # noqa: SIM905 - a list of names
)
"""Functions that signs and words stand for."""


@dataclass(frozen=True)
class EngineReading:
    """What the engine found.

    Attributes:
        tables: the names that it takes for tables, and, with brackets, the functions that make rows.
        functions: those that are called by name, in lower case.
    """

    tables: frozenset[str]
    functions: frozenset[str]


def reading_of(explained: Sequence[str]) -> EngineReading:
    """The reading that the lines of ``EXPLAIN AST`` hold."""
    lines = [(len(line) - len(line.lstrip()), line.split()) for line in explained]
    tables, functions = set(), set()
    for position, (depth, words) in enumerate(lines):
        if words[0] == "TableIdentifier":
            tables.add(words[1])
        if words[0] != "Function":
            continue
        name = words[1].lower()
        if lines[position - 1][1][0] == "TableExpression":
            tables.add(f"{name}()")
        if name not in _OPERATORS:
            functions.add(name)
        if name in IN_FUNCTIONS:
            operands = [one for one in _below(lines, position + 1) if one[0] == depth + 2]
            tables |= {words[1] for _, words in operands[1:2] if words[0] == "Identifier"}
    return EngineReading(frozenset(tables), frozenset(functions))


def _below(lines: Sequence[tuple[int, list[str]]], position: int) -> list[tuple[int, list[str]]]:
    depth = lines[position][0]
    found = []
    for line in lines[position + 1 :]:
        if line[0] <= depth:
            break
        found.append(line)
    return found
