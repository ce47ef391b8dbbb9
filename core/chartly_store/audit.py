"""The audit tables: a chain per attempt in the project's database, a chain per project beside it.

Teardown drops neither. What tells of a cut at the end of the project's own chain is a head kept
outside the store (``Checkpoint``).
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pyarrow as pa

from chartly.api.reference import Project
from chartly.evidence.chain import Entry, Head, Verdict, parse_head, verify
from chartly.evidence.event import Data, Source
from chartly.evidence.trail import Trail
from chartly.load.sql import qualified, quoted
from chartly.load.tables import DURABLE
from chartly.names import SYSTEM_DATABASE
from chartly_store.project import ProjectStore

AUDIT = "__audit"
_SEPARATOR = "/"


@dataclass(frozen=True)
class ChainVerdict:
    """What a check found of one chain: a run's attempt, or the project."""

    chain: str
    verdict: Verdict


class Checkpoint:
    """The head of the project's chain in a file, which only grows."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> Head | None:
        """The head that was written last."""
        return parse_head(self._path.read_text(encoding="ascii")) if self._path.exists() else None

    def write(self, head: Head) -> None:
        """Keeps a head."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        hidden = self._path.with_suffix(".tmp")
        hidden.write_text(str(head), encoding="ascii")
        hidden.replace(self._path)


class AuditLog:
    """Insert-only audit tables of one project."""

    def __init__(self, store: ProjectStore, checkpoint: Checkpoint) -> None:
        self._engine = store.engine
        self._project: Project = store.project
        self._database = store.database
        self._checkpoint = checkpoint

    def create(self) -> None:
        """Makes the tables, if they are not there."""
        for database in (self._database, SYSTEM_DATABASE):
            self._engine.command(f"CREATE DATABASE IF NOT EXISTS {quoted(database)}")
            self._engine.command(
                f"CREATE TABLE IF NOT EXISTS {qualified(database, AUDIT)} "
                "(chain String, sequence UInt64, previous String, hash String, "
                "type LowCardinality(String), time String, event String) "
                # A row that is written again is the same row; one that differs stays beside it.
                f"ENGINE = ReplacingMergeTree ORDER BY (chain, sequence, hash) SETTINGS {DURABLE}"
            )

    def append_run(self, run_id: str, attempt: int, entries: Sequence[Entry]) -> None:
        """Enters an attempt's events; a repeat of the same entries changes nothing."""
        self._put(self._database, f"{run_id}{_SEPARATOR}{attempt}", entries)

    def append_project(
        self, said: Sequence[tuple[str, Data]], source: Source, now: Callable[[], datetime]
    ) -> Head:
        """Adds events to the project's chain, and keeps its new head outside the store."""
        trail = Trail(source, now, self._project_head())
        for kind, data in said:
            trail.say(kind, data)
        self._put(SYSTEM_DATABASE, str(self._project), trail.entries)
        self._checkpoint.write(trail.head)
        return trail.head

    def run_entries(self, run_id: str, attempt: int) -> list[Entry]:
        """An attempt's chain as it is stored."""
        return self._entries(self._database, f"{run_id}{_SEPARATOR}{attempt}")

    def project_entries(self) -> list[Entry]:
        """The project's chain as it is stored."""
        return self._entries(SYSTEM_DATABASE, str(self._project))

    def verify(self) -> list[ChainVerdict]:
        """Checks the project's chain, and every attempt's chain against the head it recorded."""
        project = self.project_entries()
        recorded = _recorded_heads(project)
        found = [ChainVerdict(str(self._project), verify(project, self._checkpoint.read()))]
        for chain in sorted({*self._chains(), *recorded}):
            entries = self._entries(self._database, chain)
            found.append(ChainVerdict(chain, verify(entries, recorded.get(chain))))
        return found

    def _project_head(self) -> Head:
        entries = self.project_entries()
        return Head(entries[-1].sequence, entries[-1].hash) if entries else Head()

    def _chains(self) -> list[str]:
        rows = self._engine.rows(
            f"SELECT DISTINCT chain FROM {qualified(self._database, AUDIT)} ORDER BY chain"
        )
        return [str(row[0]) for row in rows]

    def _entries(self, database: str, chain: str) -> list[Entry]:
        rows = self._engine.rows(
            f"SELECT sequence, previous, hash, event FROM {qualified(database, AUDIT)} FINAL "
            f"WHERE chain = {{chain:String}} ORDER BY sequence, hash",
            {"chain": chain},
        )
        return [
            Entry(int(str(row[0])), str(row[1]), str(row[2]), json.loads(str(row[3])))
            for row in rows
        ]

    def _put(self, database: str, chain: str, entries: Sequence[Entry]) -> None:
        if entries:
            rows = [_row(chain, entry) for entry in entries]
            self._engine.insert(database, AUDIT, pa.Table.from_pylist(rows))


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


def _recorded_heads(entries: Sequence[Entry]) -> dict[str, Head]:
    """The heads of attempts' chains, as the project's chain recorded them."""
    heads: dict[str, Head] = {}
    for entry in entries:
        data = entry.event.get("data")
        if isinstance(data, dict) and "chain" in data:
            heads[str(data["chain"])] = parse_head(str(data["head"]))
    return heads
