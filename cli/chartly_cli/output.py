"""The output of commands: one JSON document, or text for a person."""

import json
import sys
from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from chartly_cli.printable import in_json, one_line, printable


class Form(StrEnum):
    """How results are printed."""

    TEXT = "text"
    JSON = "json"


class Printer:
    """Results go to standard output, everything else to standard error.

    Both contain text of APIs and files, so neither prints a control character.
    """

    def __init__(self, form: Form) -> None:
        self.form = form

    @property
    def is_json(self) -> bool:
        return self.form is Form.JSON

    def result(self, value: object, text: str) -> None:
        """Prints the one result of a command, in the form of ``--output``."""
        line = _document(value) if self.is_json else printable(text)
        sys.stdout.write(line + "\n")
        sys.stdout.flush()

    def note(self, text: str) -> None:
        """Prints a line for a person, beside the result; none beside JSON."""
        if not self.is_json:
            sys.stderr.write(printable(text) + "\n")
            sys.stderr.flush()


def _document(value: object) -> str:
    return in_json(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False, default=str))


def table(headers: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Rows under their headers, in columns of equal width; numbers to the right."""
    cells = [[_cell(value) for value in row] for row in rows]
    headers = [one_line(name) for name in headers]
    widths = [max(map(len, column)) for column in zip(headers, *cells, strict=True)]
    numeric = [
        bool(rows) and all(_is_number(row[place]) for row in rows) for place in range(len(headers))
    ]
    lines = [
        _line(headers, widths, numeric),
        _line(["-" * width for width in widths], widths, numeric),
    ]
    return "\n".join(lines + [_line(row, widths, numeric) for row in cells])


def pairs(values: dict[str, Any]) -> str:
    """Names and values, one a line."""
    width = max(map(len, values), default=0)
    return "\n".join(f"{name.ljust(width)}  {_cell(value)}" for name, value in values.items())


def _line(cells: Sequence[str], widths: Sequence[int], numeric: Sequence[bool]) -> str:
    shown = (
        cell.rjust(width) if right else cell.ljust(width)
        for cell, width, right in zip(cells, widths, numeric, strict=True)
    )
    return "  ".join(shown).rstrip()


def _cell(value: object) -> str:
    return "" if value is None else one_line(str(value))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
