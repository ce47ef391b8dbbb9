"""The project's audit chain, which the attempts' chains are entered into.

It stands in a database of its own. What tells of a cut at its end is a head kept outside the store
(``Checkpoint``).
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
from chartly_store.audit_chains import SEPARATOR, AttemptChains, ChainTable
from chartly_store.project_store import ProjectStore


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


class ProjectChain(Protocol):
    """What an attempt tells the project's chain, wherever that is kept."""

    def create(self) -> None:
        """Makes what it needs."""
        ...

    def settle(self, now: Callable[[], datetime]) -> list[str]:
        """Enters the chains of attempts that died."""
        ...

    def append_project(
        self, said: Sequence[tuple[str, Data]], source: Source, now: Callable[[], datetime]
    ) -> Head | None:
        """Adds events; returns the new head where it is known."""
        ...


class NotKept:
    """The project's chain in a cluster: nobody writes one, and no loader could be let in."""

    def create(self) -> None:
        """Nothing is made."""

    def settle(self, now: Callable[[], datetime]) -> list[str]:  # noqa: ARG002 - the protocol's
        """Nothing is entered: how an attempt ended stands in the status of its run."""
        return []

    def append_project(
        self, said: Sequence[tuple[str, Data]], source: Source, now: Callable[[], datetime]
    ) -> None:
        """Nothing is entered: the attempt reports its head, which the status of its run holds."""


class AuditLog:
    """Both kinds of chains of one project; one process at a time writes them."""

    def __init__(self, store: ProjectStore, checkpoint: Checkpoint) -> None:
        self._engine = store.engine
        self._project: Project = store.project
        self._attempts = AttemptChains(store)
        self._home = ChainTable(store.engine, SYSTEM_DATABASE)
        self._checkpoint = checkpoint

    def create(self) -> None:
        """Makes the tables, if they are not there."""
        self._attempts.create()
        self._home.create()

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
        self._verified_head()
        recorded = self._recorded()
        entered = []
        for chain, head in self._attempts.heads().items():
            known, kind = recorded.get(chain, (Head(), STARTED))
            over = kind != STARTED and known.count >= head.count
            if not over and self._settle(chain, known, now):
                entered.append(chain)
        return entered

    def append_project(
        self, said: Sequence[tuple[str, Data]], source: Source, now: Callable[[], datetime]
    ) -> Head:
        """Adds events to the project's chain, and keeps its new head outside the store.

        Raises:
            RunError: ``AuditBroken``: the stored chain lacks what the checkpoint recorded.
        """
        trail = Trail(source, now, self._verified_head())
        for kind, data in said:
            trail.record(kind, data)
        self._home.put(str(self._project), trail.entries)
        self._checkpoint.write(trail.head)
        return trail.head

    def run_entries(self, run_id: str, attempt: int) -> list[Entry]:
        """An attempt's chain as it is stored."""
        return self._attempts.of_attempt(run_id, attempt)

    def project_entries(self) -> list[Entry]:
        """The project's chain as it is stored."""
        return self._home.entries(str(self._project))

    def verify(self) -> list[ChainVerdict]:
        """Checks the project's chain, and every attempt's chain against the head it recorded.

        Raises:
            RunError: ``AuditBroken``: the checkpoint's file does not hold a head.
        """
        recorded = {chain: head for chain, (head, _) in self._recorded().items()}
        found = [verify_chain(str(self._project), self.project_entries(), self._checkpoint.read())]
        for chain in sorted({*self._attempts.heads(), *recorded}):
            entries = self._attempts.named(chain)
            found.append(verify_chain(chain, entries, recorded.get(chain)))
        return found

    def _settle(self, chain: str, known: Head, now: Callable[[], datetime]) -> bool:
        entries = self._attempts.named(chain)
        verdict = verify(entries, known)
        if verdict.fault is not None:
            return False
        run_id, _, attempt = chain.rpartition(SEPARATOR)
        kind, data = closing_event(entries)
        source = Source(self._project, str(data["actor"]), run_id, int(attempt))
        said = {**data, "chain": chain, "head": f"{verdict.count}:{verdict.head}"}
        self.append_project([(kind, said)], source, now)
        return True

    def _verified_head(self) -> Head:
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
        return self._home.entries(str(self._project), since)

    def _recorded(self) -> dict[str, tuple[Head, str]]:
        """What the project's chain said last of attempts' chains: their head, in which event."""
        rows = self._engine.rows(
            "SELECT JSONExtractString(event, 'data', 'chain') AS of, "
            "argMax(JSONExtractString(event, 'data', 'head'), sequence), argMax(type, sequence) "
            f"FROM {self._home.name} "
            "WHERE chain = {chain:String} AND of != '' GROUP BY of ORDER BY of",
            {"chain": str(self._project)},
        )
        return {str(row[0]): (_recorded_head(str(row[1])), str(row[2])) for row in rows}


def project_chain(store: ProjectStore, checkpoint: Path | None) -> ProjectChain:
    """The project's chain: here, with its head in a file; or elsewhere, where there is no file."""
    return NotKept() if checkpoint is None else AuditLog(store, Checkpoint(checkpoint))


def _recorded_head(text: str) -> Head:
    """A head out of the project's chain; one that was edited fits no entry."""
    try:
        return parse_head(text)
    except ValueError:
        return Head(1, text)
