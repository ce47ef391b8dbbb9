"""The audit trail of a project on a server, which commands verify and append to.

A server has no chain of the project: its database is closed to a project's users. The record of an
attempt holds the head of its chain, and each command writes a chain of its own.
"""

import secrets
from collections.abc import Callable, Sequence
from datetime import datetime

from chartly.evidence.audit_event import Data, Source
from chartly.evidence.audit_trail import Trail
from chartly.evidence.hash_chain import ChainVerdict, Entry, Head, verify_chain
from chartly.load.project_tables import ATTEMPTS
from chartly.load.sql import qualified
from chartly_store.attempts import FINISHED
from chartly_store.audit_chains import SEPARATOR, AttemptChains, recorded_head
from chartly_store.project_store import ProjectStore

_COMMAND = "command"
_RANDOM_BYTES = 6


class CommandTrail:
    """The chains of a project's attempts, and the one of the running command."""

    def __init__(self, store: ProjectStore) -> None:
        self._store = store
        self._chains = AttemptChains(store)
        self._name = f"{_COMMAND}-{secrets.token_hex(_RANDOM_BYTES)}"
        self._trail: Trail | None = None

    def append_project(
        self, events: Sequence[tuple[str, Data]], source: Source, now: Callable[[], datetime]
    ) -> Head:
        """Appends events to the chain of this command."""
        trail = self._trail = self._trail or Trail(source, now)
        for kind, data in events:
            trail.record(kind, data)
        self._chains.append(self._name, 1, trail.entries)
        return trail.head

    def run_entries(self, run_id: str, attempt: int) -> list[Entry]:
        """The stored chain of an attempt."""
        return self._chains.of_attempt(run_id, attempt)

    def verify(self) -> list[ChainVerdict]:
        """Verifies every chain, that of an attempt against the head in its record."""
        recorded = self._recorded()
        return [
            verify_chain(chain, self._chains.named(chain), recorded.get(chain))
            for chain in sorted({*self._chains.heads(), *recorded})
        ]

    def _recorded(self) -> dict[str, Head]:
        rows = self._store.engine.rows(
            f"SELECT run_id, attempt, audit_head FROM "
            f"{qualified(self._store.database, ATTEMPTS)} FINAL WHERE state = {{state:String}}",
            {"state": FINISHED},
        )
        return {
            f"{run}{SEPARATOR}{attempt}": recorded_head(str(head)) for run, attempt, head in rows
        }
