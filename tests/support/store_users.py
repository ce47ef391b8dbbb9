"""A store as ``project create`` sees it: who may get in, and what was said to it."""

import re
from collections.abc import Callable

from chartly.errors import Reason, RunError
from chartly.load.grants import password_hash
from chartly_store.access import Access
from chartly_store.server import Patience

_USER = re.compile(r"(CREATE USER IF NOT EXISTS|ALTER USER) `(\w+)` .* BY '(\w+)'")


class StoreUsers:
    """Stands where ``ServerEngine`` does.

    Attributes:
        hashes: of each user's password.
        urls: where it was opened.
    """

    def __init__(self, **passwords: str) -> None:
        self.hashes = {name: password_hash(one) for name, one in passwords.items()}
        self.statements: list[str] = []
        self.urls: list[str] = []
        self.down = False

    def open(self, access: Access, patience: Patience) -> "_Opened":
        """The engine for one user.

        Raises:
            RunError: ``StoreUnavailable``: the user or the password is not known.
        """
        assert patience.attempts > 0
        self.urls.append(access.url)
        if self.down or self.hashes.get(access.username) != password_hash(access.password):
            raise RunError(Reason.STORE_UNAVAILABLE, f"store {access.url}: refused")
        return _Opened(self._heard)

    def _heard(self, sql: str) -> None:
        self.statements.append(sql)
        found = _USER.match(sql)
        if found and (found[1] == "ALTER USER" or found[2] not in self.hashes):
            self.hashes[found[2]] = found[3]


class _Opened:
    def __init__(self, command: Callable[[str], None]) -> None:
        self.command = command

    def rows(self, sql: str) -> list[tuple[object, ...]]:
        return [(sql,)]

    def close(self) -> None:
        """Nothing is open."""
