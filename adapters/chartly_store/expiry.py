"""Deletes rows that are older than a point in time."""

from datetime import UTC, datetime, timedelta

from chartly_store.engine_port import Engine

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def older(column: str, before: datetime) -> tuple[str, dict[str, object]]:
    """The condition on older rows, and its parameters."""
    # Not as text: the engine passes a mutation's instants on as seconds, and reads those before
    # 2001 as dates.
    condition = f"{column} < fromUnixTimestamp64Micro({{cut:Int64}}, 'UTC')"
    return condition, {"cut": (before - _EPOCH) // _MICROSECOND}


def holds_older(engine: Engine, table: str, column: str, before: datetime) -> bool:
    """Whether a table has older rows, replaced ones included."""
    condition, cut = older(column, before)
    return bool(engine.rows(f"SELECT count() FROM {table} WHERE {condition}", cut)[0][0])


def delete_older(engine: Engine, table: str, column: str, before: datetime) -> None:
    """Deletes older rows; a table without any is not mutated."""
    if holds_older(engine, table, column, before):
        condition, cut = older(column, before)
        engine.command(
            f"ALTER TABLE {table} DELETE WHERE {condition} SETTINGS mutations_sync = 1", cut
        )
