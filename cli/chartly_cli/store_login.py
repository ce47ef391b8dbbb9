"""A connection to a server for as long as a command needs it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from chartly.errors import Reason, RunError
from chartly_store.access import Access
from chartly_store.driver import LoginRefusedError

if TYPE_CHECKING:
    from chartly_store.server import Patience, ServerEngine


@contextmanager
def logged_in(access: Access, patience: "Patience", options: str) -> "Iterator[ServerEngine]":
    """The server as one of its users.

    Args:
        options: the options that name the user, for a message.

    Raises:
        RunError: ``AuthRejected`` or ``StoreUnavailable``.
    """
    from chartly_store.server import ServerEngine  # noqa: PLC0415 - costs 0.4 s

    try:
        engine = ServerEngine(access, patience)
    except LoginRefusedError:
        raise RunError(
            Reason.AUTH_REJECTED,
            f"store {access.url}: it refused user {access.username!r} or its password ({options})",
        ) from None
    try:
        yield engine
    finally:
        engine.close()
