"""The folder of runs, store and secrets beside a workspace's objects."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from chartly.api.reference import Project
from chartly.errors import Reason
from chartly_service.workspace import Workspace
from chartly_spool.file_lock import FileLock

LOCK = "lock"
_IGNORE = "*\n"


def state_folder(workspace: Workspace) -> Path:
    """The state folder, made if it is not there, and kept out of git."""
    workspace.state.mkdir(parents=True, exist_ok=True)
    ignore = workspace.state / ".gitignore"
    if not ignore.exists():
        ignore.write_text(_IGNORE, encoding="utf-8")
    return workspace.state


@contextmanager
def exclusive(workspace: Workspace) -> Iterator[Path]:
    """The state folder for one process at a time.

    Raises:
        RunError: ``StoreUnavailable``, naming the process that holds it.
    """
    folder = state_folder(workspace)
    with FileLock(folder / LOCK, str(folder), Reason.STORE_UNAVAILABLE):
        yield folder


def checkpoint_path(folder: Path, project: Project) -> Path:
    """Where the head of a project's audit chain is kept outside the store."""
    return folder / "audit" / f"{project.tenant}--{project.project}.head"
