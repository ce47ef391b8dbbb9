"""The project's audit chain, which records the heads of the attempts' chains.

It is stored in a database of its own. A head outside the store (``Checkpoint``) detects a
truncation of the chain.
"""

import os
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol

from chartly.api.reference import Project
from chartly.errors import Reason, RunError
from chartly.evidence.audit_event import Data, Source
from chartly.evidence.audit_trail import STARTED, Trail, closing_event
from chartly.evidence.hash_chain import ChainVerdict, Entry, Head, parse_head, verify, verify_chain
from chartly.names import SYSTEM_DATABASE
from chartly_store.audit_chains import SEPARATOR, AttemptChains, ChainTable, recorded_head
from chartly_store.project_store import ProjectStore


class Checkpoint:
    """The head of the project's chain in a file outside the store."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> Head | None:
        """Reads the head that was written last; None without a file.

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
        """Replaces the head; the file is complete, even after a power failure."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        hidden = self.path.with_suffix(".tmp")
        with hidden.open("w", encoding="ascii") as file:
            file.write(str(head))
            file.flush()
            os.fsync(file.fileno())
        hidden.replace(self.path)


class ProjectChain(Protocol):
    """The project's chain as an attempt writes it."""

    def create(self) -> None:
        """Creates the tables that it needs."""
        ...

    def settle(self, now: Callable[[], datetime]) -> list[str]:
        """Records the chains of attempts that died."""
        ...

    def append_project(
        self, events: Sequence[tuple[str, Data]], source: Source, now: Callable[[], datetime]
    ) -> Head | None:
        """Appends events; returns the new head where there is one."""
        ...


class NotKept:
    """The project's chain in a cluster, where none is written: no loader has a grant for it."""

    def create(self) -> None:
        """Creates nothing."""

    def settle(self, now: Callable[[], datetime]) -> list[str]:  # noqa: ARG002 - the protocol's
        """Records nothing: the status of a run holds the end of each attempt."""
        return []

    def append_project(
        self, events: Sequence[tuple[str, Data]], source: Source, now: Callable[[], datetime]
    ) -> None:
        """Records nothing: an attempt reports its head, which the status of its run holds."""


class AuditLog:
    """The chain of a project and those of its attempts; one process at a time writes them."""

    def __init__(self, store: ProjectStore, checkpoint: Checkpoint) -> None:
        self._engine = store.engine
        self._project: Project = store.project
        self._attempts = AttemptChains(store)
        self._home = ChainTable(store.engine, SYSTEM_DATABASE)
        self._checkpoint = checkpoint

    def create(self) -> None:
        """Creates the tables, where they do not exist."""
        self._attempts.create()
        self._home.create()

    def settle(self, now: Callable[[], datetime]) -> list[str]:
        """Records the chains of attempts that died before their end was in the project's chain.

        A broken chain is skipped: ``verify`` reports it.

        Called before an attempt starts: every other one is over by then, because the store has
        one owner.

        Returns:
            The names of the chains that were recorded.

        Raises:
            RunError: ``AuditBroken``: the stored chain lacks the entry of the checkpoint. To
                continue would overwrite the proof.
        """
        self._verified_head()
        recorded = self._recorded()
        settled = []
        for chain, head in self._attempts.heads().items():
            known, kind = recorded.get(chain, (Head(), STARTED))
            over = kind != STARTED and known.count >= head.count
            if not over and self._settle(chain, known, now):
                settled.append(chain)
        return settled

    def append_project(
        self, events: Sequence[tuple[str, Data]], source: Source, now: Callable[[], datetime]
    ) -> Head:
        """Appends events to the project's chain, and writes its new head to the checkpoint.

        Raises:
            RunError: ``AuditBroken``: the stored chain lacks the entry of the checkpoint.
        """
        trail = Trail(source, now, self._verified_head())
        for kind, data in events:
            trail.record(kind, data)
        self._home.put(str(self._project), trail.entries)
        self._checkpoint.write(trail.head)
        return trail.head

    def run_entries(self, run_id: str, attempt: int) -> list[Entry]:
        """The stored chain of an attempt."""
        return self._attempts.of_attempt(run_id, attempt)

    def project_entries(self) -> list[Entry]:
        """The stored chain of the project."""
        return self._home.entries(str(self._project))

    def verify(self) -> list[ChainVerdict]:
        """Verifies the project's chain, and every attempt's chain against its recorded head.

        Raises:
            RunError: ``AuditBroken``: the checkpoint's file does not hold a head.
        """
        recorded = {chain: head for chain, (head, _) in self._recorded().items()}
        verdicts = [
            verify_chain(str(self._project), self.project_entries(), self._checkpoint.read())
        ]
        for chain in sorted({*self._attempts.heads(), *recorded}):
            entries = self._attempts.named(chain)
            verdicts.append(verify_chain(chain, entries, recorded.get(chain)))
        return verdicts

    def _settle(self, chain: str, known: Head, now: Callable[[], datetime]) -> bool:
        entries = self._attempts.named(chain)
        verdict = verify(entries, known)
        if verdict.fault is not None:
            return False
        run_id, _, attempt = chain.rpartition(SEPARATOR)
        kind, data = closing_event(entries)
        source = Source(self._project, str(data["actor"]), run_id, int(attempt))
        chained = {**data, "chain": chain, "head": f"{verdict.count}:{verdict.head}"}
        self.append_project([(kind, chained)], source, now)
        return True

    def _verified_head(self) -> Head:
        """The head of the project's chain, which contains the entry of the checkpoint."""
        recorded = self._checkpoint.read()
        heads = [Head(entry.sequence, entry.hash) for entry in self._entries_from(recorded)]
        if recorded is not None and recorded.count and recorded not in heads:
            raise RunError(
                Reason.AUDIT_BROKEN,
                f"audit chain of {self._project}: entry {recorded.count}, which checkpoint "
                f"{self._checkpoint.path} recorded, is not in the store; see `chartly audit "
                f"verify`, and put the store back that belongs to the checkpoint",
            )
        return heads[-1] if heads else Head()

    def _entries_from(self, recorded: Head | None) -> list[Entry]:
        """The entries of the project's chain from a recorded head on."""
        since = max(recorded.count, 1) if recorded is not None else 1
        return self._home.entries(str(self._project), since)

    def _recorded(self) -> dict[str, tuple[Head, str]]:
        """The last entry of the project's chain on each attempt's chain: head and event type."""
        rows = self._engine.rows(
            "SELECT JSONExtractString(event, 'data', 'chain') AS of, "
            "argMax(JSONExtractString(event, 'data', 'head'), sequence), argMax(type, sequence) "
            f"FROM {self._home.name} "
            "WHERE chain = {chain:String} AND of != '' GROUP BY of ORDER BY of",
            {"chain": str(self._project)},
        )
        return {str(row[0]): (recorded_head(str(row[1])), str(row[2])) for row in rows}


def project_chain(store: ProjectStore, checkpoint: Path | None) -> ProjectChain:
    """The project's chain with its head in a file; without a file, the one that records nothing."""
    return NotKept() if checkpoint is None else AuditLog(store, Checkpoint(checkpoint))
