"""YAML text as kubectl reads it: scalars of YAML 1.1 in go-yaml's dialect, nothing executable."""

import math
import re
from dataclasses import dataclass, field
from typing import cast

import yaml

from chartly.api.place import Mark, Place, SourceMap, joined
from chartly.errors import SpecError

Json = str | int | float | bool | list["Json"] | dict[str, "Json"] | None
MAX_DOCUMENT_BYTES = 1024 * 1024
MAX_DEPTH = 64
MAX_NODES = 100_000
MAX_DIGITS = 1_000

_BOOLEANS = {
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "on", "On", "ON"), True),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "off", "Off", "OFF"), False),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_TAGS = {
    f"tag:yaml.org,2002:{name}"
    for name in ("str", "int", "float", "bool", "null", "timestamp", "value", "map", "seq")
}
_NULLS = ("", "~", "null", "Null", "NULL")
_INTEGER = re.compile(r"[-+]?(0b[01_]+|0x[0-9a-fA-F_]+|0o?[0-7_]*|[1-9][0-9_]*)")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_SPECIAL = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")


@dataclass(frozen=True)
class Document:
    """One document of a file: its place and its content."""

    source: str
    line: int
    content: dict[str, Json]
    marks: SourceMap = field(default_factory=dict, compare=False, repr=False)

    @property
    def place(self) -> Place:
        return Place(self.source, marks=self.marks)


def parse_documents(text: str, source: str) -> list[Document]:
    """Parses a YAML (or JSON) text; leaves empty documents out.

    Raises:
        SpecError: the text is not YAML, holds a duplicate key or a tag, or is too large or deep.
    """
    file = Place(source, object="" if source else "document")
    if len(text) > MAX_DOCUMENT_BYTES:
        raise file.refusal(f"is larger than {MAX_DOCUMENT_BYTES} bytes")
    try:
        nodes = list(yaml.compose_all(text, Loader=yaml.SafeLoader))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise _refusal(source, mark, f"not YAML: {error.problem}") from None
    except (yaml.YAMLError, RecursionError) as error:
        raise file.refusal(f"not YAML: {_first_line(error)}") from None
    return [_document(node, source) for node in nodes if not _is_empty(node)]


def _refusal(source: str, mark: yaml.Mark | None, why: str) -> SpecError:
    marks = {"": Mark(mark.line + 1)} if mark else {}
    return Place(source, marks=marks).refusal(f"column {mark.column + 1}: {why}" if mark else why)


def _first_line(error: Exception) -> str:
    return "nested too deep" if isinstance(error, RecursionError) else str(error).splitlines()[0]


def _is_empty(node: yaml.Node | None) -> bool:
    return node is None or (
        isinstance(node, yaml.ScalarNode) and node.style is None and node.value in _NULLS
    )


def _document(node: yaml.Node, source: str) -> Document:
    line = node.start_mark.line + 1
    reader = _Reader(source)
    content = reader.read(node, 0)
    if not isinstance(content, dict):
        why = "must be an object with apiVersion and kind"
        raise Place(source, marks={"": Mark(line)}).refusal(why)
    return Document(source, line, content, reader.marks)


class _Reader:
    """Reads nodes as JSON values; counts visits, so that aliases cannot multiply unseen.

    Attributes:
        marks: the line and spelling of each value, by its path.
    """

    def __init__(self, source: str) -> None:
        self._source = source
        self._visited = 0
        self.marks: dict[str, Mark] = {}

    def read(self, node: yaml.Node, depth: int, path: str = "", line: int | None = None) -> Json:
        if depth > MAX_DEPTH:
            raise self._error(node, f"is nested deeper than {MAX_DEPTH} levels")
        self._count(node)
        # An aliased value has the line of its anchor, but a reader looks for a member at its key.
        line = node.start_mark.line + 1 if line is None else line
        self.marks[path] = Mark(line)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, depth, path)
        if isinstance(node, yaml.SequenceNode):
            items = enumerate(node.value)
            return [self.read(item, depth + 1, joined(path, place)) for place, item in items]
        scalar = cast("yaml.ScalarNode", node)
        value = self._scalar(scalar)
        if not isinstance(value, str):
            self.marks[path] = Mark(line, scalar.value)
        elif scalar.style == "|":
            self.marks[path] = Mark(line, first_row=scalar.start_mark.line + 2)
        return value

    def _count(self, node: yaml.Node) -> None:
        self._visited += 1
        if self._visited > MAX_NODES:
            raise self._error(node, f"holds more than {MAX_NODES} values")
        if node.tag not in _TAGS:
            raise self._error(node, f"the tag {node.tag} is not allowed")

    def _mapping(self, node: yaml.MappingNode, depth: int, path: str) -> dict[str, Json]:
        result: dict[str, Json] = {}
        for key_node, value_node in node.value:
            key = self._name(key_node)
            if key in result:
                raise self._error(key_node, f"the key {key!r} is given twice")
            line = key_node.start_mark.line + 1
            result[key] = self.read(value_node, depth + 1, joined(path, key), line)
        return result

    def _name(self, node: yaml.Node) -> str:
        self._count(node)
        key = self._scalar(node) if isinstance(node, yaml.ScalarNode) else None
        return key if isinstance(key, str) else self._key(node, key)

    def _key(self, node: yaml.Node, key: Json) -> str:
        """A key that is no text: kubectl sends it as it is read, so both must be the same."""
        if not isinstance(node, yaml.ScalarNode) or key is None:
            raise self._error(node, "a key must be text")
        sent = str(key).lower() if isinstance(key, bool) else str(key)
        if sent != node.value:
            raise self._error(node, f"the key {node.value} is read as {sent}; quote it")
        return sent

    def _scalar(self, node: yaml.ScalarNode) -> Json:
        if node.style is not None:
            return str(node.value)
        try:
            return plain_scalar(node.value)
        except ValueError as error:
            raise self._error(node, str(error)) from None

    def _error(self, node: yaml.Node, why: str) -> SpecError:
        return _refusal(self._source, node.start_mark, why)


def plain_scalar(text: str) -> Json:
    """An unquoted scalar as kubectl reads it.

    Raises:
        ValueError: infinity or not-a-number, which JSON does not have; or too many digits.
    """
    if text in _NULLS:
        return None
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    if _SPECIAL.fullmatch(text):
        raise ValueError(f"{text} is not a JSON number")
    if _INTEGER.fullmatch(text):
        return _integer(text)
    if _FLOAT.fullmatch(text):
        number = float(text)
        if math.isinf(number):
            raise ValueError("a number is beyond what JSON readers agree on")
        return int(number) if number.is_integer() and abs(number) < 1 << 53 else number
    return text


def _integer(text: str) -> Json:
    sign = -1 if text.startswith("-") else 1
    digits = text.lstrip("+-").replace("_", "")
    if len(digits) > MAX_DIGITS:
        raise ValueError(f"a number has more than {MAX_DIGITS} digits")
    if digits.startswith(("0b", "0x", "0o")):
        return sign * int(digits, 0) if len(digits) > len("0x") else text
    return sign * int(digits, 8 if digits.startswith("0") and digits != "0" else 10)


def json_type(value: object) -> str:
    """The type of a JSON value, in the words of RFC 8259."""
    kinds = ((bool, "a boolean"), (str, "text"), (dict, "an object"), (list, "an array"))
    return next((name for kind, name in kinds if isinstance(value, kind)), "a number")


def without_nulls(value: object) -> object:
    """``value`` without the members of objects that are null, at any depth."""
    if isinstance(value, dict):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return [without_nulls(item) for item in value]
    return value
