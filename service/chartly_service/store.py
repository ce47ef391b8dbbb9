"""Where use cases find a project's data, whichever engine holds it."""

from contextlib import AbstractContextManager
from typing import Protocol

from chartly.api.reference import Project
from chartly_service.query import QueryableProject


class StoredProject(QueryableProject, Protocol):
    """A project's store, open."""


class StoreBinding(Protocol):
    """A store that is not open yet: a folder's own, or a server's."""

    @property
    def name(self) -> str:
        """How messages and records name it."""
        ...

    def opened(self, project: Project) -> AbstractContextManager[StoredProject]:
        """The store of a project for as long as the block lasts.

        Raises:
            RunError: ``PrerequisiteMissing``: nothing was stored for the project yet;
                ``AuthRejected`` or ``StoreUnavailable``: it cannot be opened.
        """
        ...
