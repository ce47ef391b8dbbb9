"""The ports of use cases to a project's store, whichever engine holds it."""

from contextlib import AbstractContextManager
from typing import Protocol

from chartly.api.reference import Project
from chartly_service.audit import AuditedProject
from chartly_service.query import QueryableProject
from chartly_service.rejects import RejectingProject
from chartly_service.status import MeasuredProject
from chartly_service.teardown import RemovableProject


class StoredProject(
    QueryableProject, RejectingProject, AuditedProject, MeasuredProject, RemovableProject, Protocol
):
    """A project's store, open, for every use case."""


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
