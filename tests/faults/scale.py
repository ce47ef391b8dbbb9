"""How many faults are tried, and which chance decides on them."""

import os
import random

FULL = os.environ.get("CHARTLY_FAULTS") == "full"
"""Hours may pass; otherwise it is a part of ``make test``, and minutes count."""
SEED = int(os.environ.get("CHARTLY_FAULTS_SEED", "20260210"))


def scaled(quick: int, full: int) -> int:
    """A number of rounds, kills or cases for the form that is asked for."""
    return full if FULL else quick


def chance(*case: object) -> random.Random:
    """The chance of a case: the same in every run with this seed, whatever runs before it."""
    return random.Random("/".join(map(str, (SEED, *case))))
