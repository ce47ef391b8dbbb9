"""A workflow's fixtures, run twice into a store that is thrown away."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from chartly.errors import Reason


@dataclass(frozen=True)
class TrialRun:
    """How one of the two runs ended.

    Attributes:
        outputs: the fingerprint of each output.
    """

    reason: Reason
    message: str
    counts: Mapping[str, int]
    outputs: Mapping[str, str]


@dataclass(frozen=True)
class Trial:
    """Both runs.

    Attributes:
        fixtures: how many there are.
    """

    fixtures: int
    first: TrialRun
    second: TrialRun


@dataclass(frozen=True)
class ComparedGolden:
    """A fixture beside the file of canonical events that it must become."""

    fixture: str
    golden: str
    conforms: bool


class FixtureTrials(Protocol):
    """Runs fixtures and compares them with their goldens.

    Raises:
        ChartlyError: from both methods where it cannot.
    """

    def run(self) -> Trial:
        """Runs all fixtures twice.

        Raises:
            RunError: ``PrerequisiteMissing``: there are none.
        """
        ...

    def compare(self) -> list[ComparedGolden]:
        """Compares each with its golden."""
        ...
