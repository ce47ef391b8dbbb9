"""How a stored table follows its profiles: in its place, by a rebuild, or not at all."""

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
    """What brings a stored table to what its profiles say.

    Attributes:
        columns: every column that the table shall have, with its type.
        modified: those of them that are changed in their place or added.
        casts: those that are rewritten, each value on its own.
        carried: SQL of those of our own that hold their values in another form from now on.
        rebuilt: whether the rows must move to a table that is laid out anew.
    """

    columns: dict[str, str]
    modified: dict[str, str]
    casts: tuple[Cast, ...]
    carried: Mapping[str, str]
    rebuilt: bool


def layout_of(schema: EventSchema) -> dict[str, object]:
    """What is recorded of a dataset's layout; only the granularity may ever change."""
    return {
        "time": schema.time_column,
        "granularity": schema.granularity,
        "version": schema.version_field,
        "identity": list(schema.identity),
    }


def insist_on_layout(
    dataset: str, recorded: Mapping[str, object], wanted: Mapping[str, object]
) -> None:
    """Whether a dataset's events stay the events that they are.

    Raises:
        RunError: ``SchemaIncompatible``: what makes or orders them is another one now.
    """
    for part, (name, because) in _FIXED.items():
        if recorded.get(part) != wanted[part]:
            raise RunError(
                Reason.SCHEMA_INCOMPATIBLE,
                f"dataset {dataset!r}: its {name} is {_shown(recorded.get(part))} and cannot "
                f"become {_shown(wanted[part])}: {because}; write another dataset",
            )


def insist_on_own(dataset: str, recorded: Mapping[str, object], stored: Mapping[str, str]) -> None:
    """Whether a table holds events, and as this version stores them.

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
    """What is to be done about a stored table.

    Args:
        stored: the table's columns and the engine's types.
        partition: its partition key as the engine spells it.

    Raises:
        RunError: ``SchemaIncompatible``: a column that makes the identity has another type.
    """
    wanted = {column.name: column for column in schema.columns}
    columns: dict[str, str] = {}
    casts = []
    for name, column in wanted.items():
        if name not in stored:
            # Rows that are there already have no value, whatever new ones must have.
            columns[name] = nullable(base_type(column.type))
            continue
        columns[name] = _following(stored[name], column)
        if not _in_place(bare(stored[name]), bare(columns[name])):
            casts.append(cast(quoted(name), stored[name], columns[name]))
            _insist_on_free(dataset, schema, name, casts[-1])
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
    """The statements that change a table in its place."""
    table = qualified(database, data_table(dataset))
    return [
        f"ALTER TABLE {table} "
        + ("MODIFY COLUMN " if name in stored else "ADD COLUMN IF NOT EXISTS ")
        + f"{quoted(name)} {kind}"
        for name, kind in evolution.modified.items()
    ]


def _following(stored: str, column: Column) -> str:
    """The type that a stored column takes on; where old rows may hold null, it stays allowed."""
    wanted = column_type(column)
    return nullable(wanted) if nullable(stored) == stored else wanted


def _in_place(old: str, new: str) -> bool:
    """Whether the engine may change the type: every value stays what it is."""
    one, two = decimal_digits(old), decimal_digits(new)
    wider = one is not None and two is not None and one[1] == two[1] and one[0] < two[0]
    return old == new or wider


def _insist_on_free(dataset: str, schema: EventSchema, name: str, made: Cast) -> None:
    if name in schema.identity and not made.keeps_text:
        raise RunError(
            Reason.SCHEMA_INCOMPATIBLE,
            f"dataset {dataset!r}: column {name!r} makes the identity and is stored as "
            f"{made.stored}; as {made.wanted} {_FIXED['identity'][1]}; write another dataset",
        )


def _shown(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "none" if value is None else str(value)
