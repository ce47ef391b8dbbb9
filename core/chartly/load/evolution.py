"""The evolution of a stored table towards its profiles: in place, by a rebuild, or refused."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from chartly.api.event_schema import Column, EventSchema
from chartly.errors import Reason, RunError
from chartly.load.casts import Cast, cast, decimal_digits
from chartly.load.dataset_tables import OWN_TYPES, data_table, partition_of
from chartly.load.sql import bare, base_type, column_type, nullable, qualified, quoted
from chartly.load.store_format import RENAMED, carried

_FIXED = {
    "time": ("time column", "every event would be another one"),
    "identity": ("identity", "every event_key would be another one"),
    "version": ("versionField", "stored versions could not be compared with new ones"),
}


@dataclass(frozen=True)
class Evolution:
    """The changes that bring a stored table to the layout of its profiles.

    Attributes:
        columns: every column of the table after the change, with its type.
        modified: those of them that are changed in place or added.
        casts: those whose values are rewritten.
        carried: SQL of the internal columns whose values take another form.
        rebuilt: whether the rows must move to a new table.
    """

    columns: dict[str, str]
    modified: dict[str, str]
    casts: tuple[Cast, ...]
    carried: Mapping[str, str]
    rebuilt: bool


def layout_of(schema: EventSchema) -> dict[str, object]:
    """The recorded layout of a dataset; only the granularity may change."""
    return {
        "time": schema.time_column,
        "granularity": schema.granularity,
        "version": schema.version_field,
        "identity": list(schema.identity),
    }


def check_layout(
    dataset: str, recorded: Mapping[str, object], wanted: Mapping[str, object]
) -> None:
    """Whether a dataset keeps the identity and order of its events.

    Raises:
        RunError: ``SchemaIncompatible``: what identifies or orders them has changed.
    """
    for part, (name, because) in _FIXED.items():
        if recorded.get(part) != wanted[part]:
            raise RunError(
                Reason.SCHEMA_INCOMPATIBLE,
                f"dataset {dataset!r}: its {name} is {_layout_text(recorded.get(part))} and cannot "
                f"become {_layout_text(wanted[part])}: {because}; write another dataset",
            )


def check_event_table(
    dataset: str, recorded: Mapping[str, object], stored: Mapping[str, str]
) -> None:
    """Whether a table contains events in the layout of this version.

    Args:
        stored: its columns; empty where there is none yet.

    Raises:
        RunError: ``SchemaIncompatible``: it does not.
    """
    if "time" not in recorded:
        raise RunError(
            Reason.SCHEMA_INCOMPATIBLE,
            f"dataset {dataset!r} holds no events, it is laid out as {json.dumps(recorded)}; "
            f"write another dataset",
        )
    names = {RENAMED.get(name, name) for name in stored}
    lacking = [name for name in OWN_TYPES if name not in names]
    if stored and lacking:
        raise RunError(
            Reason.SCHEMA_INCOMPATIBLE,
            f"dataset {dataset!r}: its table was made by an older version and has no "
            f"{', '.join(lacking)}; write another dataset, or tear this one down and load it again",
        )


def evolve(
    dataset: str, schema: EventSchema, stored: Mapping[str, str], partition: str
) -> Evolution:
    """The evolution of a stored table.

    Args:
        stored: the table's columns and the engine's types.
        partition: its partition key as the engine spells it.

    Raises:
        RunError: ``SchemaIncompatible``: a column of the identity has another type.
    """
    wanted = {column.name: column for column in schema.columns}
    columns: dict[str, str] = {}
    casts = []
    for name, column in wanted.items():
        if name not in stored:
            # Stored rows have no value, even where new rows must have one.
            columns[name] = nullable(base_type(column.type))
            continue
        columns[name] = _evolved_type(stored[name], column)
        if not _in_place(bare(stored[name]), bare(columns[name])):
            casts.append(cast(quoted(name), stored[name], columns[name]))
            _check_identity(dataset, schema, name, casts[-1])
    for stored_name, kind in stored.items():
        name = RENAMED.get(stored_name, stored_name)
        if name not in wanted:
            columns[name] = kind if name in OWN_TYPES else nullable(kind)
    modified = {name: kind for name, kind in columns.items() if stored.get(name) != kind}
    moved = partition.replace("`", "") != partition_of(schema).replace("`", "")
    own = carried(schema, stored)
    return Evolution(columns, modified, tuple(casts), own, rebuilt=bool(casts or own) or moved)


def changes(
    database: str, dataset: str, evolution: Evolution, stored: Mapping[str, str]
) -> list[str]:
    """The statements that change a table in place."""
    table = qualified(database, data_table(dataset))
    return [
        f"ALTER TABLE {table} "
        + ("MODIFY COLUMN " if name in stored else "ADD COLUMN IF NOT EXISTS ")
        + f"{quoted(name)} {kind}"
        for name, kind in evolution.modified.items()
    ]


def _evolved_type(stored: str, column: Column) -> str:
    """The type of a stored column after the change; null stays allowed where rows may have it."""
    wanted = column_type(column)
    return nullable(wanted) if nullable(stored) == stored else wanted


def _in_place(old: str, new: str) -> bool:
    """Whether the engine may change the type in place: every value stays the same."""
    stored, wanted = decimal_digits(old), decimal_digits(new)
    if stored is None or wanted is None:
        return old == new
    return stored[1] == wanted[1] and stored[0] <= wanted[0]


def _check_identity(dataset: str, schema: EventSchema, name: str, column: Cast) -> None:
    if name in schema.identity and not column.keeps_text:
        raise RunError(
            Reason.SCHEMA_INCOMPATIBLE,
            f"dataset {dataset!r}: column {name!r} makes the identity and is stored as "
            f"{column.stored}; as {column.wanted} {_FIXED['identity'][1]}; write another dataset",
        )


def _layout_text(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "none" if value is None else str(value)
