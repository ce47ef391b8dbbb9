"""Why an object cannot be used, as data: checks run in order until one returns an obstacle."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from enum import Enum
from typing import TypeAlias, TypeVar

from chartly.errors import Problem, Reason, SpecError, sentence_of

World = TypeVar("World")


class Answer(Enum):
    """What an obstacle means for the object."""

    WAIT = "wait"
    """Something else has to come first; the object itself need not change."""
    REFUSE = "refuse"
    """It stays so until the object is changed."""


@dataclass(frozen=True)
class Obstacle:
    """Why an object cannot be used, or a run cannot start yet.

    Attributes:
        problems: at least one; conditions and Events show the reason and message of these.
        patient: whether it is waited for without a deadline.
        again: seconds until the next decision, where no watch event ends the wait.
    """

    answer: Answer
    problems: tuple[Problem, ...]
    patient: bool = False
    again: float | None = None

    @property
    def reason(self) -> Reason:
        return self.problems[0].reason

    @property
    def message(self) -> str:
        return sentence_of(self.problems)

    @property
    def waits(self) -> bool:
        return self.answer is Answer.WAIT

    def awaited(self) -> "Obstacle":
        """The same problems, waited for instead of refused."""
        return replace(self, answer=Answer.WAIT)


Check: TypeAlias = Callable[[World], Obstacle | None]


def first_obstacle(world: World, checks: Iterable[Check[World]]) -> Obstacle | None:
    """The obstacle of the first check that returns one; None if all pass."""
    obstacles = (check(world) for check in checks)
    return next((obstacle for obstacle in obstacles if obstacle is not None), None)


def wait(problem: Problem) -> Obstacle:
    return Obstacle(Answer.WAIT, (problem,))


def wait_patiently(problem: Problem, again: float | None = None) -> Obstacle:
    return Obstacle(Answer.WAIT, (problem,), patient=True, again=again)


def refuse(problem: Problem) -> Obstacle:
    return Obstacle(Answer.REFUSE, (problem,))


def refused(error: SpecError) -> Obstacle:
    """The mistakes that parsing or preparing raised."""
    return Obstacle(Answer.REFUSE, error.problems)
