"""Rows that are older than they may become."""

from datetime import datetime

from chartly_store.port import Engine


def older(column: str, before: datetime) -> tuple[str, dict[str, object]]:
    """The condition on rows that are older, and its parameters."""
    return f"{column} < {{cut:DateTime64(3, 'UTC')}}", {"cut": before.strftime("%Y-%m-%d %H:%M:%S")}


def delete_older(engine: Engine, table: str, column: str, before: datetime) -> None:
    """Deletes them; a table that has none is not touched."""
    condition, cut = older(column, before)
    if engine.rows(f"SELECT count() FROM {table} WHERE {condition}", cut)[0][0]:
        engine.command(
            f"ALTER TABLE {table} DELETE WHERE {condition} SETTINGS mutations_sync = 1", cut
        )
