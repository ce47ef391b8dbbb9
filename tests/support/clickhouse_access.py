"""Who may do what on the test server: users, and the databases that each of them sees."""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass

from support.clickhouse_engine import Query, RefusalError

AUTHENTICATION_FAILED = 516
ACCESS_DENIED = 497
_SHARED = frozenset({"system", "INFORMATION_SCHEMA", "information_schema"})
_TEXT = re.compile(r"'(?:[^'\\]|\\.|'')*'|--[^\n]*|/\*.*?\*/", re.DOTALL)
_NAME = r"(?:`(?:[^`\\]|\\.)+`|\"(?:[^\"\\]|\\.)+\"|[A-Za-z_]\w*)"
_QUALIFIER = re.compile(rf"({_NAME})\s*\.")
_DATABASE = re.compile(
    rf"\b(?:DATABASE|USE|FROM|IN)\s+(?:IF\s+(?:NOT\s+)?EXISTS\s+)?({_NAME})", re.IGNORECASE
)
_MAKES = re.compile(
    rf"\b(?:CREATE|DROP|ATTACH|DETACH)\s+DATABASE\s+(?:IF\s+(?:NOT\s+)?EXISTS\s+)?({_NAME})",
    re.IGNORECASE,
)
_REACHES_OUT = re.compile(
    r"\b(merge|remote|remoteSecure|cluster|clusterAllReplicas|file|url|s3|mysql|postgresql|"
    r"sqlite|executable|loop|dictionary)\s*\(|\bOUTFILE\b|\bINFILE\b",
    re.IGNORECASE,
)


_OF_USERS = re.compile(r"(CREATE|ALTER)\s+(USER|SETTINGS\s+PROFILE)|GRANT|REVOKE", re.IGNORECASE)
_MADE = re.compile(
    r"(CREATE USER IF NOT EXISTS|ALTER USER) `(\w+)` IDENTIFIED WITH sha256_hash BY '(\w+)' "
    r"DEFAULT DATABASE `(\w+)` SETTINGS (\w+)"
)


@dataclass(frozen=True)
class User:
    """A user of the server.

    Attributes:
        databases: those that the user may read and write, or make; None: everything.
        sha256: of the password, where that is all that was told.
    """

    name: str
    password: str
    databases: tuple[str, ...] | None = None
    readonly: bool = False
    sha256: str = ""

    def is_known_by(self, password: str) -> bool:
        if self.sha256:
            return hashlib.sha256(password.encode()).hexdigest() == self.sha256
        return self.password == password


class Users:
    """The users of a server."""

    def __init__(self, users: Iterable[User]) -> None:
        self._users = {one.name: one for one in users}

    def add(self, users: Iterable[User]) -> None:
        """Adds users, or replaces those of the same name."""
        self._users |= {one.name: one for one in users}

    def hear(self, statement: str) -> bool:
        """Takes in what an administrator says of users; whether the statement is of that kind.

        The embedded engine has none. A user that is made may do everything in its own database, or
        read there if it has a profile: what the grants say in detail is not looked at.
        """
        if _OF_USERS.match(statement) is None:
            return False
        made = _MADE.match(statement)
        if made is not None and (made[1] == "ALTER USER" or made[2] not in self._users):
            readonly = made[5] == "PROFILE"
            self.add([User(made[2], "", (made[4],), readonly=readonly, sha256=made[3])])
        return True

    def known(self, name: str, password: str) -> User:
        """The user who says so.

        Raises:
            RefusalError: 516: there is none, or the password is another.
        """
        found = self._users.get(name)
        if found is None or not found.is_known_by(password):
            raise RefusalError(
                AUTHENTICATION_FAILED,
                f"{name}: Authentication failed: password is incorrect, or there is no user with "
                f"such name. (AUTHENTICATION_FAILED)",
            )
        return found


def insist(user: User, query: Query, known: set[str]) -> None:
    """Whether a user may run a query.

    Whatever names another database is refused, be it only the alias of a table: strict, where a
    real server would look at what is really read.

    Raises:
        RefusalError: 497.
    """
    if user.databases is None:
        return
    sql = _TEXT.sub("''", query.sql)
    named = {_plain(one[1]) for one in (*_QUALIFIER.finditer(sql), *_DATABASE.finditer(sql))}
    touched = (named | {*query.parameters.values(), query.database or ""}) & known
    touched |= {_plain(one[1]) for one in _MAKES.finditer(sql)}
    others = touched - {*user.databases, *_SHARED}
    reached = _REACHES_OUT.search(sql)
    if others or reached:
        what = f"database {min(others)}" if others else str(reached and reached[0])
        raise RefusalError(
            ACCESS_DENIED, f"{user.name}: Not enough privileges for {what}. (ACCESS_DENIED)"
        )


def _plain(name: str) -> str:
    return name[1:-1] if name[0] in '`"' else name
