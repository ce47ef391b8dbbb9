"""Implements the ports of use cases for one project, over any engine."""

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
from chartly_service.query import QueryRefusedError, QueryResult
from chartly_service.rejects import RejectedRecord
from chartly_store.attempts import Attempt, Attempts
from chartly_store.audit_log import AuditLog, Checkpoint
from chartly_store.command_trail import CommandTrail
from chartly_store.dataset_removal import drop_dataset, drop_output
from chartly_store.engine_port import Engine
from chartly_store.engine_refusal import engine_refusal
from chartly_store.ledger import Ledger
from chartly_store.policy import Measure, measure
from chartly_store.project_store import ProjectStore
from chartly_store.query_form import parse_result

_REJECT_COLUMNS = ", ".join(column.name for column in fields(RejectedRecord))
# With readonly = 1 the embedded engine reads no file and no URL as a table, whatever the SQL is. It
# comes last, since no setting can follow it.
READ_ONLY: dict[str, str | int] = {"max_execution_time": 60, "readonly": 1}

_FIXED = re.compile(r"Setting (\w+) is readonly")


class ProjectTrail(Protocol):
    """The audit trail of a project, in a folder or on a server."""

    def append_project(
        self, events: Sequence[tuple[str, Data]], source: Source, now: Callable[[], datetime]
    ) -> Head:
        """Appends events of the project."""
        ...

    def run_entries(self, run_id: str, attempt: int) -> list[Entry]:
        """The stored chain of an attempt."""
        ...

    def verify(self) -> list[ChainVerdict]:
        """Verifies every chain."""
        ...


class EngineProject:
    """A project's tables and its audit trail.

    Args:
        name: of the store in messages.
    """

    def __init__(self, store: ProjectStore, trail: ProjectTrail, name: str) -> None:
        self.store = store
        self.trail = trail
        self.name = name

    def check_has_runs(self, place: str) -> None:
        """Raises where the store holds no run of the project.

        Args:
            place: the store, as a clause of the message; empty where it is the workspace's own.

        Raises:
            RunError: ``PrerequisiteMissing``.
        """
        if self.store.exists():
            return
        project, database = self.store.project, self.store.database
        databases = self.store.engine.rows(
            "SELECT 1 FROM system.databases WHERE name = {name:String}", {"name": database}
        )
        absent = (
            f"database {database} of project {project} holds no run"
            if databases
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

    def columns(self, table: str) -> Collection[str]:
        """The names of the columns of a table or view."""
        return self.store.columns(table)

    def select(self, sql: str) -> QueryResult:
        """The rows of a SELECT, which can write nothing and reads the project's database only.

        Raises:
            QueryRefusedError: the engine refuses it.
            RunError: ``PrerequisiteMissing``: the user may change no settings, and its profile
                lacks those that format values exactly; ``StoreUnavailable``.
        """
        settings = {**SETTINGS, **READ_ONLY}
        try:
            answer = self.store.engine.formatted(sql, FORMAT, settings, self.store.database)
        except RunError as error:
            fixed = _FIXED.search(error.message)
            refusal = engine_refusal(error.message)
            if fixed is None and refusal is not None and error.reason is Reason.STORE_UNAVAILABLE:
                raise QueryRefusedError(refusal.sentence, refusal.unknown) from None
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
        """The pages that a run read, each with its digest."""
        return Ledger(self.store).pages(run)

    def rejects(self, dataset: str, run: str, limit: int) -> list[RejectedRecord]:
        """The first rejects of a run in a dataset; none where it has no table of rejects."""
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
        """Compares every part of a dataset's policy with its tables."""
        return measure(self.store, schema, storage, expired_at)

    def fingerprint(self, dataset: str) -> str | None:
        """The fingerprint of an output's published rows; None without the output."""
        if not self.store.columns(sql_name(dataset)):
            return None
        rows = self.store.engine.rows(fingerprint_query(self.store.view(dataset)))
        return fingerprint_text(rows[0])

    def run_entries(self, run: str, attempt: int) -> list[Entry]:
        """The stored chain of an attempt."""
        return self.trail.run_entries(run, attempt)

    def verify_chains(self) -> list[ChainVerdict]:
        """Verifies every chain of the project."""
        return self.trail.verify()

    def writer_of(self, dataset: str) -> str | None:
        """The workflow that writes a dataset; None where no workflow does."""
        row = self.store.dataset(dataset)
        return None if row is None else row.workflow

    def drop_output(self, dataset: str) -> bool:
        """Drops an analytics output; returns whether there was one."""
        return drop_output(self.store, dataset)

    def drop_dataset(self, dataset: str) -> bool:
        """Drops a canonical dataset, its rejects and pages; returns whether there was one."""
        return drop_dataset(self.store, dataset)

    def record(self, kind: str, data: Data, now: Callable[[], datetime]) -> None:
        """Appends an event of the project to its audit trail."""
        self.trail.append_project([(kind, data)], Source(self.store.project), now)


def of_folder(engine: Engine, project: Project, name: str, checkpoint: Path) -> EngineProject:
    """A project in a folder's engine.

    Args:
        checkpoint: the file with the head of its audit chain.

    Raises:
        RunError: ``PrerequisiteMissing``: the store holds no run of it.
    """
    store = ProjectStore(engine, project)
    stored = EngineProject(store, AuditLog(store, Checkpoint(checkpoint)), name)
    stored.check_has_runs("")
    return stored


def of_server(engine: Engine, project: Project, name: str, user: str) -> EngineProject:
    """A project on a server, with the rights of a user.

    Raises:
        RunError: ``PrerequisiteMissing``: no run of it is stored, or the user may not read it.
    """
    store = ProjectStore(engine, project)
    stored = EngineProject(store, CommandTrail(store), name)
    stored.check_has_runs(f" on {name} that user {user!r} sees")
    return stored
