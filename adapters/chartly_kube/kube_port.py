"""What Chartly asks of a Kubernetes API server, and what it may answer with.

The errors::

    KubeError
    +-- Conflict          the object is not the one, or not in the state, that was observed
    +-- AlreadyExists     an object of that name is there
    +-- NotFound          no object of that name is there
    +-- Expired           a list's continuation is too old; it has to start again
    +-- Refused           the same request would be refused again (400, 403, 422, ...)
    +-- Unavailable       no usable answer; whatever was asked may have happened or not
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
"""Decodes an object, without what nobody asks for."""


class KubeError(Exception):
    """An answer that is not what was asked for; one sentence, without headers or bodies."""


class Conflict(KubeError):  # noqa: N818 - it names what it is
    """The object is not the one, or not in the state, that was observed."""


class AlreadyExists(KubeError):  # noqa: N818 - it names what it is
    """An object of that name is there."""


class NotFound(KubeError):  # noqa: N818 - it names what it is
    """No object of that name is there."""


class Expired(KubeError):  # noqa: N818 - it names what it is
    """A list's continuation is too old (410)."""


class Refused(KubeError):  # noqa: N818 - it names what it is
    """The API server will not do this, however often it is asked."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


class Unavailable(KubeError):  # noqa: N818 - it names what it is
    """There was no usable answer; what was asked for may have happened all the same.

    Attributes:
        retry_after: seconds that the server asked us to wait, if it did.
    """

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


@dataclass(frozen=True)
class WatchEvent(Generic[Kept]):
    """What a watch tells.

    Attributes:
        type: ``ADDED``, ``MODIFIED``, ``DELETED`` or ``BOOKMARK``.
        version: where a watch that follows this one begins.
        object: None in a bookmark.
    """

    type: str
    version: str
    object: Kept | None


class WatchPort(Protocol):
    """An API server that tells of changes."""

    def watched(
        self, kind: str, namespace: str | None, since: str, read: Read[Kept]
    ) -> AsyncIterator[WatchEvent[Kept]]:
        """Every change of a kind that we watch, until the server ends the watch.

        Args:
            since: a version; from the empty one on, everything that is there is told first.

        Raises:
            Expired: changes since then are forgotten.
            KubeError: it cannot go on.
        """
        ...


class KubePort(Protocol):
    """An API server. Objects come without ``managedFields``; every method may raise KubeError."""

    async def served_kinds(self) -> frozenset[str]:
        """Which kinds of our own group the server knows."""
        ...

    async def listed(
        self,
        kind: str,
        namespace: str | None,
        trim: Trim[Kept],
        labels: Mapping[str, str] = ANY,
    ) -> list[Kept]:
        """All of a kind that we watch, of one namespace or of all, as of one moment."""
        ...

    async def get(self, key: Key) -> Object: ...

    async def create(self, document: Object) -> Object:
        """Makes an object.

        Raises:
            AlreadyExists: one of that name is there, whoever made it.
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
        """Makes ``status`` what a manager says of the object's status, by server-side apply.

        What other managers say of it stays.

        Raises:
            Conflict: the object is newer than ``resource_version``. That covers another object of
                that name, too; the API server does not look at ``uid`` here.
        """
        ...

    async def add_data(
        self, key: Key, labels: Mapping[str, str], data: Mapping[str, str]
    ) -> Object:
        """Adds entries to a ConfigMap, which is made if it is not there.

        An entry that is there is never overwritten, and other writers' entries are kept; that is
        why this is not a server-side apply, which would drop what it does not repeat.

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
