"""A project's users in a ClickHouse server as SQL text: one that loads, one that only reads."""

import hashlib
from collections.abc import Iterable, Mapping

from chartly.load.query_output import SETTINGS
from chartly.load.sql import qualified, quoted

LOADER, ANALYST = "_loader", "_analyst"
AUDIT = "__audit"

_LOADER_RIGHTS = (
    "SHOW, SELECT, INSERT, ALTER TABLE, CREATE DATABASE, CREATE TABLE, CREATE VIEW, "
    "DROP TABLE, DROP VIEW"
)
"""The rights to create, fill and change its own tables; no other database, no user, no file."""
_ENGINES = ("ReplacingMergeTree",)
"""Those of its tables; a server with its shipped configuration requires a right on each."""
_NOT_ON_AUDIT = "ALTER, DROP"
_REVOKED = "SOURCES, INTROSPECTION, dictGet, CREATE TEMPORARY TABLE"
"""Files, addresses and other stores as tables, the server's insides, dictionaries: a query that
passed the check by mistake reads nothing but the project's own tables."""
_POLICY_RIGHTS = (
    "GRANT SELECT(active, bytes_on_disk, database, table) ON system.parts",
    "GRANT SELECT(database, expr, table, type) ON system.data_skipping_indices",
)
"""The rights to measure a storage policy; the server hides the tables of others."""
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
"""Of all its statements together, so that a profile's own limits apply below them; all constant."""

_CLOSED: Mapping[str, int] = {"readonly": 1, "allow_ddl": 0, "allow_introspection_functions": 0}


def loader_user(database: str) -> str:
    """The user that creates and fills a project's database."""
    return database + LOADER


def analyst_user(database: str) -> str:
    """The user that reads a project's database."""
    return database + ANALYST


def password_hash(password: str) -> str:
    """The hash of a password that statements contain, so that no log contains the password.

    A password of 256 random bits needs neither salt nor a slow hash.
    """
    return hashlib.sha256(password.encode()).hexdigest()


def create_users(database: str, loader_hash: str, analyst_hash: str) -> list[str]:
    """The statements that create both users, or bring existing ones to the same rights.

    They are idempotent and drop nothing, so that a run in progress continues.

    Args:
        loader_hash: ``password_hash`` of the loader's password; the same for the analyst's.
    """
    loader, analyst = loader_user(database), analyst_user(database)
    return [
        f"CREATE DATABASE IF NOT EXISTS {quoted(database)}",
        *_profile(loader, [f"{setting} CONST" for setting in _settings(LOADER_LIMITS)]),
        # The analyst may set nothing, so the output settings of ``chartly query`` are set here.
        *_profile(analyst, _settings({**_CLOSED, **ANALYST_LIMITS, **SETTINGS})),
        *_user(loader, database, loader_hash),
        *_user(analyst, database, analyst_hash),
        *(f"{right} {_preposition(right)} {quoted(loader)}" for right in loader_grants(database)),
        *(f"{right} {_preposition(right)} {quoted(analyst)}" for right in analyst_grants(database)),
    ]


def loader_grants(database: str) -> list[str]:
    """The loader's rights as statements without their user, in the order of their execution."""
    return [
        f"GRANT {_LOADER_RIGHTS} ON {quoted(database)}.*",
        *(f"GRANT TABLE ENGINE ON {engine}" for engine in _ENGINES),
        f"REVOKE {_NOT_ON_AUDIT} ON {qualified(database, AUDIT)}",
        *_POLICY_RIGHTS,
        f"GRANT {_REPLICAS} ON system.replicas",
        f"REVOKE {_REVOKED} ON *.*",
    ]


def analyst_grants(database: str) -> list[str]:
    """The analyst's rights as statements without their user."""
    return [f"GRANT SELECT ON {quoted(database)}.*", *_POLICY_RIGHTS, f"REVOKE {_REVOKED} ON *.*"]


def _preposition(right: str) -> str:
    return "TO" if right.startswith("GRANT") else "FROM"


def _settings(values: Mapping[str, str | int]) -> list[str]:
    return [
        f"{name} = '{value}'" if isinstance(value, str) else f"{name} = {value}"
        for name, value in values.items()
    ]


def _profile(name: str, settings: Iterable[str]) -> list[str]:
    # Altered in place: a replaced profile is another one, and its user would have no limits.
    return [
        f"CREATE SETTINGS PROFILE IF NOT EXISTS {quoted(name)}",
        f"ALTER SETTINGS PROFILE {quoted(name)} SETTINGS {', '.join(settings)}",
    ]


def _user(name: str, database: str, sha256: str) -> list[str]:
    definition = (
        f"{quoted(name)} IDENTIFIED WITH sha256_hash BY '{sha256}' "
        f"DEFAULT DATABASE {quoted(database)} SETTINGS PROFILE '{name}'"
    )
    return [f"CREATE USER IF NOT EXISTS {definition}", f"ALTER USER {definition}"]
