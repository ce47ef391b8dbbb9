"""Steps that remove something: each has an outcome, and a kind waits for the one before."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from chartly.api.place import Place
from chartly.errors import ChartlyError, Reason


class RemovalResult(StrEnum):
    """The result of a step."""

    PLANNED = "planned"
    REMOVED = "removed"
    ABSENT = "absent"
    FAILED = "failed"
    WAITING = "waiting"


@dataclass(frozen=True)
class RemovalStep:
    """One thing to remove; doing it again when it is gone changes nothing.

    Attributes:
        event: the audit event that records it.
        act: removes it; returns whether it was there.
    """

    kind: str
    name: str
    event: str
    act: Callable[[], bool]

    def __str__(self) -> str:
        return f"{self.kind}: {self.name}"


@dataclass(frozen=True)
class RemovalOutcome:
    """A step and its result.

    Attributes:
        reason: why it failed; empty where it did not.
    """

    step: RemovalStep
    result: RemovalResult
    reason: str = ""
    message: str = ""

    @property
    def document(self) -> dict[str, str]:
        """The outcome as JSON."""
        document = {"kind": self.step.kind, "name": self.step.name, "result": self.result.value}
        failure = {"reason": self.reason, "message": self.message} if self.reason else {}
        return document | failure


def carry_out(
    steps: Sequence[RemovalStep], record: Callable[[RemovalStep], None]
) -> Iterator[RemovalOutcome]:
    """Runs steps in their order.

    After one that fails, the others of its kind run. Those of later kinds wait: they remove what
    the earlier ones depend on.

    Args:
        record: adds a step to the audit trail; where it cannot, the step failed.
    """
    failed: RemovalStep | None = None
    for step in steps:
        if failed is not None and failed.kind != step.kind:
            yield RemovalOutcome(
                step, RemovalResult.WAITING, message=f"until {failed.kind} {failed.name} is done"
            )
            continue
        outcome = _outcome(step, record)
        failed = failed or (step if outcome.result is RemovalResult.FAILED else None)
        yield outcome


def _outcome(step: RemovalStep, record: Callable[[RemovalStep], None]) -> RemovalOutcome:
    try:
        was_there = _act(step)
        record(step)
    except ChartlyError as error:
        return RemovalOutcome(step, RemovalResult.FAILED, error.reason.value, error.message)
    if was_there:
        return RemovalOutcome(step, RemovalResult.REMOVED)
    return RemovalOutcome(step, RemovalResult.ABSENT, message="nothing was left to do")


def _act(step: RemovalStep) -> bool:
    try:
        return step.act()
    except OSError as error:
        place = Place(object=str(error.filename or step.name))
        raise place.refusal(error.strerror or type(error).__name__) from None


def first_failure(outcomes: Sequence[RemovalOutcome]) -> Reason | None:
    """The reason of the first step that failed; None where none did."""
    return next(
        (Reason(each.reason) for each in outcomes if each.result is RemovalResult.FAILED), None
    )
