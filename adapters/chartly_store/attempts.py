"""The attempts of a project's runs: their order, state and outcome; the authority on outcomes."""

import json
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from chartly.errors import Reason
from chartly.load.project_tables import ATTEMPTS
from chartly.load.sql import qualified
from chartly_store.project_store import ProjectStore

STARTED = "started"
FINISHED = "finished"


@dataclass(frozen=True)
class Attempt:
    """One attempt of a run.

    Attributes:
        ordinal: number among all attempts of the project; rows of a later one win.
        result: counts and outputs as JSON, once the attempt is finished.
        epoch: of the turn of the run.
    """

    run_id: str
    attempt: int
    ordinal: int
    workflow: str
    workflow_version: str
    config_digest: str
    ingested_at: datetime
    state: str = STARTED
    reason: str = ""
    message: str = ""
    result: str = "{}"
    audit_head: str = ""
    updated_at: datetime | None = None
    epoch: int = 0

    @property
    def outcome(self) -> dict[str, Any]:
        """The recorded result."""
        outcome: dict[str, Any] = json.loads(self.result)
        return outcome


# Readers need no epoch, and a store of format 1 that is only read has none.
_COLUMNS = ", ".join(name for name in Attempt.__dataclass_fields__ if name != "epoch")


class Attempts:
    """The attempts of a project."""

    def __init__(self, store: ProjectStore) -> None:
        self._store = store
        self._table = qualified(store.database, ATTEMPTS)

    def begin(self, attempt: Attempt, now: datetime) -> Attempt:
        """Records an attempt before it writes any row, and returns it with its ordinal.

        Ordinals are unique, and an attempt gets a higher one than every attempt that began before.
        An attempt that reads another one with its ordinal takes a new one: of two attempts that
        begin at once, the second to record itself reads the first.
        """
        own = (attempt.run_id, attempt.attempt)
        ordinal = self._last() + 1
        while True:
            placed = replace(attempt, ordinal=ordinal, updated_at=now)
            self._put(placed, 0)
            rivals = [rival for rival in self._at(ordinal) if rival != own]
            if not rivals:
                return placed
            # Each rival takes a different ordinal, so that they do not collide again.
            ordinal = self._last() + 1 + sum(rival < own for rival in rivals)

    def finish(  # noqa: PLR0913, PLR0917 - each part of an outcome is its own column
        self, attempt: Attempt, reason: Reason, message: str, result: str, head: str, now: datetime
    ) -> None:
        """Records how an attempt ended, once."""
        self._put(
            replace(
                attempt,
                state=FINISHED,
                reason=reason.value,
                message=message,
                result=result,
                audit_head=head,
                updated_at=now,
            ),
            1,
        )

    def of_workflow(self, workflow: str) -> list[Attempt]:
        """Every attempt of a workflow's runs, the latest first."""
        return self._read("WHERE workflow = {value:String} ORDER BY ordinal DESC", workflow)

    def of_run(self, run_id: str) -> list[Attempt]:
        """Every attempt of a run, the latest first."""
        return self._read("WHERE run_id = {value:String} ORDER BY ordinal DESC", run_id)

    def latest(self) -> Attempt | None:
        """The attempt that began last, of all workflows; None without attempts."""
        attempts = self._read("WHERE run_id != {value:String} ORDER BY ordinal DESC LIMIT 1", "")
        return attempts[0] if attempts else None

    def _last(self) -> int:
        rows = self._store.engine.rows(f"SELECT max(ordinal) FROM {self._table}")
        return int(str(rows[0][0]))

    def _at(self, ordinal: int) -> list[tuple[str, int]]:
        """The attempts that are recorded with an ordinal."""
        rows = self._store.engine.rows(
            f"SELECT run_id, attempt FROM {self._table} FINAL WHERE ordinal = {{value:UInt32}}",
            {"value": ordinal},
        )
        return [(str(run), int(str(attempt))) for run, attempt in rows]

    def _put(self, attempt: Attempt, version: int) -> None:
        self._store.insert_dicts(ATTEMPTS, [{**asdict(attempt), "version": version}])

    def _read(self, condition: str, value: str) -> list[Attempt]:
        rows = self._store.engine.rows(
            f"SELECT {_COLUMNS} FROM {self._table} FINAL {condition}", {"value": value}
        )
        return [Attempt(*row) for row in rows]  # type: ignore[arg-type]  # as stored
