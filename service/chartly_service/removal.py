"""Steps that take something away: each tells what came of it, and the next kind waits for all."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from chartly.api.place import Place
from chartly.errors import ChartlyError, Reason


class RemovalResult(StrEnum):
    """What came of a step."""

    PLANNED = "planned"
    REMOVED = "removed"
    ABSENT = "absent"
    FAILED = "failed"
    WAITING = "waiting"


@dataclass(frozen=True)
class RemovalStep:
    """One thing to remove; doing it again when it is gone changes nothing.

    Attributes:
        event: the audit event that tells of it.
        act: does it; returns whether there was anything to do.
    """

    kind: str
    name: str
    event: str
    act: Callable[[], bool]

    def __str__(self) -> str:
        return f"{self.kind}: {self.name}"


@dataclass(frozen=True)
class RemovalOutcome:
    """A step and what came of it.

    Attributes:
        reason: why it failed; empty where it did not.
    """

    step: RemovalStep
    result: RemovalResult
    reason: str = ""
    message: str = ""

    @property
    def document(self) -> dict[str, str]:
        """For a program."""
        found = {"kind": self.step.kind, "name": self.step.name, "result": self.result.value}
        failure = {"reason": self.reason, "message": self.message} if self.reason else {}
        return found | failure


def carry_out(
    steps: Sequence[RemovalStep], record: Callable[[RemovalStep], None]
) -> Iterator[RemovalOutcome]:
    """Does steps in their order.

    One that fails does not keep others of its kind from being done. Those of the kinds after it
    wait: what is removed later is what the earlier ones stand on.

    Args:
        record: tells the audit trail of a step that is done; where it cannot, the step failed.
    """
    failed: RemovalStep | None = None
    for step in steps:
        if failed is not None and failed.kind != step.kind:
            yield RemovalOutcome(
                step, RemovalResult.WAITING, message=f"until {failed.kind} {failed.name} is done"
            )
            continue
        outcome = _done(step, record)
        failed = failed or (step if outcome.result is RemovalResult.FAILED else None)
        yield outcome


def _done(step: RemovalStep, record: Callable[[RemovalStep], None]) -> RemovalOutcome:
    try:
        there = _act(step)
        record(step)
    except ChartlyError as error:
        return RemovalOutcome(step, RemovalResult.FAILED, error.reason.value, error.message)
    if there:
        return RemovalOutcome(step, RemovalResult.REMOVED)
    return RemovalOutcome(step, RemovalResult.ABSENT, message="nothing was left to do")


def _act(step: RemovalStep) -> bool:
    try:
        return step.act()
    except OSError as error:
        place = Place(object=str(error.filename or step.name))
        raise place.refusal(error.strerror or type(error).__name__) from None


def first_failure(outcomes: Sequence[RemovalOutcome]) -> Reason | None:
    """The reason that the whole ends with; none where every step is done."""
    return next(
        (Reason(one.reason) for one in outcomes if one.result is RemovalResult.FAILED), None
    )
