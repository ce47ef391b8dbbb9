"""Paths into records: plain ones become accessors, the rest is RFC 9535 by a library.

A library costs 20 to 50 times what an accessor does (docs/adr/0002-jsonpath-library.md), so only
wildcards, filters, slices and negative indexes pay for it.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce

from chartly.errors import Reason, RunError, SpecError

_NAME = r"[A-Za-z_\u0080-\uD7FF\uE000-\U0010FFFF][A-Za-z0-9_\u0080-\uD7FF\uE000-\U0010FFFF]*"
_SEGMENT = re.compile(
    rf"\.(?P<name>{_NAME})|\['(?P<single>[^'\\\x00-\x1f]*)'\]|\[\"(?P<double>[^\"\\\x00-\x1f]*)\"\]"
    r"|\[(?P<index>0|[1-9][0-9]{0,8})\]"
)
_FIELD = re.compile(r"[^.\[\]$*@'\" ]+(\.[^.\[\]$*@'\" ]+)*")

Key = str | int


@dataclass(frozen=True)
class Path:
    """A compiled path; what is absent reads as None, as a null does.

    Attributes:
        keys: the members of a plain path, or None where the library is needed.
    """

    text: str
    keys: tuple[Key, ...] | None
    _find: Callable[[object], object]

    def get(self, record: object) -> object:
        """The one value in ``record``; several matches come as a list.

        Raises:
            RunError: ``UpstreamUnavailable``: the record is nested too deep for a library's path.
        """
        return self._find(record)


def compile_path(text: str) -> Path:
    """A JSONPath (RFC 9535) that starts at a record, such as ``$.totals.amount``.

    Raises:
        SpecError: it is not a JSONPath; names the column of the mistake.
    """
    keys = _plain(text)
    if keys is not None:
        return Path(text, keys, _accessor(keys))
    return Path(text, None, _library(text))


def compile_field(text: str) -> Path:
    """A dotted name into a page, such as ``meta.next``; a text with ``$`` is a JSONPath.

    Raises:
        SpecError: it is neither.
    """
    if text.startswith("$"):
        return compile_path(text)
    if _FIELD.fullmatch(text) is None:
        raise SpecError(f"field {text!r}: must be a dotted name such as meta.next, or a JSONPath")
    keys = tuple(text.split("."))
    return Path(text, keys, _accessor(keys))


def _plain(text: str) -> tuple[Key, ...] | None:
    if not text.startswith("$"):
        return None
    keys: list[Key] = []
    position = 1
    while position < len(text):
        found = _SEGMENT.match(text, position)
        if found is None:
            return None
        group = str(found.lastgroup)
        keys.append(int(found[group]) if group == "index" else found[group])
        position = found.end()
    return tuple(keys)


def _accessor(keys: tuple[Key, ...]) -> Callable[[object], object]:
    return lambda record: reduce(_step, keys, record)


def _step(value: object, key: Key) -> object:
    if isinstance(key, str):
        return value.get(key) if isinstance(value, dict) else None
    return value[key] if isinstance(value, list) and key < len(value) else None


def _library(text: str) -> Callable[[object], object]:
    # Imported where it is needed: it costs start-up time that plain paths need not pay.
    from jsonpath_rfc9535 import (  # noqa: PLC0415
        JSONPathEnvironment,
        JSONPathError,
        JSONPathRecursionError,
    )

    try:
        query = JSONPathEnvironment().compile(text)
    except JSONPathError as error:
        column = error.token.index + 1 if error.token is not None else 1
        what = str(error.args[0]) if error.args else "not a JSONPath"
        raise SpecError(f"path {text!r}: column {column}: {what}") from None

    def find(record: object) -> object:
        try:
            values = query.find(record).values()  # type: ignore[arg-type]  # a JSON value
        except (JSONPathRecursionError, RecursionError):
            raise RunError(
                Reason.UPSTREAM_UNAVAILABLE, f"the page is nested too deep for path {text!r}"
            ) from None
        return (values[0] if len(values) == 1 else list(values)) if values else None

    return find
