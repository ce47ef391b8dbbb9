"""How a stored table may follow its profile: columns are added and widened, never rewritten."""

import re

from chartly.api.event_schema import EventSchema
from chartly.errors import Reason, RunError
from chartly.load.sql import base_type, column_type, nullable, qualified, quoted
from chartly.load.tables import ENVELOPE_TYPES, data_table

_DECIMAL = re.compile(r"Decimal\((\d+), (\d+)\)")
_OURS = {*ENVELOPE_TYPES, "_ver", "_deleted"}


def changes(database: str, dataset: str, schema: EventSchema, stored: dict[str, str]) -> list[str]:
    """The statements that bring a stored table to what the profiles now say.

    Args:
        stored: the table's columns and the engine's types.

    Raises:
        RunError: ``SchemaIncompatible``: a type would have to change in another way.
    """
    table = qualified(database, data_table(dataset))
    statements: list[str] = []
    wanted = {column.name: column for column in schema.columns}
    for name, column in wanted.items():
        if name not in stored:
            # Rows that are there already have no value, whatever new ones must have.
            kind = nullable(base_type(column.type))
            statements.append(f"ALTER TABLE {table} ADD COLUMN IF NOT EXISTS {quoted(name)} {kind}")
            continue
        wider = _widened(dataset, name, stored[name], column_type(column))
        if wider is not None:
            statements.append(f"ALTER TABLE {table} MODIFY COLUMN {quoted(name)} {wider}")
    for name, kind in stored.items():
        if name not in wanted and name not in _OURS and nullable(kind) != kind:
            statements.append(f"ALTER TABLE {table} MODIFY COLUMN {quoted(name)} {nullable(kind)}")
    return statements


def _widened(dataset: str, name: str, stored: str, wanted: str) -> str | None:
    """The type to change to, or None when the stored one will do."""
    if stored in (wanted, nullable(wanted)):
        return None
    old, new = _bare(stored), _bare(wanted)
    widest = nullable(wanted) if nullable(stored) == stored else wanted
    if old == new:
        return widest
    one, two = _DECIMAL.fullmatch(old), _DECIMAL.fullmatch(new)
    if one and two and one[2] == two[2] and int(one[1]) < int(two[1]):
        return widest
    raise RunError(
        Reason.SCHEMA_INCOMPATIBLE,
        f"dataset {dataset!r}: column {name!r} is stored as {stored} and declared as {wanted}; "
        f"allowed are new columns, null, and more digits; else write another dataset",
    )


def _bare(kind: str) -> str:
    for wrapper in ("LowCardinality(", "Nullable("):
        if kind.startswith(wrapper):
            kind = kind[len(wrapper) : -1]
    return kind
