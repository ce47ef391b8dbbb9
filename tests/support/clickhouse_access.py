"""Who may do what on the test server, as its file of users says it.

The server has no SQL statements for users: those of an administrator are rendered into that file,
so that the rights a project's users have in production are enforced by the server here.
"""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from xml.etree import ElementTree as ET

from chartly.load.grants import loader_grants

_NAME = r"`(\w+)`"
_PROFILE = re.compile(rf"ALTER SETTINGS PROFILE {_NAME} SETTINGS (.+)")
_SETTING = re.compile(r"(\w+) = '?(\w+)'?( CONST)?")
_USER = re.compile(
    rf"(CREATE USER IF NOT EXISTS|ALTER USER) {_NAME} IDENTIFIED WITH sha256_hash BY '(\w+)' "
    rf"DEFAULT DATABASE {_NAME} SETTINGS PROFILE '(\w+)'"
)
_RIGHT = re.compile(r"((?:GRANT|REVOKE) .+) (?:TO|FROM) ((?:`\w+`(?:, )?)+)")
_OF_USERS = re.compile(r"(CREATE|ALTER)\s+(USER|SETTINGS\s+PROFILE)|GRANT|REVOKE", re.IGNORECASE)
_DEFAULT = "default"
_LISTENS = ("GRANT SYSTEM LISTEN, CREATE TEMPORARY TABLE, FILE ON *.*",)
"""What the launcher's own statement takes; it always runs as this user."""


@dataclass(frozen=True)
class User:
    """A user of the server.

    Attributes:
        databases: those that the user may use as a project's loader does; None: everything.
    """

    name: str
    password: str
    databases: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Account:
    """A user as the server's file has it; ``grants`` None: everything."""

    sha256: str
    database: str = _DEFAULT
    profile: str = _DEFAULT
    grants: tuple[str, ...] | None = ()


@dataclass(frozen=True)
class Setting:
    """A setting of a profile; a constant one is not changed by a query."""

    name: str
    value: str
    constant: bool


@dataclass
class Accounts:
    """All users and settings profiles of a server."""

    accounts: dict[str, Account] = field(default_factory=dict)
    profiles: dict[str, list[Setting]] = field(default_factory=dict)

    def add(self, users: Iterable[User]) -> None:
        """Adds users, or replaces those of the same name."""
        for user in users:
            self.accounts[user.name] = Account(_hash(user.password), "", grants=_grants(user))

    def administers(self, name: str, password: str) -> bool:
        """Whether a user is there, with this password, and may do everything."""
        account = self.accounts.get(name)
        return account is not None and account.grants is None and account.sha256 == _hash(password)

    def execute(self, statement: str) -> None:
        """Executes what an administrator says of users.

        Raises:
            ValueError: it is none of the forms that ``chartly project create`` sends.
        """
        if made := _USER.fullmatch(statement):
            self._make(*made.groups())
        elif profile := _PROFILE.fullmatch(statement):
            self.profiles[profile[1]] = [_setting(one) for one in profile[2].split(", ")]
        elif right := _RIGHT.fullmatch(statement):
            for name in re.findall(_NAME, right[2]):
                self._allow(name, right[1])
        elif not statement.startswith("CREATE SETTINGS PROFILE IF NOT EXISTS"):
            raise ValueError(f"not served by the test server: {statement}")

    def _make(self, verb: str, name: str, sha256: str, database: str, profile: str) -> None:
        before = self.accounts.get(name)
        if before is not None and not verb.startswith("ALTER"):
            return
        grants = before.grants if before is not None else ()
        self.accounts[name] = Account(sha256, database, profile, grants)

    def _allow(self, name: str, right: str) -> None:
        account = self.accounts[name]
        if account.grants is not None and right not in account.grants:
            self.accounts[name] = replace(account, grants=(*account.grants, right))

    def render(self) -> bytes:
        """The server's file of users."""
        root = ET.Element("clickhouse")
        profiles = ET.SubElement(root, "profiles")
        for name, settings in {_DEFAULT: [], **self.profiles}.items():
            profile = ET.SubElement(profiles, name)
            constraints = ET.SubElement(profile, "constraints")
            for setting in settings:
                ET.SubElement(profile, setting.name).text = setting.value
                if setting.constant:
                    ET.SubElement(ET.SubElement(constraints, setting.name), "const")
        ET.SubElement(ET.SubElement(root, "quotas"), _DEFAULT)
        users = ET.SubElement(root, "users")
        _render(users, _DEFAULT, Account(_hash(""), grants=_LISTENS), "127.0.0.1")
        for name, account in self.accounts.items():
            _render(users, name, account, "::/0")
        return ET.tostring(root)


def is_of_users(statement: str) -> bool:
    """Whether a statement makes or changes users, which the server has none for."""
    return _OF_USERS.match(statement) is not None


def _setting(text: str) -> Setting:
    found = _SETTING.fullmatch(text)
    if found is None:
        raise ValueError(f"not served by the test server: {text}")
    return Setting(found[1], found[2], found[3] is not None)


def _render(users: ET.Element, name: str, account: Account, network: str) -> None:
    user = ET.SubElement(users, name)
    ET.SubElement(user, "password_sha256_hex").text = account.sha256
    ET.SubElement(ET.SubElement(user, "networks"), "ip").text = network
    ET.SubElement(user, "profile").text = account.profile
    ET.SubElement(user, "quota").text = _DEFAULT
    if account.database:
        ET.SubElement(user, "default_database").text = account.database
    if account.grants is not None:
        grants = ET.SubElement(user, "grants")
        for grant in account.grants:
            ET.SubElement(grants, "query").text = grant


def _grants(user: User) -> tuple[str, ...] | None:
    if user.databases is None:
        return None
    return tuple(right for database in user.databases for right in loader_grants(database))


def _hash(password: str) -> str:
    return hashlib.sha256(password.encode()).hexdigest()
