"""The two stores that commands work on: a folder's own, and ClickHouse's server."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from support.clickhouse_access import User
from support.clickhouse_process import ClickHouse, clickhouse

PLACES = ("folder", "server")
LOADER = User("loader", "canary-loader-20c4", ("tenant_demo__proj_sales", "tenant_demo__proj_gone"))


@dataclass(frozen=True)
class StorePlace:
    """A store, and the options of the command line that name it.

    Attributes:
        server: None where the store is the folder's own.
    """

    options: tuple[str, ...] = ()
    server: ClickHouse | None = None


@contextmanager
def store_place(kind: str, folder: Path) -> Iterator[StorePlace]:
    """A store of one of ``PLACES``; the server's user is a project's loader."""
    if kind == "folder":
        yield StorePlace()
        return
    with clickhouse(folder / "clickhouse", [LOADER]) as server:
        yield StorePlace(login(server, LOADER, folder), server)


def login(server: ClickHouse, user: User, folder: Path) -> tuple[str, ...]:
    """The options of a server and a user of it."""
    password = folder / f"{user.name}.password"
    password.write_text(user.password + "\n", encoding="utf-8")
    return (
        "--store-url", server.url, "--store-user", user.name, "--store-password-file", str(password),
    )  # fmt: skip
