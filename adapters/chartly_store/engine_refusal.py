"""An engine's refusal of a query, without its code and without the engine's own suffixes."""

import re
from dataclasses import dataclass

_REFUSED = re.compile(r"Code: ([0-9]+)\. DB::Exception: (.*)")
_ENDS = re.compile(
    r"[.:,]? (?:while |in scope |in query |maybe you meant)|\. |[.:]? \(line |: \(| \([A-Z_]+\)",
    re.IGNORECASE,
)
_UNKNOWN = re.compile(r"identifier [`']([^`']+)[`']", re.IGNORECASE)
_UNKNOWN_IDENTIFIER = 47
_SYNTAX = re.compile(r"failed at position [0-9]+ \((.*?)\)")


@dataclass(frozen=True)
class EngineRefusal:
    """The refusal of a query.

    Attributes:
        code: the number of the error.
        sentence: what is wrong.
        unknown: the name that the engine does not resolve; empty where that is not what is wrong.
    """

    code: int
    sentence: str
    unknown: str = ""


def engine_refusal(message: str) -> EngineRefusal | None:
    """The refusal in the message of an error; None where the engine did not answer with one."""
    refused = _REFUSED.search(message)
    if refused is None:
        return None
    code, text = int(refused[1]), refused[2]
    syntax, unknown = _SYNTAX.search(text), _UNKNOWN.search(text)
    if syntax is not None:
        at = f" at {syntax[1]!r}" if syntax[1] else ""
        return EngineRefusal(code, f"it is not SQL that the store can read{at}")
    sentence = _ENDS.split(text)[0].rstrip(".: ")
    is_unknown = unknown is not None and code == _UNKNOWN_IDENTIFIER
    return EngineRefusal(code, sentence, unknown[1] if unknown and is_unknown else "")
