"""The audit tables: a chain per attempt in the project's database, a chain per project beside it.

Teardown drops neither. What tells of a cut at the end of the project's own chain is a head kept
outside the store (``Checkpoint``).
"""

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import pyarrow as pa

from chartly.api.reference import Project
from chartly.errors import Reason, RunError
from chartly.evidence.chain import Entry, Head, Verdict, parse_head, verify
from chartly.evidence.event import Data, Source
from chartly.evidence.trail import STARTED, Trail, closing
from chartly.load.sql import qualified, quoted
from chartly.load.tables import DURABLE
from chartly.names import SYSTEM_DATABASE
from chartly_store.project import ProjectStore

AUDIT = "__audit"
_SEPARATOR = "/"


@dataclass(frozen=True)
class ChainVerdict:
    """What a check found of one chain: a run's attempt, or the project.

    Attributes:
        unchained: entries after the head that is recorded elsewhere. They are whole, but a cut
            among them would not show; ``AuditLog.settle`` enters them.
    """

    chain: str
    verdict: Verdict
    unchained: int = 0


class Checkpoint:
    """The head of the project's chain in a file outside the store."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> Head | None:
        """The head that was written last.

        Raises:
            RunError: ``AuditBroken``: the file does not hold a head.
        """
        try:
            return parse_head(self.path.read_text(encoding="ascii"))
        except FileNotFoundError:
            return None
        except ValueError as error:
            raise RunError(Reason.AUDIT_BROKEN, f"checkpoint {self.path}: {error}") from None

    def write(self, head: Head) -> None:
        """Keeps a head; the file is whole, also after a power cut."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        hidden = self.path.with_suffix(".tmp")
        with hidden.open("w", encoding="ascii") as file:
            file.write(str(head))
            file.flush()
            os.fsync(file.fileno())
        hidden.replace(self.path)


class AuditLog:
    """Insert-only audit tables of one project; one process at a time writes them."""

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

    def settle(self, now: Callable[[], datetime]) -> list[str]:
        """Enters the chains of attempts that died before their end was in the project's chain.

        One that is not whole is left for ``verify`` to tell of.

        To be called before an attempt starts: every other one is over by then, because the store
        has one owner.

        Returns:
            The chains that were entered.

        Raises:
            RunError: ``AuditBroken``: the stored chain lacks what the checkpoint recorded. Going on
                would overwrite the proof.
        """
        self._insist_on_checkpoint()
        recorded = self._recorded()
        entered = []
        for chain, head in self._stored_heads().items():
            known, kind = recorded.get(chain, (Head(), STARTED))
            over = kind != STARTED and known.count >= head.count
            if not over and self._enter(chain, known, now):
                entered.append(chain)
        return entered

    def append_run(self, run_id: str, attempt: int, entries: Sequence[Entry]) -> None:
        """Enters an attempt's events; a repeat of the same entries changes nothing."""
        self._put(self._database, f"{run_id}{_SEPARATOR}{attempt}", entries)

    def append_project(
        self, said: Sequence[tuple[str, Data]], source: Source, now: Callable[[], datetime]
    ) -> Head:
        """Adds events to the project's chain, and keeps its new head outside the store.

        Raises:
            RunError: ``AuditBroken``: the stored chain lacks what the checkpoint recorded.
        """
        trail = Trail(source, now, self._insist_on_checkpoint())
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
        """Checks the project's chain, and every attempt's chain against the head it recorded.

        Raises:
            RunError: ``AuditBroken``: the checkpoint's file does not hold a head.
        """
        recorded = {chain: head for chain, (head, _) in self._recorded().items()}
        found = [_checked(str(self._project), self.project_entries(), self._checkpoint.read())]
        for chain in sorted({*self._stored_heads(), *recorded}):
            entries = self._entries(self._database, chain)
            found.append(_checked(chain, entries, recorded.get(chain)))
        return found

    def _enter(self, chain: str, known: Head, now: Callable[[], datetime]) -> bool:
        entries = self._entries(self._database, chain)
        verdict = verify(entries, known)
        if verdict.fault is not None:
            return False
        run_id, _, attempt = chain.rpartition(_SEPARATOR)
        kind, data = closing(entries)
        source = Source(self._project, str(data["actor"]), run_id, int(attempt))
        said = {**data, "chain": chain, "head": f"{verdict.count}:{verdict.head}"}
        self.append_project([(kind, said)], source, now)
        return True

    def _insist_on_checkpoint(self) -> Head:
        """The end of the project's chain, which must contain what the checkpoint recorded."""
        wanted = self._checkpoint.read()
        marks = [Head(entry.sequence, entry.hash) for entry in self._ends(wanted)]
        if wanted is not None and wanted.count and wanted not in marks:
            raise RunError(
                Reason.AUDIT_BROKEN,
                f"audit chain of {self._project}: entry {wanted.count}, which checkpoint "
                f"{self._checkpoint.path} recorded, is not in the store; see `chartly audit "
                f"verify`, and put the store back that belongs to the checkpoint",
            )
        return marks[-1] if marks else Head()

    def _ends(self, wanted: Head | None) -> list[Entry]:
        """The entries of the project's chain from a recorded head on."""
        since = max(wanted.count, 1) if wanted is not None else 1
        return self._entries(SYSTEM_DATABASE, str(self._project), since)

    def _stored_heads(self) -> dict[str, Head]:
        """The end of every attempt's chain."""
        rows = self._engine.rows(
            f"SELECT chain, max(sequence), argMax(hash, sequence) "
            f"FROM {qualified(self._database, AUDIT)} GROUP BY chain ORDER BY chain"
        )
        return {str(row[0]): Head(int(str(row[1])), str(row[2])) for row in rows}

    def _recorded(self) -> dict[str, tuple[Head, str]]:
        """What the project's chain said last of attempts' chains: their head, in which event."""
        rows = self._engine.rows(
            "SELECT JSONExtractString(event, 'data', 'chain') AS of, "
            "argMax(JSONExtractString(event, 'data', 'head'), sequence), argMax(type, sequence) "
            f"FROM {qualified(SYSTEM_DATABASE, AUDIT)} "
            "WHERE chain = {chain:String} AND of != '' GROUP BY of ORDER BY of",
            {"chain": str(self._project)},
        )
        return {str(row[0]): (_recorded_head(str(row[1])), str(row[2])) for row in rows}

    def _entries(self, database: str, chain: str, since: int = 1) -> list[Entry]:
        rows = self._engine.rows(
            f"SELECT sequence, previous, hash, event, type, time "
            f"FROM {qualified(database, AUDIT)} FINAL "
            f"WHERE chain = {{chain:String}} AND sequence >= {{since:UInt64}} "
            f"ORDER BY sequence, hash",
            {"chain": chain, "since": since},
        )
        return [
            Entry(int(str(row[0])), str(row[1]), str(row[2]), _event(*map(str, row[3:])))
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


def _event(text: str, kind: str, time: str) -> dict[str, object]:
    """A stored event; where a column tells otherwise, it no longer has the hash it was given."""
    try:
        event = json.loads(text)
    except ValueError:
        event = None
    return {**(event if isinstance(event, dict) else {}), "type": kind, "time": time}


def _recorded_head(text: str) -> Head:
    """A head out of the project's chain; one that was edited fits no entry."""
    try:
        return parse_head(text)
    except ValueError:
        return Head(1, text)


def _checked(chain: str, entries: Sequence[Entry], recorded: Head | None) -> ChainVerdict:
    verdict = verify(entries, recorded)
    checked = ChainVerdict(chain, verdict)
    if verdict.fault is not None:
        return checked
    return replace(checked, unchained=verdict.count - (recorded.count if recorded else 0))
