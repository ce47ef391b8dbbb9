"""A project's users in a ClickHouse server as SQL text: one that loads, one that only reads."""

import hashlib
from collections.abc import Iterable, Mapping

from chartly.load.query_output import SETTINGS
from chartly.load.sql import qualified, quoted

LOADER, ANALYST = "_loader", "_analyst"
AUDIT = "__audit"

_LOADER_MAY = (
    "SHOW, SELECT, INSERT, ALTER TABLE, CREATE DATABASE, CREATE TABLE, CREATE VIEW, "
    "DROP TABLE, DROP VIEW"
)
"""What making, filling and changing its own tables takes; no other database, no user, no file."""
_ENGINES = ("ReplacingMergeTree",)
"""Of its tables; a server with its shipped configuration asks for a right on each."""
_NOT_ON_AUDIT = "ALTER, DROP"
_NEVER = "SOURCES, INTROSPECTION, dictGet, CREATE TEMPORARY TABLE"
"""Files, addresses and other stores as tables, the server's insides, dictionaries: a query that got
past the gate finds nothing but the project's own tables."""
_LOOKS = (
    "GRANT SELECT(active, bytes_on_disk, database, table) ON system.parts",
    "GRANT SELECT(database, expr, table, type) ON system.data_skipping_indices",
)
"""What measuring a storage policy takes; the server shows nobody the tables of others."""
_REPLICAS = "SELECT(database, is_readonly, table)"

ANALYST_LIMITS: Mapping[str, int] = {
    "max_execution_time": 60,
    "max_memory_usage": 4 * 1024**3,
    "max_memory_usage_for_user": 8 * 1024**3,
    "max_threads": 4,
    "max_result_rows": 1_000_000,
    "max_result_bytes": 1024**3,
    "max_concurrent_queries_for_user": 8,
}
"""Seconds, bytes, threads, rows and queries; ``readonly = 1`` keeps a query from raising them."""
LOADER_LIMITS: Mapping[str, int] = {
    "max_memory_usage_for_user": 8 * 1024**3,
    "max_concurrent_queries_for_user": 128,
}
"""Of all its statements together, so that a profile's own limits hold within; each is constant."""

_CLOSED: Mapping[str, int] = {"readonly": 1, "allow_ddl": 0, "allow_introspection_functions": 0}


def loader_user(database: str) -> str:
    """The user that creates and fills a project's database."""
    return database + LOADER


def analyst_user(database: str) -> str:
    """The user that reads it."""
    return database + ANALYST


def password_hash(password: str) -> str:
    """What the store is told of a password, so that no statement or log of it holds the password.

    A password of 256 random bits needs neither salt nor a slow hash.
    """
    return hashlib.sha256(password.encode()).hexdigest()


def create_users(database: str, loader_hash: str, analyst_hash: str) -> list[str]:
    """Makes both users, or makes those that are there what they should be.

    Repeating it changes nothing; nothing is dropped, so that a run that is under way goes on.

    Args:
        loader_hash: ``password_hash`` of the loader's password; the same for the analyst's.
    """
    loader, analyst = loader_user(database), analyst_user(database)
    return [
        f"CREATE DATABASE IF NOT EXISTS {quoted(database)}",
        *_profile(loader, [f"{one} CONST" for one in _settings(LOADER_LIMITS)]),
        # Who reads may set nothing, so how ``chartly query`` has values written is set here.
        *_profile(analyst, _settings({**_CLOSED, **ANALYST_LIMITS, **SETTINGS})),
        *_user(loader, database, loader_hash),
        *_user(analyst, database, analyst_hash),
        *(f"{right} {_preposition(right)} {quoted(loader)}" for right in loader_grants(database)),
        *(f"{right} {_preposition(right)} {quoted(analyst)}" for right in analyst_grants(database)),
    ]


def loader_grants(database: str) -> list[str]:
    """What the loader may do, as statements without their user, in the order that they hold."""
    return [
        f"GRANT {_LOADER_MAY} ON {quoted(database)}.*",
        *(f"GRANT TABLE ENGINE ON {engine}" for engine in _ENGINES),
        f"REVOKE {_NOT_ON_AUDIT} ON {qualified(database, AUDIT)}",
        *_LOOKS,
        f"GRANT {_REPLICAS} ON system.replicas",
        f"REVOKE {_NEVER} ON *.*",
    ]


def analyst_grants(database: str) -> list[str]:
    """What the analyst may do, as statements without their user."""
    return [f"GRANT SELECT ON {quoted(database)}.*", *_LOOKS, f"REVOKE {_NEVER} ON *.*"]


def _preposition(right: str) -> str:
    return "TO" if right.startswith("GRANT") else "FROM"


def _settings(values: Mapping[str, str | int]) -> list[str]:
    return [
        f"{name} = '{value}'" if isinstance(value, str) else f"{name} = {value}"
        for name, value in values.items()
    ]


def _profile(name: str, settings: Iterable[str]) -> list[str]:
    # Altered in its place: replaced, it would be another profile, and its user without limits.
    return [
        f"CREATE SETTINGS PROFILE IF NOT EXISTS {quoted(name)}",
        f"ALTER SETTINGS PROFILE {quoted(name)} SETTINGS {', '.join(settings)}",
    ]


def _user(name: str, database: str, sha256: str) -> list[str]:
    what = (
        f"{quoted(name)} IDENTIFIED WITH sha256_hash BY '{sha256}' "
        f"DEFAULT DATABASE {quoted(database)} SETTINGS PROFILE '{name}'"
    )
    return [f"CREATE USER IF NOT EXISTS {what}", f"ALTER USER {what}"]
