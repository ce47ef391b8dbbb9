"""Runs a workflow, or continues the run of it that was cut off; leaves evidence."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import Field, asdict, dataclass, replace
from datetime import datetime
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from chartly.api.place import Place
from chartly.api.workflow import Workflow
from chartly.errors import REASONS, Problem, Reason
from chartly.plan.digest import run_digest
from chartly.plan.prepare import FrozenWorkflow
from chartly.plan.runplan import RunPlan
from chartly.warning import RunWarning, warning_documents
from chartly_service.prerequisites import Prerequisite, RunSite, require, workflow_prerequisites
from chartly_service.runs import (
    RecordedRun,
    RecordedRuns,
    RunIntent,
    end_as_killed,
    unfinished_runs,
)
from chartly_service.workspace import Workspace


class AttemptResult(Protocol):
    """How an attempt ended: a dataclass with these fields, which may have more.

    Attributes:
        audited: its audit chain reads back from the store, whole.
        newest: the time of the newest event of each dataset that has one.
    """

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    @property
    def reason(self) -> Reason: ...

    @property
    def message(self) -> str: ...

    @property
    def audited(self) -> bool: ...

    @property
    def warnings(self) -> Sequence[RunWarning]: ...

    @property
    def newest(self) -> Mapping[str, datetime]: ...


ResultT = TypeVar("ResultT", bound=AttemptResult)


class AttemptLauncher(Protocol[ResultT]):
    """Starts the connector and the loader of an attempt."""

    def launch(self, intent: RunIntent, frozen: FrozenWorkflow) -> ResultT:
        """Runs an attempt to its end; no process of it is left.

        Raises:
            ChartlyError: it could not start, or was interrupted before it could record its end.
        """
        ...

    def keep_metrics(
        self, intent: RunIntent, plan: RunPlan, result: ResultT, seconds: float
    ) -> None:
        """Writes the metrics of an attempt that took so many seconds."""
        ...


class RunStore(Protocol):
    """The store that a run loads into."""

    @property
    def name(self) -> str:
        """How messages name it."""
        ...

    @property
    def record(self) -> str:
        """How intents name it."""
        ...


@dataclass(frozen=True)
class RunRequest:
    """A workflow to run, and the options of the run.

    Attributes:
        window: the range of time that analytics are computed for; None: what was loaded.
        evidence: options that change where the run goes, such as ``--connect-to``.
    """

    workflow: Workflow
    store: RunStore
    window: tuple[str, str] | None = None
    evidence: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class RunPorts(Generic[ResultT]):
    """What a run needs of the place where it runs.

    Attributes:
        runs: the runs of the place, which nothing else changes for as long as they are open.
        now: the time of day.
        monotonic: seconds that never go back.
        on_warning: called with each prerequisite that is there and unsafe.
    """

    site: RunSite
    runs: Callable[[], AbstractContextManager[RecordedRuns]]
    launcher: AttemptLauncher[ResultT]
    now: Callable[[], datetime]
    monotonic: Callable[[], float]
    on_warning: Callable[[Prerequisite], None]


@dataclass(frozen=True)
class RunReport(Generic[ResultT]):
    """How a run ended.

    Attributes:
        continued: whether an earlier attempt of it was cut off.
        folder: where the run is recorded.
        digests: of the profiles, by reference.
    """

    intent: RunIntent
    continued: bool
    result: ResultT
    folder: str
    seconds: float
    workflow: str
    store: str
    digests: Mapping[str, str]

    def document(self) -> dict[str, Any]:
        """The report as JSON."""
        result = asdict(self.result)
        result["reason"] = self.result.reason.value
        result["warnings"] = warning_documents(self.result.warnings)
        result["newest"] = {name: moment.isoformat() for name, moment in self.result.newest.items()}
        return {
            "run": self.intent.run_id,
            "attempt": self.intent.attempt,
            "continued": self.continued,
            "workflow": self.workflow,
            "store": self.store,
            "project": self.intent.project,
            "configDigest": self.intent.config_digest,
            "runDigest": self.intent.run_digest,
            "frozenAt": self.intent.frozen_at,
            "window": self.intent.window,
            "profiles": dict(self.digests),
            "evidence": self.intent.evidence,
            "seconds": round(self.seconds, 3),
            "folder": self.folder,
            "problems": [problem.document() for problem in self.problems],
            **result,
        }

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Why the run did not succeed."""
        if self.result.reason is Reason.SUCCEEDED:
            return ()
        place = Place(object=f"run {self.intent.run_id}")
        return (place.problem(self.result.message, reason=self.result.reason),)


def run(workspace: Workspace, request: RunRequest, ports: RunPorts[ResultT]) -> RunReport[ResultT]:
    """Runs a workflow, or continues the run of it that was cut off.

    Raises:
        ChartlyError: it could not start; how it ended, otherwise, is in the report.
    """
    require(ports.site.machine(), ports.on_warning)
    frozen = workspace.freeze(request.workflow)
    require(workflow_prerequisites(frozen, ports.site), ports.on_warning)
    require(ports.site.store(), ports.on_warning)
    with ports.runs() as runs:
        recorded, continued = _recorded(runs, request, frozen, ports.now)
        result, seconds = _attempt(recorded.intent, frozen, ports)
        report = RunReport(
            intent=recorded.intent,
            continued=continued,
            result=result,
            folder=recorded.name,
            seconds=seconds,
            workflow=f"{request.workflow.name}@{request.workflow.version}",
            store=request.store.name,
            digests={str(profile.reference): profile.digest for profile in frozen.plan.profiles},
        )
        recorded.finish(report.document())
        return report


def _recorded(
    runs: RecordedRuns, request: RunRequest, frozen: FrozenWorkflow, now: Callable[[], datetime]
) -> tuple[RecordedRun, bool]:
    """The run that was cut off with the same inputs, or a new one; and whether it continues.

    A run that was cut off continues only in the store that has its first pages.
    """
    workflow, store = request.workflow, request.store.record
    digest = run_digest(frozen.snapshot.digest, {}, request.window)
    evidence = dict(request.evidence or {})
    for recorded in unfinished_runs(runs, workflow.name, store):
        if recorded.intent.run_digest == digest:
            recorded.next_attempt(evidence)
            return recorded, True
        end_as_killed(recorded, "cut off")
    intent = RunIntent(
        run_id=runs.new_id(workflow.name),
        workflow=workflow.name,
        version=workflow.version,
        project=str(frozen.plan.project),
        config_digest=frozen.snapshot.digest,
        run_digest=digest,
        frozen_at=now().isoformat(timespec="milliseconds"),
        attempt=1,
        window=request.window,
        evidence=evidence,
        store=store,
    )
    return runs.begin(intent, frozen.snapshot.content), False


def _attempt(
    intent: RunIntent, frozen: FrozenWorkflow, ports: RunPorts[ResultT]
) -> tuple[ResultT, float]:
    """How an attempt ended, and after how many seconds."""
    started = ports.monotonic()
    result = ports.launcher.launch(intent, frozen)
    seconds = ports.monotonic() - started
    result = _evidenced(result)
    ports.launcher.keep_metrics(intent, frozen.plan, result, seconds)
    return result, seconds


def _evidenced(result: ResultT) -> ResultT:
    """The result, which is no success without the evidence of one."""
    if result.reason is not Reason.SUCCEEDED or result.audited:
        return result
    missing = Reason.EVIDENCE_MISSING
    return replace(result, reason=missing, message=REASONS[missing].meaning)
