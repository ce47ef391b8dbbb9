"""What the store of a folder holds, for the commands that read it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from chartly.api.reference import Project
from chartly.errors import Reason, RunError, SpecError
from chartly.names import database
from chartly_cli.session import checkpoint_path, exclusive, opened_store
from chartly_cli.workspace import Workspace
from chartly_store.audit import AuditLog, Checkpoint
from chartly_store.port import Engine
from chartly_store.project import ProjectStore


@dataclass(frozen=True)
class Stored:
    """An open project store."""

    engine: Engine
    store: ProjectStore
    audit: AuditLog
    folder: Path


def project_of(workspace: Workspace) -> Project:
    """The project that the folder's workflows belong to.

    Raises:
        SpecError: they belong to several, or it is not said.
    """
    workspace.require_whole()
    if workspace.project is not None:
        return workspace.project
    homes = {workspace.home(one) for one in workspace.workflows}
    if len(homes) != 1:
        raise SpecError(
            f"{workspace.root}: workflows of {len(homes)} projects; give --project tenant/project",
            Reason.NOT_A_PROJECT,
        )
    return homes.pop()


@contextmanager
def stored(workspace: Workspace, project: Project) -> Iterator[Stored]:
    """The store of a project.

    Raises:
        RunError: ``PrerequisiteMissing``: nothing has run here.
    """
    if not (workspace.state / "store").is_dir():
        raise RunError(
            Reason.PREREQUISITE_MISSING, f"{workspace.state} holds no store; run a workflow first"
        )
    with exclusive(workspace) as folder, opened_store(folder) as engine:
        store = ProjectStore(engine, project)
        if not store.exists():
            raise RunError(
                Reason.PREREQUISITE_MISSING,
                f"project {project} has no database {database(project.tenant, project.project)}; "
                f"run one of its workflows first",
            )
        audit = AuditLog(store, Checkpoint(checkpoint_path(folder, project)))
        yield Stored(engine, store, audit, folder)
