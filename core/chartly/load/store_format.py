"""The number of the format of a project's tables, and what brings tables of an older one to it.

Format 2 (docs/adr/0013-store-format.md): slices and pages in the ledger, ordinals of rejects,
epochs, state, the watermark of roll-ups, and another layout of row versions. Each step looks at
the columns that are there, so that it may be cut off anywhere and repeated.
"""

from collections.abc import Mapping, Sequence

from chartly.api.event_schema import EventSchema
from chartly.errors import Reason, RunError
from chartly.load.sql import qualified, quoted
from chartly.load.versions import of_first_format

FORMAT = 2

RENAMED: Mapping[str, str] = {"_index": "_record"}
"""Columns of events under their names of format 1.

A loader of format 1 that is still there fails at the column it does not find: its versions would
hide newer rows.
"""


def insist_on_known(database: str, number: int) -> None:
    """Refuses tables of a format that this version does not know.

    Raises:
        RunError: ``SchemaIncompatible``.
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
    """The statement that gives a stored table the columns that it lacks; empty where it has all.

    Args:
        columns: every column of the table; what is missing gets its type's default in stored rows.
        order: the sorting key, which may end with columns that are missing.
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
    """SQL of the columns whose values a table of events of format 2 holds in another form."""
    if not is_first(stored):
        return {}
    return {"_ver": of_first_format(quoted("_ver"), is_instant=schema.version_field is not None)}
