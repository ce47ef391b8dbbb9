"""Loaders that are wrong in a way that the oracle must see."""

from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from chartly_loader import page_intake, shaping


def _ledger_first(self: Any, table: Any, batch: Any, reader: Any) -> None:
    """What is in the ledger has not happened yet."""
    self._ledger.commit(batch.ledger)
    table.insert(batch.rows)
    table.insert_rejects(batch.rejects)
    table.insert_raw(batch.raw)
    reader.done(page.segment for page in batch.ledger)


def _by_token(self: Any, table: Any, batch: Any, reader: Any) -> None:
    """A page that is inserted again is known by its token, and not by its rows."""
    engine = table._engine
    if batch.ledger[0].segment == 0:
        engine.command(
            f"ALTER TABLE {table._table} MODIFY SETTING non_replicated_deduplication_window = 1000"
        )
    client = engine._client
    client.set_client_setting("deduplicate_insert", "enable")
    for one in batch.ledger:
        client.set_client_setting("insert_deduplication_token", one.page_sha256)
        table.insert(batch.rows.filter(_of_page(batch.rows, one.page_sha256)))
    client.set_client_setting("deduplicate_insert", "disable")
    table.insert_rejects(batch.rejects)
    table.insert_raw(batch.raw)
    self._ledger.commit(batch.ledger)
    reader.done(page.segment for page in batch.ledger)


def _of_page(rows: Any, sha256: str) -> Any:
    return pc.equal(rows.column("_page").cast(pa.string()), sha256)


def _from_one(self: Any, rows: Any, *_: Any) -> Any:
    """Versions start anew in every attempt, so that an older row may win."""
    return pa.repeat(pa.scalar(2**32 - self._ordinal, pa.uint64()), rows.num_rows)


MUTANTS: dict[str, tuple[type, str, Callable[..., Any]]] = {
    "ledger-first": (page_intake.PageIntake, "_commit", _ledger_first),
    "by-token": (page_intake.PageIntake, "_commit", _by_token),
    "old-wins": (shaping.Shaping, "_versions", _from_one),
}


def become(name: str) -> None:
    """From now on this process loads wrongly."""
    setattr(*MUTANTS[name])
