"""Tries a workflow on its fixtures, run twice into a store that is thrown away."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from chartly.errors import Reason, RunError
from chartly.warning import RunWarning


@dataclass(frozen=True)
class TrialRun:
    """How one of the two runs ended.

    Attributes:
        outputs: the fingerprint of each output.
        audited: its audit chain reads back from the store, whole.
    """

    reason: Reason
    message: str
    counts: Mapping[str, int]
    outputs: Mapping[str, str]
    audited: bool
    warnings: Sequence[RunWarning]


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
    """A fixture beside the file of canonical events that it must become.

    Attributes:
        events: how many it became.
        difference: how they differ, for a person; empty where they do not.
    """

    fixture: str
    golden: str
    conforms: bool
    events: int
    difference: str


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


@dataclass(frozen=True)
class TrialVerdict:
    """What a trial shows of a workflow.

    Attributes:
        run: the first of its two runs.
        problem: why the runs differ, or lack evidence; empty where they do not.
    """

    compared: Sequence[ComparedGolden]
    run: TrialRun
    problem: str

    @property
    def ok(self) -> bool:
        return not self.problem and all(golden.conforms for golden in self.compared)


def try_fixtures(trials: FixtureTrials) -> TrialVerdict:
    """Compares every fixture with its golden, then runs all of them twice.

    Raises:
        RunError: a run did not succeed; with its reason.
        ChartlyError: a fixture cannot be compared.
    """
    compared = trials.compare()
    trial = trials.run()
    return TrialVerdict(compared, trial.first, _problem(trial))


def _problem(trial: Trial) -> str:
    first, second = trial.first, trial.second
    for run in (first, second):
        if run.reason is not Reason.SUCCEEDED:
            raise RunError(run.reason, run.message)
        if not run.audited:
            return "audit evidence is missing"
    if first.counts != second.counts:
        return f"counts changed from {listed(first.counts)} to {listed(second.counts)}"
    if first.outputs != second.outputs:
        return f"outputs changed from {listed(first.outputs)} to {listed(second.outputs)}"
    return ""


def listed(values: Mapping[str, object]) -> str:
    """Names and values in one line."""
    return ", ".join(f"{name} {value}" for name, value in values.items()) or "none"
