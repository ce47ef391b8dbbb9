"""The two stores that commands work on: the folder's embedded engine, and a server."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from chartly.errors import Reason, RunError
from chartly_cli.store_login import logged_in
from chartly_folder.state_folder import checkpoint_path, exclusive
from chartly_service.workspace import Workspace
from chartly_store.access import Access

if TYPE_CHECKING:
    from chartly.api.reference import Project
    from chartly_store.embedded import EmbeddedEngine
    from chartly_store.engine_port import Engine
    from chartly_store.stored_project import EngineProject


_OPTIONS = "--store-user, --store-password-file"


@dataclass(frozen=True)
class FolderBinding:
    """The embedded engine of a workspace; one command at a time has it."""

    workspace: Workspace

    @property
    def name(self) -> str:
        """How messages name it."""
        return str(self.workspace.state / "store")

    @property
    def record(self) -> str:
        """How a run's intent names it: not at all, since a folder may move."""
        return ""

    @property
    def is_absent(self) -> bool:
        """Whether there is no store yet, for any project."""
        return not (self.workspace.state / "store").is_dir()

    def checkpoint(self, project: "Project") -> Path:
        """Where the head of the project's audit chain is kept outside the store."""
        return checkpoint_path(self.workspace.state, project)

    @contextmanager
    def engine(self) -> "Iterator[Engine]":
        """The engine, for a caller that has the folder's lock."""
        with opened_store(self.workspace.state) as engine:
            yield engine

    @contextmanager
    def opened(self, project: "Project") -> "Iterator[EngineProject]":
        """The store of a project.

        Raises:
            RunError: ``PrerequisiteMissing``: nothing has run here.
        """
        from chartly_store.stored_project import of_folder  # noqa: PLC0415 - costs 0.4 s

        if self.is_absent:
            raise RunError(
                Reason.PREREQUISITE_MISSING,
                f"{self.workspace.state} holds no store; run a workflow first",
            )
        with exclusive(self.workspace), self.engine() as engine:
            yield of_folder(engine, project, self.name, self.checkpoint(project))


@dataclass(frozen=True)
class ServerBinding:
    """A ClickHouse server as one user sees it."""

    access: Access

    @property
    def name(self) -> str:
        """How messages name it."""
        return self.access.url

    @property
    def record(self) -> str:
        """How a run's intent names it."""
        return self.access.url

    @property
    def is_absent(self) -> bool:
        """Never: only the server can answer whether it has anything."""
        return False

    def checkpoint(self, _project: "Project") -> Path | None:
        """None: a project's chain has no checkpoint there."""
        return None

    def check(self) -> None:
        """Logs in, once.

        Raises:
            RunError: ``AuthRejected`` or ``StoreUnavailable``.
        """
        from chartly_store.server import AT_A_KEYBOARD  # noqa: PLC0415 - costs 0.4 s

        with logged_in(self.access, AT_A_KEYBOARD, _OPTIONS) as engine:
            engine.rows("SELECT 1")

    @contextmanager
    def engine(self) -> "Iterator[Engine]":
        """The engine, with the patience of a run."""
        from chartly_store.server import Patience  # noqa: PLC0415 - costs 0.4 s

        with logged_in(self.access, Patience(), _OPTIONS) as engine:
            yield engine

    @contextmanager
    def opened(self, project: "Project") -> "Iterator[EngineProject]":
        """The store of a project.

        Raises:
            RunError: ``PrerequisiteMissing``: nothing was stored for it; ``AuthRejected`` or
                ``StoreUnavailable``: the server refuses the login or does not answer.
        """
        from chartly_store.server import AT_A_KEYBOARD  # noqa: PLC0415 - costs 0.4 s
        from chartly_store.stored_project import of_server  # noqa: PLC0415 - the same

        with logged_in(self.access, AT_A_KEYBOARD, _OPTIONS) as engine:
            yield of_server(engine, project, self.name, self.access.username)


Binding = FolderBinding | ServerBinding
"""The store of a command."""


@contextmanager
def opened_store(folder: Path) -> "Iterator[EmbeddedEngine]":
    """The embedded engine of a state folder."""
    from chartly_store.embedded import open_embedded  # noqa: PLC0415 - costs 0.4 s

    engine = open_embedded(folder / "store")
    try:
        yield engine
    finally:
        engine.close()
