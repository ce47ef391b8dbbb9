"""The parts of the driver that both engines share: settings, instants, errors."""

import re
from collections.abc import Container, Iterable
from datetime import UTC, datetime

from chartly.errors import Reason, RunError

SETTINGS: dict[str, str | int] = {
    # Deduplication by token loses rows when a process is killed mid-insert
    # (docs/adr/0003-replacing-merge-tree.md); rows are idempotent instead.
    "deduplicate_insert": "disable",
    "async_insert": 0,
    # A read collapses the rows of one event, and a batch repeats hardly any: collapsing them with
    # every insert as well takes a sixth of a load.
    "optimize_on_insert": 0,
    "max_partitions_per_insert_block": 100,
    "output_format_arrow_string_as_string": 1,
    "output_format_arrow_low_cardinality_as_dictionary": 0,
}
_BEFORE_26_2: dict[str, str | int] = {"insert_deduplicate": 0}
_LONGEST = 400
_FULL = "Code: 1016."
"""A limit that a server's administrator set on a table; the same insert would fail again."""
_LOGIN_REFUSED = re.compile(r"Code: (192|193|194|516)\.")
"""Unknown user, wrong password, or no password; current servers do not report which."""


class LoginRefusedError(RunError):
    """The server has no such user, or the user has another password."""


def settings_of(known: Container[str]) -> dict[str, str | int]:
    """The settings of a connection to an engine that has settings of these names."""
    if "deduplicate_insert" in known:
        return SETTINGS
    others = {name: value for name, value in SETTINGS.items() if name != "deduplicate_insert"}
    return others | _BEFORE_26_2


def aware(rows: Iterable[Iterable[object]]) -> list[tuple[object, ...]]:
    """Rows whose instants are in UTC by name; the driver returns them without a zone."""
    return [tuple(map(_aware, row)) for row in rows]


def _aware(value: object) -> object:
    if isinstance(value, datetime) and value.tzinfo is None:
        return value.replace(tzinfo=UTC)
    return value


def check_written(table: str, sent: int, written: int) -> None:
    """Compares the number of rows that an engine reports as written with the number sent.

    More than were sent is no fault: the rows of views that are attached to a table count, too.

    Raises:
        RunError: ``StoreUnavailable``: fewer were written, as by a replica that is read-only.
    """
    if written < sent:
        raise RunError(
            Reason.STORE_UNAVAILABLE,
            f"the store wrote {written} of {sent} rows to table {table!r} and reported no error",
        )


def refused(message: str) -> RunError:
    """The error of an engine's refusal, as one sentence."""
    line = " ".join(message.split())[:_LONGEST]
    if _LOGIN_REFUSED.search(line):
        return LoginRefusedError(Reason.STORE_UNAVAILABLE, f"the store refused: {line}")
    reason = Reason.STORAGE_QUOTA_EXCEEDED if _FULL in line else Reason.STORE_UNAVAILABLE
    return RunError(reason, f"the store refused: {line}")
