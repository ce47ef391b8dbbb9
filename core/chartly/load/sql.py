"""Spelling of SQL: quoted identifiers and the engine's column types."""

from datetime import datetime

from chartly.api.columns import ColumnType
from chartly.api.event_schema import Column

_TYPES = {"Date": "Date32"}


def quoted(name: str) -> str:
    """An identifier; names come from slugs and field names, which contain no quote."""
    return f"`{name}`"


def qualified(database: str, table: str) -> str:
    return f"{quoted(database)}.{quoted(table)}"


def base_type(kind: ColumnType) -> str:
    """The engine's type of a declared one, without nullability."""
    if kind.name == "Decimal":
        return f"Decimal({kind.precision}, {kind.scale})"
    if kind.is_instant:
        return f"DateTime64({kind.precision}, 'UTC')"
    return _TYPES.get(kind.name, kind.name)


def instant_parameter(moment: datetime) -> str:
    """An instant as a parameter of the engine: in UTC, without an offset."""
    return moment.replace(tzinfo=None).isoformat(sep=" ", timespec="milliseconds")


def nullable(engine_type: str) -> str:
    """The type that also allows null."""
    if engine_type.startswith("LowCardinality("):
        inner = engine_type.removeprefix("LowCardinality(").removesuffix(")")
        return f"LowCardinality({nullable(inner)})"
    return engine_type if engine_type.startswith("Nullable(") else f"Nullable({engine_type})"


def bare(engine_type: str) -> str:
    """The type without the wrappers that change no value."""
    for wrapper in ("LowCardinality(", "Nullable("):
        if engine_type.startswith(wrapper):
            engine_type = engine_type[len(wrapper) : -1]
    return engine_type


def column_type(column: Column) -> str:
    """The engine's type of a payload column."""
    kind = base_type(column.type)
    return kind if column.required else nullable(kind)
