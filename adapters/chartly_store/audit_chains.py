"""Audit tables, whose rows are only inserted, and the chains of a project's attempts in them.

Teardown drops none of them.
"""

import json
from collections.abc import Sequence

from chartly.evidence.hash_chain import Entry, Head, parse_head
from chartly.load.dataset_tables import DURABLE
from chartly.load.sql import qualified, quoted
from chartly_store.arrow_rows import table_of
from chartly_store.engine_port import Engine
from chartly_store.project_store import ProjectStore

AUDIT = "__audit"
SEPARATOR = "/"


class ChainTable:
    """The audit table of one database, with any number of chains in it."""

    def __init__(self, engine: Engine, database: str) -> None:
        self._engine = engine
        self._database = database
        self.name = qualified(database, AUDIT)

    def create(self) -> None:
        """Creates the table and its database, where they do not exist."""
        self._engine.command(f"CREATE DATABASE IF NOT EXISTS {quoted(self._database)}")
        self._engine.command(
            f"CREATE TABLE IF NOT EXISTS {self.name} "
            "(chain String, sequence UInt64, previous String, hash String, "
            "type LowCardinality(String), time String, event String) "
            # A repeated row replaces itself; a row that differs is kept in addition.
            f"ENGINE = ReplacingMergeTree ORDER BY (chain, sequence, hash) SETTINGS {DURABLE}"
        )

    def put(self, chain: str, entries: Sequence[Entry]) -> None:
        """Inserts entries of a chain; inserting them again changes nothing."""
        if entries:
            rows = [_row(chain, entry) for entry in entries]
            self._engine.insert(self._database, AUDIT, table_of(rows))

    def entries(self, chain: str, since: int = 1) -> list[Entry]:
        """The stored chain, from an entry on."""
        rows = self._engine.rows(
            f"SELECT sequence, previous, hash, event, type, time FROM {self.name} FINAL "
            f"WHERE chain = {{chain:String}} AND sequence >= {{since:UInt64}} "
            f"ORDER BY sequence, hash",
            {"chain": chain, "since": since},
        )
        return [
            Entry(int(str(row[0])), str(row[1]), str(row[2]), _event(*map(str, row[3:])))
            for row in rows
        ]


class AttemptChains:
    """The chains of a project's attempts, one each, in the project's own database."""

    def __init__(self, store: ProjectStore) -> None:
        self._engine = store.engine
        self._table = ChainTable(store.engine, store.database)

    def create(self) -> None:
        """Creates the table, where it does not exist."""
        self._table.create()

    def append(self, run_id: str, attempt: int, entries: Sequence[Entry]) -> None:
        """Inserts an attempt's entries; inserting them again changes nothing."""
        self._table.put(f"{run_id}{SEPARATOR}{attempt}", entries)

    def of_attempt(self, run_id: str, attempt: int) -> list[Entry]:
        """The stored chain of an attempt."""
        return self.named(f"{run_id}{SEPARATOR}{attempt}")

    def named(self, chain: str) -> list[Entry]:
        """The stored chain of this name."""
        return self._table.entries(chain)

    def heads(self) -> dict[str, Head]:
        """The last entry of every attempt's chain."""
        rows = self._engine.rows(
            f"SELECT chain, max(sequence), argMax(hash, sequence) "
            f"FROM {self._table.name} GROUP BY chain ORDER BY chain"
        )
        return {str(row[0]): Head(int(str(row[1])), str(row[2])) for row in rows}


def recorded_head(recorded: str) -> Head:
    """The head that an event or a record holds; an edited one matches no entry."""
    try:
        return parse_head(recorded)
    except ValueError:
        return Head(1, recorded)


def _row(chain: str, entry: Entry) -> dict[str, object]:
    return {
        "chain": chain,
        "sequence": entry.sequence,
        "previous": entry.previous,
        "hash": entry.hash,
        "type": entry.event["type"],
        "time": entry.event["time"],
        "event": json.dumps(entry.event, ensure_ascii=False, sort_keys=True),
    }


def _event(document: str, kind: str, time: str) -> dict[str, object]:
    """A stored event; where a column was edited, its hash does not match any more."""
    try:
        event = json.loads(document)
    except ValueError:
        event = None
    return {**(event if isinstance(event, dict) else {}), "type": kind, "time": time}
