"""A ClickHouse server as its administrator, for as long as users are created."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from chartly.manifests.network import parse_store
from chartly.manifests.project_documents import Login
from chartly_cli.store_login import logged_in
from chartly_store.access import Access
from chartly_store.server import AT_A_KEYBOARD, ServerEngine


@dataclass(frozen=True)
class StoreAdministrator:
    """The URL of the store from here, and the administrator of its users."""

    url: str
    login: Login
    authority: Path | None

    @contextmanager
    def opened(self) -> Iterator[Callable[[str], None]]:
        """A function that runs statements as the administrator.

        Raises:
            RunError: ``AuthRejected`` or ``StoreUnavailable``.
        """
        with self._as(self.login, "--store-admin-user and its password") as store:
            yield store.command

    def check(self, login: Login) -> None:
        """Logs in as a user that was created.

        Raises:
            RunError: ``AuthRejected`` or ``StoreUnavailable``.
        """
        with self._as(login, "it was just made; is this the store that runs reach?") as store:
            store.rows("SELECT 1")

    def _as(self, login: Login, hint: str) -> AbstractContextManager[ServerEngine]:
        address = parse_store(self.url)
        scheme, user, password = self.url.partition(":")[0], login.username, login.password
        access = Access(scheme, address.host, address.port, user, password, self.authority)
        return logged_in(access, AT_A_KEYBOARD, hint)
