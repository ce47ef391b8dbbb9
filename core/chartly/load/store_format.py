"""The format number of a project's tables, and the migration of tables of an older format.

Format 2 (docs/adr/0013-store-format.md): slices and pages in the ledger, ordinals of rejects,
epochs, state, the watermark of roll-ups, and another layout of row versions. Each step depends
on the stored columns alone, so that it may be interrupted anywhere and repeated.
"""

from collections.abc import Mapping, Sequence

from chartly.api.event_schema import EventSchema
from chartly.errors import Reason, RunError
from chartly.load.sql import qualified, quoted
from chartly.load.versions import of_first_format

FORMAT = 2

RENAMED: Mapping[str, str] = {"_index": "_record"}
"""Columns of events by their names in format 1.

A loader of format 1 that still runs fails at the missing column: its versions would hide newer
rows.
"""


def check_format(database: str, number: int) -> None:
    """Whether this version supports the format of a database.

    Raises:
        RunError: ``SchemaIncompatible``: it does not.
    """
    if number > FORMAT:
        raise RunError(
            Reason.SCHEMA_INCOMPATIBLE,
            f"database {database!r}: its tables have format {number}, and this version of Chartly "
            f"knows formats up to {FORMAT}; use the version that wrote it, or a later one",
        )


def extended(
    database: str,
    table: str,
    stored: Sequence[str],
    columns: Mapping[str, str],
    order: str | None = None,
) -> list[str]:
    """The statement that adds the columns that a stored table lacks; empty if it lacks none.

    Args:
        columns: every column of the table; stored rows get the default of a missing one's type.
        order: the sorting key, which may end with missing columns.
    """
    missing = [name for name in columns if name not in stored]
    if not stored or not missing:
        return []
    parts = [f"ADD COLUMN IF NOT EXISTS {quoted(name)} {columns[name]}" for name in missing]
    parts += [f"MODIFY ORDER BY ({order})"] if order else []
    return [f"ALTER TABLE {qualified(database, table)} {', '.join(parts)}"]


def is_first(stored: Mapping[str, str]) -> bool:
    """Whether a table of events has format 1."""
    return any(name in stored for name in RENAMED)


def carried(schema: EventSchema, stored: Mapping[str, str]) -> dict[str, str]:
    """SQL of the columns whose values have another form in format 2."""
    if not is_first(stored):
        return {}
    return {"_ver": of_first_format(quoted("_ver"), is_instant=schema.version_field is not None)}
