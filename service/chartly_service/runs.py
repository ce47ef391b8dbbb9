"""The runs of a place: what each was about to do, and its state."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Protocol

from chartly.api.place import Place
from chartly.api.suggestion import suggestion_for
from chartly.errors import Reason


class RunState(StrEnum):
    """How far a run is."""

    RUNNING = "Running"
    INTERRUPTED = "Interrupted"
    """Cut off; the next run of its workflow continues it, or ends it."""
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    UNKNOWN = "Unknown"
    """It starts, ends, or was cut off while another command works in its folder."""


@dataclass(frozen=True)
class RunIntent:
    """What a run is about to do; it is durable before anything starts.

    Attributes:
        frozen_at: the freeze time, which is ``ingested_at`` of every event of the run.
        evidence: options that change where the run goes, such as ``--connect-to``.
        store: the server that it loads into; empty: the folder's own store.
    """

    run_id: str
    workflow: str
    version: str
    project: str
    config_digest: str
    run_digest: str
    frozen_at: str
    attempt: int
    window: tuple[str, str] | None
    evidence: dict[str, Any]
    store: str = ""

    @property
    def moment(self) -> datetime:
        return datetime.fromisoformat(self.frozen_at).astimezone(UTC)


class RecordedRun(Protocol):
    """A run where it is recorded."""

    @property
    def name(self) -> str:
        """Where it is recorded, as messages name it."""
        ...

    @property
    def intent(self) -> RunIntent:
        """The intent of its latest attempt."""
        ...

    @property
    def result(self) -> Mapping[str, Any] | None:
        """How it ended; None where it has not."""
        ...

    def is_running(self) -> bool | None:
        """Whether a process works on it; None where that cannot be known."""
        ...

    def next_attempt(self, evidence: dict[str, Any]) -> object:
        """Records the intent of the attempt after the latest, with its own options."""
        ...

    def finish(self, result: Mapping[str, Any]) -> None:
        """Records how the run ended."""
        ...


class RecordedRuns(Protocol):
    """The runs of a place."""

    def all(self) -> Sequence[RecordedRun]:
        """Every run that has an intent, oldest first."""
        ...

    def begin(self, intent: RunIntent, snapshot: bytes) -> RecordedRun:
        """Records the intent and the frozen inputs of a run, durably."""
        ...

    def new_id(self, workflow: str) -> str:
        """A name that no run has."""
        ...


@dataclass(frozen=True)
class RunEntry:
    """A run as lists show it.

    Attributes:
        reason: why it ended as it did; empty where it has not ended.
    """

    intent: RunIntent
    state: RunState
    reason: str


def list_runs(runs: RecordedRuns, workflow: str | None = None) -> list[RunEntry]:
    """The runs of a workflow, or all, the latest first."""
    return [_entry(run) for run in reversed(runs.all()) if workflow in (None, run.intent.workflow)]


def get_run(runs: RecordedRuns, run_id: str) -> RunEntry:
    """The run of a name.

    Raises:
        SpecError: there is none.
    """
    entries = {entry.intent.run_id: entry for entry in list_runs(runs)}
    if run_id not in entries:
        there = suggestion_for(run_id, entries) if entries else "there is none"
        raise Place(object="run").refusal(f"is not here; {there}", value=run_id, allowed=entries)
    return entries[run_id]


def unfinished_runs(runs: RecordedRuns, workflow: str, store: str) -> list[RecordedRun]:
    """The runs of a workflow into a store that have not ended, oldest first.

    Args:
        store: as intents name it.
    """
    return [
        run
        for run in runs.all()
        if run.result is None and (run.intent.workflow, run.intent.store) == (workflow, store)
    ]


def end_as_killed(run: RecordedRun, message: str) -> None:
    """Ends a run that was cut off; nothing continues it."""
    ending = {"reason": Reason.KILLED.value, "message": message}
    run.finish({"run": run.intent.run_id, **ending})


def _entry(run: RecordedRun) -> RunEntry:
    result = run.result
    if result is None:
        # Read first: a run that ends in between is one that has ended.
        running = run.is_running()
        result = run.result
    if result is None:
        states = {True: RunState.RUNNING, False: RunState.INTERRUPTED, None: RunState.UNKNOWN}
        return RunEntry(run.intent, states[running], "")
    reason = str(result["reason"])
    state = RunState.SUCCEEDED if reason == Reason.SUCCEEDED else RunState.FAILED
    return RunEntry(run.intent, state, reason)
