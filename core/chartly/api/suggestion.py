"""Suggestions for a refused word: the nearest allowed one, or all of them."""

from collections.abc import Iterable
from difflib import get_close_matches

_MOST = 12


def did_you_mean(word: str, allowed: Iterable[str]) -> str | None:
    """The allowed word nearest to ``word``, if one is near."""
    near = get_close_matches(word, list(allowed), n=1, cutoff=0.6)
    return near[0] if near else None


def suggestion_for(word: str, allowed: Iterable[str]) -> str:
    """``did you mean 'x'?`` or ``allowed are a, b, c``."""
    names = list(allowed)
    near = did_you_mean(word, names)
    if near is not None:
        return f"did you mean {near!r}?"
    listed = ", ".join(names[:_MOST]) + (", ..." if len(names) > _MOST else "")
    return f"allowed are {listed}" if names else "there is none"
