"""Whether another attempt may come after one that failed, and when."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from chartly.api.object_status import MAX_ATTEMPTS
from chartly.api.run_policy import RunRetry
from chartly.errors import REASONS, Retry, reason_named

_FREE_BASE = 1.0
_FREE_LONGEST = 60.0
_LONGEST = 300.0
_SPREAD = 0.25


@dataclass(frozen=True)
class Budget:
    """What a run may spend on attempts.

    Attributes:
        free: replacements of attempts that infrastructure ended.
    """

    retry: RunRetry
    free: int


def wait_before_next(attempts: Sequence[dict[str, Any]], budget: Budget, seed: str) -> float | None:
    """Seconds until the attempt after the last of ``attempts``; None if there is none.

    Args:
        attempts: as status holds them, each ended.
        seed: spreads the waits of runs that failed together; the same seed gives the same wait.
    """
    kinds = [REASONS[reason_named(attempt["reason"])].retry for attempt in attempts]
    last = kinds[-1]
    count = kinds.count(last)
    allowed = {Retry.RETRY: budget.retry.max_attempts, Retry.FREE: budget.free + 1}
    if len(attempts) >= MAX_ATTEMPTS or count >= allowed.get(last, 0):
        return None
    if last is Retry.FREE:
        wait = min(_FREE_LONGEST, _FREE_BASE * 2.0 ** (count - 1))
    else:
        wait = min(_LONGEST, budget.retry.backoff_seconds * 2.0 ** (count - 1))
    return wait * (1 + _SPREAD * _chance(f"{seed}/{len(attempts)}"))


def _chance(seed: str) -> float:
    """A number from -1 to 1, a function of ``seed``."""
    return int.from_bytes(hashlib.sha256(seed.encode()).digest()[:4]) / 2**31 - 1
