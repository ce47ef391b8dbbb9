"""The audit trail of a project on a server, as commands from a laptop verify and continue it.

There nobody keeps a project's chain: its database is closed to a project's users. Each attempt's
head is in the attempt's record, and each command adds a chain of its own.
"""

import secrets
from collections.abc import Callable, Sequence
from datetime import datetime

from chartly.evidence.audit_event import Data, Source
from chartly.evidence.audit_trail import Trail
from chartly.evidence.hash_chain import ChainVerdict, Entry, Head, parse_head, verify_chain
from chartly.load.project_tables import ATTEMPTS
from chartly.load.sql import qualified
from chartly_store.attempts import FINISHED
from chartly_store.audit_chains import SEPARATOR, AttemptChains
from chartly_store.project_store import ProjectStore

_COMMAND = "command"
_RANDOM_BYTES = 6


class CommandTrail:
    """The chains of a project's attempts, and one of the command that is running."""

    def __init__(self, store: ProjectStore) -> None:
        self._store = store
        self._chains = AttemptChains(store)
        self._name = f"{_COMMAND}-{secrets.token_hex(_RANDOM_BYTES)}"
        self._trail: Trail | None = None

    def append_project(
        self, said: Sequence[tuple[str, Data]], source: Source, now: Callable[[], datetime]
    ) -> Head:
        """Adds events to the chain of this command."""
        trail = self._trail = self._trail or Trail(source, now)
        for kind, data in said:
            trail.record(kind, data)
        self._chains.append(self._name, 1, trail.entries)
        return trail.head

    def run_entries(self, run_id: str, attempt: int) -> list[Entry]:
        """An attempt's chain as it is stored."""
        return self._chains.of_attempt(run_id, attempt)

    def verify(self) -> list[ChainVerdict]:
        """Checks every chain, that of an attempt against the head that its record holds."""
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
        return {f"{run}{SEPARATOR}{attempt}": _head(str(head)) for run, attempt, head in rows}


def _head(text: str) -> Head:
    """A head out of a record; one that was edited fits no entry."""
    try:
        return parse_head(text)
    except ValueError:
        return Head(1, text)
