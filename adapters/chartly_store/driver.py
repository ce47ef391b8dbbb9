"""What both engines share of the driver: settings, instants, and the words of a refusal."""

import re
from collections.abc import Container, Iterable
from datetime import UTC, datetime

from chartly.errors import Reason, RunError

SETTINGS: dict[str, str | int] = {
    # Deduplication by token loses rows when a process is killed mid-insert
    # (docs/adr/0003-replacing-merge-tree.md); rows are idempotent instead.
    "deduplicate_insert": "disable",
    "async_insert": 0,
    # Whoever reads takes one row of an event, and a batch has hardly any twice: to look for them
    # with every insert as well takes a sixth of a load.
    "optimize_on_insert": 0,
    "max_partitions_per_insert_block": 100,
    "output_format_arrow_string_as_string": 1,
    "output_format_arrow_low_cardinality_as_dictionary": 0,
}
_BEFORE_26_2: dict[str, str | int] = {"insert_deduplicate": 0}
_LONGEST = 400
_FULL = "Code: 1016."
"""Whoever runs a server may limit a table there; the same insert would be refused again."""
_LOGIN_REFUSED = re.compile(r"Code: (192|193|194|516)\.")
"""No such user, a wrong password, none where one is needed; today's servers do not tell which."""


class LoginRefusedError(RunError):
    """The server knows no such user, or the user has another password."""


def settings_of(known: Container[str]) -> dict[str, str | int]:
    """The settings of a connection to an engine that knows these names."""
    if "deduplicate_insert" in known:
        return SETTINGS
    others = {name: value for name, value in SETTINGS.items() if name != "deduplicate_insert"}
    return others | _BEFORE_26_2


def aware(rows: Iterable[Iterable[object]]) -> list[tuple[object, ...]]:
    """Rows whose instants say that they are in UTC, as the driver reads them without."""
    return [tuple(map(_aware, row)) for row in rows]


def _aware(value: object) -> object:
    if isinstance(value, datetime) and value.tzinfo is None:
        return value.replace(tzinfo=UTC)
    return value


def insist_on_written(table: str, sent: int, written: int) -> None:
    """Compares the rows that an engine says it wrote with those that were sent.

    More than were sent is no fault: views that somebody attached to a table count their rows, too.

    Raises:
        RunError: ``StoreUnavailable``: fewer were written, as by a replica that is read-only.
    """
    if written < sent:
        raise RunError(
            Reason.STORE_UNAVAILABLE,
            f"the store wrote {written} of {sent} rows to table {table!r} and reported no error",
        )


def refused(said: str) -> RunError:
    """An engine's refusal as one sentence."""
    text = " ".join(said.split())[:_LONGEST]
    if _LOGIN_REFUSED.search(text):
        return LoginRefusedError(Reason.STORE_UNAVAILABLE, f"the store refused: {text}")
    reason = Reason.STORAGE_QUOTA_EXCEEDED if _FULL in text else Reason.STORE_UNAVAILABLE
    return RunError(reason, f"the store refused: {text}")
