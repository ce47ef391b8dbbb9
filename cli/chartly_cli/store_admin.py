"""A ClickHouse server as its administrator sees it, for as long as users are made."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from chartly.manifests.network import parse_store
from chartly.manifests.project import Login
from chartly_store.access import Access
from chartly_store.server import AT_A_KEYBOARD, ServerEngine


@dataclass(frozen=True)
class Administrator:
    """Where the store answers from here, and who may make users there."""

    url: str
    login: Login
    authority: Path | None


@contextmanager
def run_as_administrator(one: Administrator) -> Iterator[Callable[[str], None]]:
    """Runs statements one at a time.

    Raises:
        RunError: ``StoreUnavailable``, also when the login is refused.
    """
    with closing(_open(one, one.login)) as store:
        yield store.command


def check_login(one: Administrator, login: Login) -> None:
    """Whether a user that was made can get in.

    Raises:
        RunError: ``StoreUnavailable``.
    """
    with closing(_open(one, login)) as store:
        store.rows("SELECT 1")


def _open(one: Administrator, login: Login) -> ServerEngine:
    address = parse_store(one.url)
    scheme, user, password = one.url.partition(":")[0], login.username, login.password
    access = Access(scheme, address.host, address.port, user, password, one.authority)
    return ServerEngine(access, AT_A_KEYBOARD)
