"""A project's store as use cases see it, over any engine."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol

from chartly.api.reference import Project
from chartly.errors import Reason, RunError
from chartly.evidence.chain import ChainVerdict, Entry, Head
from chartly.evidence.event import Data, Source
from chartly.load.project_tables import ATTEMPTS
from chartly.load.query_output import FORMAT, SETTINGS
from chartly_service.query import QueryResult
from chartly_store.audit import AuditLog, Checkpoint
from chartly_store.command_trail import CommandTrail
from chartly_store.port import Engine
from chartly_store.project import ProjectStore
from chartly_store.query_form import parse_result

# Read-only for good, the embedded engine reads no file and no address as a table, whatever the text
# says; it comes last, since nothing can be set behind it.
READ_ONLY: dict[str, str | int] = {"max_execution_time": 60, "readonly": 1}


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
    """A project's tables and its audit trail."""

    def __init__(self, store: ProjectStore, trail: ProjectTrail) -> None:
        self.store = store
        self.trail = trail

    def insist_on_runs(self, place: str) -> None:
        """Refuses a store in which nothing was ever stored for the project.

        Args:
            place: where that is, as a clause; empty where there is no doubt.

        Raises:
            RunError: ``PrerequisiteMissing``.
        """
        project, database = self.store.project, self.store.database
        if not self.store.exists():
            absent = f"project {project} has no database {database}{place}"
        elif not self.store.columns(ATTEMPTS):
            absent = f"database {database} of project {project} holds no run{place}"
        else:
            return
        raise RunError(Reason.PREREQUISITE_MISSING, f"{absent}; run one of its workflows first")

    def tables(self) -> Collection[str]:
        """The names of its tables and views."""
        rows = self.store.engine.rows(
            "SELECT name FROM system.tables WHERE database = {name:String}",
            {"name": self.store.database},
        )
        return {str(row[0]) for row in rows}

    def select(self, sql: str) -> QueryResult:
        """The rows of a SELECT, which may write nothing and reads the project's database alone."""
        return parse_result(
            self.store.engine.formatted(sql, FORMAT, {**SETTINGS, **READ_ONLY}, self.store.database)
        )


def of_folder(engine: Engine, project: Project, checkpoint: Path) -> EngineProject:
    """A project in a folder's engine.

    Args:
        checkpoint: the file that keeps the head of its audit chain.

    Raises:
        RunError: ``PrerequisiteMissing``: nothing was stored for it.
    """
    store = ProjectStore(engine, project)
    stored = EngineProject(store, AuditLog(store, Checkpoint(checkpoint)))
    stored.insist_on_runs("")
    return stored


def of_server(engine: Engine, project: Project, place: str) -> EngineProject:
    """A project on a server.

    Args:
        place: names the server and its user, as a clause.

    Raises:
        RunError: ``PrerequisiteMissing``: nothing was stored for it.
    """
    store = ProjectStore(engine, project)
    stored = EngineProject(store, CommandTrail(store))
    stored.insist_on_runs(place)
    return stored
