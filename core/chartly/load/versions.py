"""The version of a row: the engine keeps the highest of an event; 64 bits, no clock.

From the highest bit: 28 bits for the ordinal of the attempt in its project, 24 for the run-wide
number of the page's segment, 12 for the generation of the mapping, which a replay raises. Where the
profile names a ``versionField``, the version is that instant in microseconds since 1970.
"""

from chartly.errors import Reason, RunError

ORDINAL_BITS, SEGMENT_BITS, GENERATION_BITS = 28, 24, 12
_FIRST_GENERATION_BITS = 16


def row_version(ordinal: int, segment: int, generation: int = 0) -> int:
    """The version of the rows of a segment.

    Raises:
        RunError: ``LimitReached``: a number exceeds its bits.
    """
    for number, bits, noun in (
        (ordinal, ORDINAL_BITS, "attempts of a project"),
        (segment, SEGMENT_BITS, "pages of a run"),
        (generation, GENERATION_BITS, "generations of a mapping"),
    ):
        if number >= 1 << bits:
            raise RunError(Reason.LIMIT_REACHED, f"there are at most {1 << bits} {noun}")
    return ((ordinal << SEGMENT_BITS) | segment) << GENERATION_BITS | generation


def of_first_format(version: str, *, is_instant: bool) -> str:
    """SQL of a version of format 1 in this format.

    In format 1 it had 24 bits for the ordinal, 24 for the segment and 16 for the generation, which
    was always 0; an instant was in milliseconds.
    """
    if is_instant:
        return f"{version} * 1000"
    return f"bitShiftRight({version}, {_FIRST_GENERATION_BITS - GENERATION_BITS})"
