"""Places in files: a file, an object in it, a field of that; problems are created from them."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from chartly.api.credential import holds_credential
from chartly.errors import Problem, Reason, Scalar, SpecError

_PRIVATE = re.compile(r"auth|secret|header|token|password|\bquery\b", re.IGNORECASE)
_IN_URL = re.compile(r"://\S*@|[^/\s:]:[^/\s:]+@|(^\"|[\w/])\?\S*=")
"""A user or a query, either of which may contain a credential."""
_LAST = re.compile(r"(\.[^.\[]*|\[[^\[]*)$|^[^.\[]*$")
"""The last part of a path."""


@dataclass(frozen=True)
class Mark:
    """The position of a value in a file.

    Attributes:
        written: its spelling, if it is a plain scalar that YAML does not read as text.
        first_row: the line of its first row, if it is a block whose rows are lines of the file.
    """

    line: int
    written: str = ""
    first_row: int | None = None


Value: TypeAlias = object
"""The value of a field, of any type."""
SourceMap: TypeAlias = Mapping[str, Mark]
"""The mark of each path of a document; that of the document itself is under the empty path."""


@dataclass(frozen=True)
class Place:
    """A file, an object and a field; an unknown part is empty.

    Attributes:
        row: the line within the value of the field, from 1.
    """

    source: str = ""
    object: str = ""
    path: str = ""
    marks: SourceMap = field(default_factory=dict, compare=False, repr=False)
    row: int | None = None

    def __str__(self) -> str:
        return ": ".join(filter(None, (self.source, self.object, self.path)))

    def of(self, name: Value) -> "Place":
        """The same place with an object."""
        return replace(self, object=str(name))

    def at(self, *parts: str | int) -> "Place":
        """A field within this one."""
        path = self.path
        for part in parts:
            path = joined(path, part if isinstance(part, int) else redacted_name(part))
        return replace(self, path=path)

    def at_row(self, row: int) -> "Place":
        """A line of the text that the field has as its value."""
        return replace(self, row=row)

    def problem(
        self,
        why: str,
        *,
        value: Value = None,
        allowed: Iterable[str] = (),
        reason: Reason = Reason.CONFIG_INVALID,
    ) -> Problem:
        """A problem at this place, without a value that is no scalar or may be a credential."""
        public = _public_value(value, self.path)
        return Problem(
            why=why,
            reason=reason,
            object=self.object,
            path=self.path,
            value=public,
            written=self.written if not isinstance(public, str | None) else "",
            allowed=tuple(allowed),
            source=self.source,
            line=self.line,
            row=self.row,
        )

    def refusal(
        self,
        why: str,
        *,
        value: Value = None,
        allowed: Iterable[str] = (),
        reason: Reason = Reason.CONFIG_INVALID,
    ) -> SpecError:
        """The error with one such problem."""
        return SpecError([self.problem(why, value=value, allowed=allowed, reason=reason)])

    @property
    def line(self) -> int | None:
        """The line of the row or the field, or of the nearest field around that the file has."""
        mark, is_here = self._mark()
        if mark and is_here and mark.first_row and self.row:
            return mark.first_row + self.row - 1
        return mark.line if mark else None

    @property
    def written(self) -> str:
        """The spelling of the value, if it is a plain scalar that is not read as text."""
        mark, is_here = self._mark()
        return mark.written if mark and is_here else ""

    def around(self, inner: Problem) -> Problem:
        """A problem with a path relative to this place, completed by it."""
        whole = replace(self, path=_nested(self.path, inner.path), row=inner.row)
        return replace(
            inner,
            object=inner.object or self.object,
            path=whole.path,
            source=inner.source or self.source,
            line=inner.line or whole.line,
        )

    @contextmanager
    def within(self) -> Iterator[None]:
        """Completes the problems that are raised inside by this place."""
        try:
            yield
        except SpecError as error:
            raise SpecError(map(self.around, error.problems)) from None

    def _mark(self) -> tuple[Mark | None, bool]:
        """The mark of the field, or of the nearest one around it that the file has."""
        path = self.path
        while path and path not in self.marks:
            path = _LAST.sub("", path)
        return self.marks.get(path), path == self.path


def joined(path: str, part: str | int) -> str:
    """The path of a member of an object, or of an element of a list."""
    if isinstance(part, int):
        return f"{path}[{part}]"
    return f"{path}.{part}" if path else part


def _nested(path: str, inner: str) -> str:
    return path + inner if inner.startswith("[") or not (path and inner) else f"{path}.{inner}"


def redacted_name(name: str) -> str:
    """A name from a file, or stars if it is a credential."""
    return "***" if holds_credential(name) else name


def _public_value(value: Value, path: str) -> Scalar:
    if not isinstance(value, Scalar) or _PRIVATE.search(path):
        return None
    if _IN_URL.search(json.dumps(value)) or (isinstance(value, str) and holds_credential(value)):
        return None
    return value
