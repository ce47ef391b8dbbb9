"""What a decision returns: actions in order, each safe to repeat."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

Object: TypeAlias = Mapping[str, Any]
"""A Kubernetes object as JSON."""


@dataclass(frozen=True)
class Key:
    """An object's address; ``kind`` is enough, since no two kinds that we use share a name."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"


@dataclass(frozen=True)
class Create:
    """Creates an object once; an existing one of that name is left as it is.

    Attributes:
        owner: the uid of the controller that an existing object of that name must have; None
            accepts any. Another owner's object is a conflict, which is tried again later.
    """

    document: Object
    owner: str | None = None


@dataclass(frozen=True)
class ApplyStatus:
    """Applies ``status`` as our part of the object's status.

    Attributes:
        uid: of the object; one of that name with another uid is not changed.
        resource_version: the one that was observed; with a newer one the write is refused, and
            the object is decided on again.
    """

    key: Key
    uid: str
    resource_version: str
    status: Object


@dataclass(frozen=True)
class TakeTurn:
    """Makes a run the holder of its workflow's turn; a conflict while another holder may run.

    Attributes:
        uid: of the workflow; one of that name with another uid is not changed.
        run: name and uid of the run.
        epoch: the number of its turn, above all earlier ones.
    """

    workflow: Key
    uid: str
    run: tuple[str, str]
    epoch: int


@dataclass(frozen=True)
class ApplyData:
    """Adds entries to a ConfigMap of ours, which is created if it does not exist."""

    key: Key
    labels: Mapping[str, str]
    data: Mapping[str, str]


@dataclass(frozen=True)
class SetTtl:
    """Sets the seconds after which a finished Job is deleted."""

    key: Key
    uid: str
    seconds: int


@dataclass(frozen=True)
class Remove:
    """Deletes an object with its dependents; one that does not exist is no failure.

    Attributes:
        uid: of the object; one of that name with another uid is not deleted. None where the name
            identifies the content, as with frozen inputs.
    """

    key: Key
    uid: str | None


@dataclass(frozen=True)
class Post:
    """A Kubernetes Event about an object; one for each transition."""

    about: Object
    type: Literal["Normal", "Warning"]
    reason: str
    message: str


Action: TypeAlias = Create | ApplyStatus | TakeTurn | ApplyData | SetTtl | Remove | Post


@dataclass(frozen=True)
class Decision:
    """What to do now, and when to decide again if no watch event comes first.

    The actions are performed in order up to the first that fails; then the object is decided on
    again. So no action may depend on state of an earlier one that is not in the cluster.

    Attributes:
        look_again: seconds from now.
    """

    actions: tuple[Action, ...] = field(default=())
    look_again: float | None = None
