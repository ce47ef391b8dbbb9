"""What stands in an object's way, as data: checks are asked in their order until one answers."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias, TypeVar

from chartly.errors import Reason, SpecError

World = TypeVar("World")


class Answer(Enum):
    """What a check says where something is in the way."""

    WAIT = "wait"
    """Something else has to come first; nobody needs to change the object."""
    REFUSE = "refuse"
    """It stays so until somebody changes the object."""


@dataclass(frozen=True)
class Obstacle:
    """What is in the way.

    Attributes:
        patient: whether it is waited for without a deadline.
        again: seconds until it is looked at again, where nothing tells that it has gone.
    """

    answer: Answer
    reason: Reason
    message: str
    patient: bool = False
    again: float | None = None

    @property
    def waits(self) -> bool:
        return self.answer is Answer.WAIT


Check: TypeAlias = Callable[[World], Obstacle | None]


def first_obstacle(world: World, checks: Iterable[Check[World]]) -> Obstacle | None:
    """The first thing in the way; None if there is none."""
    return next((found for check in checks if (found := check(world)) is not None), None)


def wait(reason: Reason, message: str) -> Obstacle:
    return Obstacle(Answer.WAIT, reason, message)


def wait_patiently(reason: Reason, message: str, again: float | None = None) -> Obstacle:
    return Obstacle(Answer.WAIT, reason, message, patient=True, again=again)


def refuse(reason: Reason, message: str) -> Obstacle:
    return Obstacle(Answer.REFUSE, reason, message)


def refused(error: SpecError) -> Obstacle:
    """A mistake that reading found."""
    return refuse(error.reason, error.message)
