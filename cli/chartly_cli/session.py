"""What every command starts from: the folder, the options, the store under one lock."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from chartly.errors import Reason, RunError
from chartly_cli.output import Form, Printer
from chartly_cli.store_options import StoreOptions
from chartly_spool.lock import FileLock, holder

if TYPE_CHECKING:
    from chartly.api.place import Place
    from chartly.api.reference import Project
    from chartly_cli.store_binding import FolderBinding, ServerBinding
    from chartly_cli.workspace import Workspace
    from chartly_store.embedded import EmbeddedEngine

_IGNORE = "*\n"


@dataclass(frozen=True)
class Session:
    """The options that stand before every command."""

    directory: Path
    form: Form
    project: str | None
    store: StoreOptions = field(default_factory=StoreOptions)

    @property
    def place(self) -> "Place":
        """The folder, as what a problem is about."""
        from chartly.api.place import Place  # noqa: PLC0415 - --help must be quick

        return Place(object=str(self.directory))

    @property
    def printer(self) -> Printer:
        return Printer(self.form)

    def workspace(self) -> "Workspace":
        """The workspace of the folder."""
        from chartly_cli.workspace import read_workspace  # noqa: PLC0415 - --help must be quick

        return read_workspace(self.directory, self.project)

    def binding(self, workspace: "Workspace") -> "FolderBinding | ServerBinding":
        """The store that the options name; without any, the folder's own.

        Raises:
            SpecError: an option or its variable is not usable.
        """
        from chartly_cli.store_access import read_access_options  # noqa: PLC0415 - as above
        from chartly_cli.store_binding import FolderBinding, ServerBinding  # noqa: PLC0415 - as above

        access = read_access_options(self.store)
        return FolderBinding(workspace) if access is None else ServerBinding(access)


def state_folder(workspace: "Workspace") -> Path:
    """The folder of runs and store, made if it is not there, and kept out of git."""
    workspace.state.mkdir(parents=True, exist_ok=True)
    ignore = workspace.state / ".gitignore"
    if not ignore.exists():
        ignore.write_text(_IGNORE, encoding="utf-8")
    return workspace.state


@contextlib.contextmanager
def exclusive(workspace: "Workspace") -> Iterator[Path]:
    """The state folder for one process at a time.

    Raises:
        RunError: ``StoreUnavailable``, naming the process that holds it.
    """
    folder = state_folder(workspace)
    with FileLock(folder / "lock") as lock:
        if not lock.acquire():
            pid = holder(folder / "lock")
            raise RunError(
                Reason.STORE_UNAVAILABLE,
                f"{folder} is in use by process {pid}; wait for it or end it",
            )
        yield folder


@contextlib.contextmanager
def opened_store(folder: Path) -> "Iterator[EmbeddedEngine]":
    """The embedded engine of a state folder."""
    from chartly_store.embedded import open_embedded  # noqa: PLC0415 - costs 0.4 s

    engine = open_embedded(folder / "store")
    try:
        yield engine
    finally:
        engine.close()


def checkpoint_path(folder: Path, project: "Project") -> Path:
    """Where the head of a project's audit chain is kept outside the store."""
    return folder / "audit" / f"{project.tenant}--{project.project}.head"
