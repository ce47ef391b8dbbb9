"""A server that cannot be had: who asks there, waits for nothing, and is told one sentence."""

from collections.abc import Callable

import pytest

from chartly.errors import Reason, RunError
from chartly_store.server import Patience
from support.clickhouse_access import User

PASSWORD = "canary-store-5d1f"
LOADER = User("loader", PASSWORD)
ATTEMPTS = 3


def patience(
    sleep: Callable[[float], None] = lambda _: None,
    attempts: int = ATTEMPTS,
    answer_seconds: int = Patience.answer_seconds,
) -> Patience:
    """Without chance; and without a wait, unless ``sleep`` waits."""
    return Patience(sleep, lambda: 0.0, attempts, answer_seconds=answer_seconds)


def said(act: Callable[[], object]) -> str:
    """The sentence of a StoreUnavailable that ``act`` ends with; nothing else hangs on it."""
    with pytest.raises(RunError) as caught:
        act()
    assert caught.value.reason is Reason.STORE_UNAVAILABLE, caught.value.reason
    assert "\n" not in caught.value.message, caught.value.message
    assert caught.value.__cause__ is None, caught.value.__cause__
    return caught.value.message
