"""The requests of Chartly to a Kubernetes API server, and their errors.

The errors::

    KubeError
    +-- Conflict          the object is not the one, or not in the state, that was observed
    +-- AlreadyExists     an object of that name exists
    +-- NotFound          no object of that name exists
    +-- Expired           a list's continuation is too old; the list has to start again
    +-- Refused           the same request would be refused again (400, 403, 422, ...)
    +-- Unavailable       no usable response; the request may have had its effect or not
"""

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

from chartly.names import FIELD_MANAGER
from chartly.reconcile.actions import Key, Object

ANY: Mapping[str, str] = {}
"""Labels that every object has."""
Kept = TypeVar("Kept")
Trim: TypeAlias = Callable[[dict[str, Any]], Kept]
"""Makes an object smaller before the next page of a list arrives."""
Read: TypeAlias = Callable[[bytes], Kept]
"""Decodes the fields of an object that are used."""


class KubeError(Exception):
    """A request that failed; its message is one sentence, without headers or bodies."""


class Conflict(KubeError):  # noqa: N818 - it names what it is
    """The object is not the one, or not in the state, that was observed."""


class AlreadyExists(KubeError):  # noqa: N818 - it names what it is
    """An object of that name exists."""


class NotFound(KubeError):  # noqa: N818 - it names what it is
    """No object of that name exists."""


class Expired(KubeError):  # noqa: N818 - it names what it is
    """A list's continuation is too old (410)."""


class Refused(KubeError):  # noqa: N818 - it names what it is
    """The API server refuses this request, and would refuse it again."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


class Unavailable(KubeError):  # noqa: N818 - it names what it is
    """There was no usable response; the request may have had its effect all the same.

    Attributes:
        retry_after: seconds to wait, where the server named some.
    """

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


@dataclass(frozen=True)
class WatchEvent(Generic[Kept]):
    """One change that a watch reports.

    Attributes:
        type: ``ADDED``, ``MODIFIED``, ``DELETED`` or ``BOOKMARK``.
        version: where a watch that follows this one begins.
        object: None in a bookmark.
    """

    type: str
    version: str
    object: Kept | None


class WatchPort(Protocol):
    """An API server that reports changes."""

    def watched(
        self, kind: str, namespace: str | None, since: str, read: Read[Kept]
    ) -> AsyncIterator[WatchEvent[Kept]]:
        """Every change of a kind that we watch, until the server ends the watch.

        Args:
            since: a version; the empty one reports every existing object first.

        Raises:
            Expired: the server does not keep changes since then any more.
            KubeError: it cannot go on.
        """
        ...


class KubePort(Protocol):
    """An API server. Objects come without ``managedFields``; every method may raise KubeError."""

    async def served_kinds(self) -> frozenset[str]:
        """The kinds of our own group that the server serves."""
        ...

    async def listed(
        self,
        kind: str,
        namespace: str | None,
        trim: Trim[Kept],
        labels: Mapping[str, str] = ANY,
    ) -> list[Kept]:
        """All objects of a kind that we watch, in one namespace or in all, as of one moment."""
        ...

    async def get(self, key: Key) -> Object: ...

    async def create(self, document: Object) -> Object:
        """Creates an object.

        Raises:
            AlreadyExists: one of that name exists, whoever created it.
        """
        ...

    async def apply_status(
        self,
        key: Key,
        uid: str,
        resource_version: str,
        status: Object,
        manager: str = FIELD_MANAGER,
    ) -> Object:
        """Applies ``status`` as the fields of one manager, by server-side apply.

        Fields of other managers stay.

        Raises:
            Conflict: the object is newer than ``resource_version``. That covers another object of
                that name, too; the API server does not compare ``uid`` here.
        """
        ...

    async def add_data(
        self, key: Key, labels: Mapping[str, str], data: Mapping[str, str]
    ) -> Object:
        """Adds entries to a ConfigMap, which is created where it does not exist.

        An existing entry is never overwritten, and entries of other writers are kept; a
        server-side apply would drop those.

        Raises:
            Conflict: an entry has another value, or the ConfigMap changed in between.
        """
        ...

    async def merge(self, key: Key, uid: str, patch: Object) -> Object:
        """Merges fields into an object.

        Raises:
            Conflict: the object has another uid.
        """
        ...

    async def delete(self, key: Key, uid: str | None) -> Object | None:
        """Deletes an object; its dependents follow in the background.

        Returns:
            The object, if finalizers keep it for now.

        Raises:
            Conflict: the object has another uid.
        """
        ...

    async def replace(self, document: Object) -> Object:
        """Writes an object whole.

        Raises:
            Conflict: it is newer than the document's resourceVersion.
        """
        ...
