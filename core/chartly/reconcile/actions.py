"""What a decision asks for: actions in their order, each safe to repeat."""

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
    """Creates an object once; one of that name that is there already is left as it is.

    Attributes:
        owner: the uid that an existing object of that name must have as controller; without it
            any will do. Another owner's object is a conflict, to be tried again later.
    """

    document: Object
    owner: str | None = None


@dataclass(frozen=True)
class ApplyStatus:
    """Makes ``status`` what the object's status says of ours.

    Attributes:
        uid: whose status it is; an object of that name with another uid is not touched.
        resource_version: what was observed; a newer object refuses the write, and is looked at
            again.
    """

    key: Key
    uid: str
    resource_version: str
    status: Object


@dataclass(frozen=True)
class TakeTurn:
    """Makes a run the holder of its workflow's turn; a conflict while another one may go on.

    Attributes:
        uid: whose turn; an object of that name with another uid is not touched.
        run: name and uid of the run.
        epoch: the number of its turn, above those before it.
    """

    workflow: Key
    uid: str
    run: tuple[str, str]
    epoch: int


@dataclass(frozen=True)
class ApplyData:
    """Adds entries to a ConfigMap of ours, which is made if it is not there."""

    key: Key
    labels: Mapping[str, str]
    data: Mapping[str, str]


@dataclass(frozen=True)
class SetTtl:
    """Lets a finished Job go after so many seconds."""

    key: Key
    uid: str
    seconds: int


@dataclass(frozen=True)
class Remove:
    """Deletes an object with what belongs to it; one that is gone is fine.

    Attributes:
        uid: whose; an object of that name with another uid is not touched. None where the name
            says it all, as with frozen inputs.
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
    """What to do now, and when to look again without being told.

    The actions are done in order and stop at the first that fails; then the object is decided on
    anew, so that no action may rely on one before it having been remembered anywhere but in the
    cluster.

    Attributes:
        look_again: seconds from now.
    """

    actions: tuple[Action, ...] = field(default=())
    look_again: float | None = None
