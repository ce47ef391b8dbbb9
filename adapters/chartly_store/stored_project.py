"""A project's store as use cases see it, over any engine."""

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import fields
from datetime import datetime
from pathlib import Path
from typing import Protocol

from chartly.api.event_schema import EventSchema
from chartly.api.reference import Project
from chartly.api.storage import StorageSpec
from chartly.errors import Reason, RunError
from chartly.evidence.audit_event import Data, Source
from chartly.evidence.hash_chain import ChainVerdict, Entry, Head
from chartly.load.dataset_tables import rejected_table
from chartly.load.query_output import FORMAT, SETTINGS
from chartly.load.sql import qualified
from chartly.names import sql_name
from chartly.query.fingerprint import fingerprint_query, fingerprint_text
from chartly_service.query import QueryResult
from chartly_service.rejects import RejectedRecord
from chartly_store.attempts import Attempt, Attempts
from chartly_store.audit_log import AuditLog, Checkpoint
from chartly_store.command_trail import CommandTrail
from chartly_store.dataset_removal import drop_dataset, drop_output
from chartly_store.engine_port import Engine
from chartly_store.ledger import Ledger
from chartly_store.policy import Measure, measure
from chartly_store.project_store import ProjectStore
from chartly_store.query_form import parse_result

_REJECT_COLUMNS = ", ".join(one.name for one in fields(RejectedRecord))
# Read-only for good, the embedded engine reads no file and no address as a table, whatever the text
# says; it comes last, since nothing can be set behind it.
READ_ONLY: dict[str, str | int] = {"max_execution_time": 60, "readonly": 1}

_FIXED = re.compile(r"Setting (\w+) is readonly")


class ProjectTrail(Protocol):
    """The audit trail of a project, wherever the ends of its chains are kept."""

    def append_project(
        self, said: Sequence[tuple[str, Data]], source: Source, now: Callable[[], datetime]
    ) -> Head:
        """Adds events of the project."""
        ...

    def run_entries(self, run_id: str, attempt: int) -> list[Entry]:
        """An attempt's chain as it is stored."""
        ...

    def verify(self) -> list[ChainVerdict]:
        """Checks every chain."""
        ...


class EngineProject:
    """A project's tables and its audit trail.

    Args:
        name: how messages name the store.
    """

    def __init__(self, store: ProjectStore, trail: ProjectTrail, name: str) -> None:
        self.store = store
        self.trail = trail
        self.name = name

    def check_has_runs(self, place: str) -> None:
        """Refuses a store in which nothing was ever stored for the project.

        Args:
            place: where that is, as a clause; empty where there is no doubt.

        Raises:
            RunError: ``PrerequisiteMissing``.
        """
        if self.store.exists():
            return
        project, database = self.store.project, self.store.database
        there = self.store.engine.rows(
            "SELECT 1 FROM system.databases WHERE name = {name:String}", {"name": database}
        )
        absent = (
            f"database {database} of project {project} holds no run"
            if there
            else f"project {project} has no database {database}"
        )
        raise RunError(
            Reason.PREREQUISITE_MISSING, f"{absent}{place}; run one of its workflows first"
        )

    def tables(self) -> Collection[str]:
        """The names of its tables and views."""
        rows = self.store.engine.rows(
            "SELECT name FROM system.tables WHERE database = {name:String}",
            {"name": self.store.database},
        )
        return {str(row[0]) for row in rows}

    def select(self, sql: str) -> QueryResult:
        """The rows of a SELECT, which may write nothing and reads the project's database alone.

        Raises:
            RunError: ``PrerequisiteMissing``: the user may set nothing, and its profile has not the
                settings that spell values exactly; ``StoreUnavailable``.
        """
        settings = {**SETTINGS, **READ_ONLY}
        try:
            answer = self.store.engine.formatted(sql, FORMAT, settings, self.store.database)
        except RunError as error:
            fixed = _FIXED.search(error.message)
            if fixed is None:
                raise
            raise RunError(
                Reason.PREREQUISITE_MISSING,
                f"{self.name}: the user may not set {fixed[1]}, and its profile does not set it to "
                f"{settings.get(fixed[1])}; repeat `chartly project create --apply`, which makes "
                "it so, or take a user that may",
            ) from None
        return parse_result(answer)

    def attempts(self, workflow: str) -> list[Attempt]:
        """Every attempt of a workflow's runs, the latest first."""
        return Attempts(self.store).of_workflow(workflow)

    def attempts_of(self, run: str) -> list[Attempt]:
        """Every attempt of a run, the latest first."""
        return Attempts(self.store).of_run(run)

    def latest_run(self) -> str:
        """The run whose attempt began last.

        Raises:
            RunError: ``PrerequisiteMissing``: there is none.
        """
        latest = Attempts(self.store).latest()
        if latest is None:
            raise RunError(
                Reason.PREREQUISITE_MISSING, f"{self.name} holds no run; run a workflow first"
            )
        return latest.run_id

    def totals(self, run: str) -> dict[str, int]:
        """A run's counts over all its committed pages."""
        return Ledger(self.store).totals(run)

    def pages(self, run: str) -> list[tuple[object, ...]]:
        """What a run read: its pages, each with its digest."""
        return Ledger(self.store).pages(run)

    def rejects(self, dataset: str, run: str, limit: int) -> list[RejectedRecord]:
        """The first rejects of a run in a dataset; none where it has no table of them."""
        table = rejected_table(dataset)
        if not self.store.columns(table):
            return []
        rows = self.store.engine.rows(
            f"SELECT {_REJECT_COLUMNS} FROM {qualified(self.store.database, table)} FINAL "
            f"WHERE run_id = {{run:String}} ORDER BY segment, raw_ref LIMIT {limit}",
            {"run": run},
        )
        return [RejectedRecord(*map(str, row)) for row in rows]

    def policy(
        self, schema: EventSchema, storage: StorageSpec, expired_at: datetime
    ) -> list[Measure]:
        """Every part of a dataset's policy beside the tables that are there."""
        return measure(self.store, schema, storage, expired_at)

    def fingerprint(self, dataset: str) -> str | None:
        """What an output holds now; None where it is not there."""
        if not self.store.columns(sql_name(dataset)):
            return None
        rows = self.store.engine.rows(fingerprint_query(self.store.view(dataset)))
        return fingerprint_text(rows[0])

    def run_entries(self, run: str, attempt: int) -> list[Entry]:
        """The chain of an attempt as it is stored."""
        return self.trail.run_entries(run, attempt)

    def verify_chains(self) -> list[ChainVerdict]:
        """Checks every chain of the project."""
        return self.trail.verify()

    def writer_of(self, dataset: str) -> str | None:
        """The workflow that writes a dataset; None where nobody does."""
        row = self.store.dataset(dataset)
        return None if row is None else row.workflow

    def drop_output(self, dataset: str) -> bool:
        """Drops an analytics output; returns whether there was one."""
        return drop_output(self.store, dataset)

    def drop_dataset(self, dataset: str) -> bool:
        """Drops a canonical dataset, its rejects and pages; returns whether there was one."""
        return drop_dataset(self.store, dataset)

    def record(self, kind: str, data: Data, now: Callable[[], datetime]) -> None:
        """Adds an event of the project to its audit trail."""
        self.trail.append_project([(kind, data)], Source(self.store.project), now)


def of_folder(engine: Engine, project: Project, name: str, checkpoint: Path) -> EngineProject:
    """A project in a folder's engine.

    Args:
        checkpoint: the file that keeps the head of its audit chain.

    Raises:
        RunError: ``PrerequisiteMissing``: nothing was stored for it.
    """
    store = ProjectStore(engine, project)
    stored = EngineProject(store, AuditLog(store, Checkpoint(checkpoint)), name)
    stored.check_has_runs("")
    return stored


def of_server(engine: Engine, project: Project, name: str, user: str) -> EngineProject:
    """A project on a server, as a user sees it.

    Raises:
        RunError: ``PrerequisiteMissing``: nothing was stored for it.
    """
    store = ProjectStore(engine, project)
    stored = EngineProject(store, CommandTrail(store), name)
    stored.check_has_runs(f" on {name} that user {user!r} sees")
    return stored
